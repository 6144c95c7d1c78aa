//! Objects become pools: what Services and slices say, and whatever else they may hold.

#![allow(
    clippy::needless_pass_by_value,
    reason = "`json!` makes values that are of no use to the one who gives them"
)]

use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::findings::findings;
use super::objects::{Kept, Key, Pod, Scope, Service, Slice};
use super::pools::{Made, World, pools};
use crate::model::{Algorithm, PoolSpec, Role, Standby};

fn scope(role: Role) -> Scope {
    Scope {
        role,
        node: Some("n1".to_owned()),
        pod_labels: vec!["version".to_owned(), "pod".to_owned()],
    }
}

fn kept<T: Kept>(object: Value, scope: &Scope) -> Option<T> {
    T::keep(serde_json::from_value(object).ok()?, scope)
}

fn service(spec: Value) -> Value {
    json!({"metadata": {"namespace": "shop", "name": "checkout"}, "spec": spec})
}

/// One port called `http`.
fn plain() -> Value {
    service(json!({"ports": [{"name": "http", "port": 80}]}))
}

fn slice(endpoints: Value) -> Value {
    json!({
        "metadata": {"namespace": "shop", "name": "checkout-1", "labels": {"kubernetes.io/service-name": "checkout"}},
        "endpoints": endpoints,
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
    })
}

fn endpoint(ip: &str, more: Value) -> Value {
    let mut endpoint = json!({"addresses": [ip], "nodeName": "n1"});
    let fields = more.as_object().unwrap().clone();
    endpoint.as_object_mut().unwrap().extend(fields);
    endpoint
}

fn made(role: Role, services: &[Value], slices: &[Value], pods: &[(Key, Pod)]) -> Made {
    let scope = scope(role);
    let keep = |it: &Value| kept::<Service>(it.clone(), &scope);
    let services: Vec<_> = services.iter().filter_map(keep).collect();
    let keep = |it: &Value| kept::<Slice>(it.clone(), &scope);
    let slices: Vec<_> = slices.iter().filter_map(keep).collect();
    let world = World {
        services: services.iter().collect(),
        slices: slices.iter().collect(),
        pods: pods.iter().map(|(key, pod)| (key, pod)).collect(),
        findings: &findings(services.iter()),
    };
    pools(&world, &scope)
}

fn one(role: Role, service: Value, slice: Value) -> PoolSpec {
    let Made { pools, complaints } = made(role, &[service], &[slice], &[]);
    assert!(complaints.is_empty(), "{complaints:?}");
    pools.into_iter().next().unwrap()
}

fn addresses(pool: &PoolSpec) -> Vec<String> {
    let backends = pool.backends.iter();
    backends
        .map(|backend| backend.address.to_string())
        .collect()
}

#[test]
fn conditions_decide_who_is_in_rotation() {
    let said = |ready: bool, serving: bool, terminating: bool| json!({"conditions": {"ready": ready, "serving": serving, "terminating": terminating}});
    let pool = one(
        Role::Local,
        plain(),
        slice(json!([
            endpoint("192.0.2.1", json!({})),
            endpoint("192.0.2.2", json!({"conditions": {"ready": null}})),
            endpoint("192.0.2.3", said(false, false, false)),
            endpoint("192.0.2.4", said(false, true, true)),
            endpoint("192.0.2.5", said(false, false, true)),
            // `publishNotReadyAddresses` makes all ready, for ever.
            endpoint("192.0.2.6", said(true, true, true)),
            endpoint("192.0.2.7", json!({"nodeName": "n2"})),
            endpoint("checkout.example.org", json!({})),
        ])),
    );
    assert_eq!(pool.name, "shop/checkout:http");
    assert_eq!(
        addresses(&pool),
        ["192.0.2.1:8080", "192.0.2.2:8080", "192.0.2.6:8080"]
    );
    let standby: Vec<_> = pool.standby.iter().map(|it| it.why).collect();
    assert_eq!(standby, [Standby::Down, Standby::Drained, Standby::Drained]);
}

#[test]
fn an_address_counts_once_and_belongs_to_who_serves_there() {
    let of = |uid: &str| json!({"kind": "Pod", "name": "checkout-0", "uid": uid});
    let old = endpoint(
        "192.0.2.1",
        json!({"targetRef": of("old"), "conditions": {"ready": false, "serving": true, "terminating": true}}),
    );
    let new = endpoint("192.0.2.1", json!({"targetRef": of("new")}));
    for order in [[&old, &new], [&new, &old]] {
        let slices: Vec<_> = order.map(|it| slice(json!([it]))).into_iter().collect();
        let Made { pools, .. } = made(Role::Local, &[plain()], &slices, &[]);
        assert_eq!(addresses(&pools[0]), ["192.0.2.1:8080"]);
        assert_eq!(pools[0].backends[0].identity.as_deref(), Some("new"));
        assert!(pools[0].standby.is_empty());
    }
}

#[test]
fn ports_are_pools_and_pods_of_the_host_network_differ_by_port() {
    let service = service(
        json!({"ports": [{"name": "http", "port": 80}, {"name": "admin", "port": 81}, {"name": "dns", "port": 53, "protocol": "UDP"}]}),
    );
    let mut both = slice(json!([endpoint("192.0.2.1", json!({}))]));
    both["ports"] = json!([{"name": "http", "port": 8080}, {"name": "admin", "port": 9000}, {"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "all"}]);
    // A named port of another pod may be another number.
    let mut other = slice(json!([endpoint("192.0.2.1", json!({}))]));
    other["ports"] = json!([{"name": "http", "port": 8081}]);
    let Made { pools, .. } = made(Role::Local, &[service], &[both, other], &[]);
    let shown: Vec<_> = pools
        .iter()
        .map(|it| (it.name.as_str(), addresses(it)))
        .collect();
    assert_eq!(shown.len(), 2, "{shown:?}");
    assert_eq!(
        shown[0],
        ("shop/checkout:admin", vec!["192.0.2.1:9000".to_owned()])
    );
    assert_eq!(shown[1].1, ["192.0.2.1:8080", "192.0.2.1:8081"]);
}

#[test]
fn a_port_without_a_name_is_called_by_the_number_of_the_service() {
    let mut unnamed = slice(json!([endpoint("192.0.2.1", json!({}))]));
    unnamed["ports"] = json!([{"name": "", "port": 8080}]);
    let pool = one(
        Role::Local,
        service(json!({"ports": [{"port": 80}]})),
        unnamed,
    );
    assert_eq!(pool.name, "shop/checkout:80");
}

#[test]
fn labels_are_those_of_the_very_pod() {
    let of = |uid: &str| {
        endpoint(
            "2001:db8::1",
            json!({"zone": "z", "targetRef": {"kind": "Pod", "name": "a", "uid": uid}}),
        )
    };
    let pod = |uid: &str| {
        let labels = json!({"version": "v1", "pod": "x", "other": "y"});
        let object =
            json!({"metadata": {"namespace": "shop", "name": "a", "uid": uid, "labels": labels}});
        let key = ("shop".to_owned(), "a".to_owned());
        (key, kept::<Pod>(object, &scope(Role::Local)).unwrap())
    };
    let labels = |uid: &str| {
        let slices = [slice(json!([of(uid)]))];
        let Made { pools, .. } = made(Role::Local, &[plain()], &slices, &[pod("u1")]);
        let labels = &pools[0].backends[0].labels;
        labels
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(labels("u1"), ["node=n1", "pod=a", "version=v1", "zone=z"]);
    // A pod of the same name that is not the one that the slice means.
    assert_eq!(labels("u2"), ["node=n1", "pod=a", "zone=z"]);
}

#[test]
fn policies_decide_what_shares_are_compared_with() {
    let hinted =
        |ip: &str, zone: &str| endpoint(ip, json!({"hints": {"forZones": [{"name": zone}]}}));
    let same = slice(json!([hinted("192.0.2.1", "a"), hinted("192.0.2.2", "a")]));
    let different = slice(json!([hinted("192.0.2.1", "a"), hinted("192.0.2.2", "b")]));
    let bare = slice(json!([
        endpoint("192.0.2.1", json!({})),
        endpoint("192.0.2.2", json!({}))
    ]));
    let with = |field: &str, value: &str| {
        let mut spec = json!({"ports": [{"name": "http", "port": 80}]});
        spec[field] = json!(value);
        service(spec)
    };
    let cases = [
        (plain(), &bare, Algorithm::Random, Algorithm::Random),
        (plain(), &same, Algorithm::Random, Algorithm::PolicyGated),
        (
            plain(),
            &different,
            Algorithm::PolicyGated,
            Algorithm::PolicyGated,
        ),
        (
            with("clusterIP", "None"),
            &bare,
            Algorithm::PolicyGated,
            Algorithm::PolicyGated,
        ),
        (
            with("sessionAffinity", "ClientIP"),
            &bare,
            Algorithm::KeyDependent,
            Algorithm::KeyDependent,
        ),
        (
            with("internalTrafficPolicy", "Local"),
            &bare,
            Algorithm::Random,
            Algorithm::PolicyGated,
        ),
        (
            with("externalTrafficPolicy", "Local"),
            &bare,
            Algorithm::Random,
            Algorithm::Random,
        ),
    ];
    for (service, slice, local, upstream) in cases {
        for (role, expected) in [(Role::Local, local), (Role::Upstream, upstream)] {
            let pool = one(role, service.clone(), slice.clone());
            assert_eq!(pool.algorithm, expected, "{role} {service} {slice}");
            let halves = role == Role::Local && service["spec"]["externalTrafficPolicy"] == "Local";
            let weight = if halves { 0.5 } else { 1.0 };
            assert!(
                pool.backends
                    .iter()
                    .all(|it| (it.weight.get() - weight).abs() < 1e-9)
            );
        }
    }
}

#[test]
fn annotations_that_have_no_effect_are_told() {
    let mut object = plain();
    object["metadata"]["annotations"] = json!({"evenkeel.io/tolerance": "0", "evenkeel.io/ignore": "yes", "evenkeel.io/weight": "1", "other.io/x": ""});
    let slices = [slice(json!([endpoint("192.0.2.1", json!({}))]))];
    let Made { pools, complaints } = made(Role::Local, &[object], &slices, &[]);
    assert_eq!(pools[0].tolerance, None);
    assert_eq!(complaints.len(), 3, "{complaints:#?}");
    assert!(
        complaints[1].contains("evenkeel.io/tolerance: \"0\" has no effect: write a number"),
        "{complaints:#?}"
    );
}

#[test]
fn what_the_audit_finds_in_a_service_is_found_of_its_pools() {
    let object = service(json!({
        "sessionAffinity": "ClientIP",
        "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 600}},
        "externalTrafficPolicy": "Local",
        "ports": [{"name": "http", "port": 80}, {"name": "grpc", "port": 81}],
    }));
    let mut both = slice(json!([endpoint("192.0.2.1", json!({}))]));
    both["ports"] = json!([{"name": "http", "port": 8080}, {"name": "grpc", "port": 9000}]);
    let Made { pools, .. } = made(Role::Local, &[object], &[both], &[]);
    let rules = |pool: &PoolSpec| {
        let found = pool.findings.iter();
        found.for_each(|it| assert_eq!(it.place, "Service shop/checkout"));
        let mut rules: Vec<_> = pool.findings.iter().map(|it| it.rule.clone()).collect();
        rules.sort();
        rules
    };
    assert_eq!(rules(&pools[0]), ["K8S-001", "K8S-003", "K8S-006"]);
    assert_eq!(rules(&pools[1]), ["K8S-001", "K8S-003"]);
    let affinity = pools[1]
        .findings
        .iter()
        .find(|it| it.rule == "K8S-003")
        .unwrap();
    assert_eq!(affinity.pool.as_deref(), Some("shop/checkout:http"));
    assert!(affinity.message.contains("10 min"), "{affinity:?}");
}

/// Values of which objects could be made that no API server would accept.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        prop_oneof![
            Just("192.0.2.1"),
            Just("::"),
            Just("::ffff:192.0.2.1"),
            Just("TCP"),
            Just("Local"),
            Just("")
        ]
        .prop_map(Value::from),
    ];
    let keys = prop_oneof![
        Just("addresses"),
        Just("conditions"),
        Just("ready"),
        Just("serving"),
        Just("terminating"),
        Just("hints"),
        Just("forZones"),
        Just("name"),
        Just("port"),
        Just("protocol"),
        Just("targetRef"),
        Just("kind"),
        Just("uid"),
        Just("nodeName"),
        Just("zone"),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(keys.clone(), inner, 0..6).prop_map(
                |map: HashMap<&str, Value>| {
                    Value::Object(
                        map.into_iter()
                            .map(|(key, value)| (key.to_owned(), value))
                            .collect(),
                    )
                }
            ),
        ]
    })
}

/// Endpoints as they may be, in any number and state, at few addresses.
fn endpoints() -> impl Strategy<Value = Value> {
    let state = prop::option::of(any::<bool>());
    let one = (
        0..6_u8,
        state.clone(),
        state.clone(),
        state,
        0..3_u8,
        0..3_u8,
    );
    prop::collection::vec(one, 0..20).prop_map(|all| {
        let endpoint = |(ip, ready, serving, terminating, node, uid): (u8, _, _, _, u8, u8)| {
            json!({
                "addresses": [format!("192.0.2.{ip}")],
                "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
                "nodeName": format!("n{node}"),
                "targetRef": {"kind": "Pod", "name": "a", "uid": uid.to_string()},
            })
        };
        all.into_iter().map(endpoint).collect()
    })
}

proptest! {
    #[test]
    fn pools_are_sound_whatever_slices_say(all in prop::collection::vec(endpoints(), 0..4), upstream: bool, local: bool) {
        let role = if upstream { Role::Upstream } else { Role::Local };
        let policy = if local { "Local" } else { "Cluster" };
        let service = service(json!({"ports": [{"name": "http", "port": 80}], "externalTrafficPolicy": policy}));
        let slices: Vec<Value> = all.into_iter().map(slice).collect();
        let Made { pools, .. } = made(role, &[service], &slices, &[]);
        for pool in pools {
            prop_assert!(!pool.backends.is_empty());
            prop_assert!(pool.shares().is_ok());
            let standby = pool.standby.iter().map(|it| it.address);
            let mut all: Vec<_> = pool.backends.iter().map(|it| it.address).chain(standby).collect();
            let members = all.len();
            all.sort_unstable();
            all.dedup();
            prop_assert_eq!(all.len(), members, "no address twice");
        }
    }

    #[test]
    fn no_object_is_too_strange(spec in anything(), all in anything(), ports in anything()) {
        let mut strange = slice(all);
        strange["ports"] = ports;
        drop(made(Role::Upstream, &[service(spec.clone()), plain()], &[strange.clone(), spec], &[]));
        drop(kept::<Pod>(strange, &scope(Role::Local)));
    }
}
