//! How pods come, are shut down and go, and what annotations and policies of Services ask for.

use evenkeel_lab::kubernetes::{Endpoint, Ready, service};
use serde_json::json;

use crate::bed::{Cluster, follows, here, ip, members, pool, pools};
use crate::common::alone;

const POOL: &str = "shop/checkout:http";

fn being(ready: Ready, n: u8) -> Endpoint {
    Endpoint {
        ready,
        ..here(ip(n), &format!("checkout-{n}"))
    }
}

#[test]
fn a_pod_comes_serves_is_shut_down_and_goes() {
    let _alone = alone();
    let cluster = Cluster::new();
    cluster.serve(
        "shop",
        "checkout",
        &[being(Ready::Yes, 1), being(Ready::No, 2)],
    );
    let agent = cluster.agent("");
    let is = |backends: &[u8], standby: &[(u8, &str)]| {
        let shown = pool(&agent, POOL);
        let address = |n: u8| format!("198.51.100.{n}:8080");
        let standby_is: Vec<_> = standby
            .iter()
            .map(|(n, why)| (address(*n), (*why).to_owned()))
            .collect();
        let all = shown["standby"].as_array().into_iter().flatten();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let standby: Vec<_> = all
            .map(|it| (text(&it["address"]), text(&it["why"])))
            .collect();
        let expected: Vec<_> = backends.iter().map(|n| address(*n)).collect();
        members(&agent, POOL, "backends") == expected && standby == standby_is
    };
    follows(&agent, "one ready, one not", || is(&[1], &[(2, "down")]));
    cluster.slice(
        "shop",
        "checkout",
        &[being(Ready::Yes, 1), being(Ready::Yes, 2)],
    );
    follows(&agent, "both ready", || is(&[1, 2], &[]));
    cluster.slice(
        "shop",
        "checkout",
        &[being(Ready::Terminating, 1), being(Ready::Yes, 2)],
    );
    follows(&agent, "one shut down", || is(&[2], &[(1, "drained")]));
    cluster.slice(
        "shop",
        "checkout",
        &[being(Ready::Terminating, 1), being(Ready::Terminating, 2)],
    );
    // What kube-proxy does when nothing else is left.
    follows(&agent, "all shut down, and serving", || is(&[1, 2], &[]));
    cluster.slice("shop", "checkout", &[being(Ready::Yes, 2)]);
    follows(&agent, "one gone", || is(&[2], &[]));
    cluster.slice("shop", "checkout", &[]);
    follows(&agent, "none left", || pools(&agent).is_empty());
    cluster.slice("shop", "checkout", &[being(Ready::Yes, 3)]);
    follows(&agent, "another one", || is(&[3], &[]));
    cluster.api.delete("Service", "shop", "checkout").unwrap();
    follows(&agent, "the Service gone", || pools(&agent).is_empty());
}

#[test]
fn annotations_and_policies_of_services_are_followed() {
    let _alone = alone();
    let cluster = Cluster::new();
    let both = [being(Ready::Yes, 1), being(Ready::Yes, 2)];
    for name in ["checkout", "internal", "sticky", "edge"] {
        cluster.serve("shop", name, &both);
    }
    let with = |name: &str, pointer: &str, value: serde_json::Value| {
        let mut object = service("shop", name, &json!({"app": name}));
        object["metadata"]["annotations"] = json!({});
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        object.pointer_mut(parent).unwrap()[key.replace("~1", "/")] = value;
        cluster.api.apply(object).unwrap();
    };
    with("sticky", "/spec/sessionAffinity", json!("ClientIP"));
    with("edge", "/spec/externalTrafficPolicy", json!("Local"));
    let agent = cluster.agent("");
    let of = |name: &str, key: &str| pool(&agent, &format!("shop/{name}:http"))[key].clone();
    assert_eq!(of("checkout", "algorithm"), "random");
    assert_eq!(of("sticky", "algorithm"), "key_dependent");
    // Nodes get the same from outside, so that each of two pods of a node counts half.
    let edge = pool(&agent, "shop/edge:http");
    assert_eq!(edge["backends"][0]["weight"], 0.5);
    assert_eq!(edge["backends"][0]["expected_share"], 0.5);

    with(
        "internal",
        "/metadata/annotations/evenkeel.io~1ignore",
        json!("true"),
    );
    follows(&agent, "a Service that is to be ignored", || {
        !pools(&agent).contains(&"shop/internal:http".to_owned())
    });
    with(
        "checkout",
        "/metadata/annotations/evenkeel.io~1tolerance",
        json!("0.6"),
    );
    follows(&agent, "a tolerance", || of("checkout", "tolerance") == 0.6);
    with(
        "checkout",
        "/metadata/annotations/evenkeel.io~1tolerance",
        json!("much"),
    );
    follows(&agent, "a tolerance that is none", || {
        of("checkout", "tolerance") == 0.25
    });
    let told = "Service shop/checkout: annotation evenkeel.io/tolerance: \"much\" has no effect";
    assert_eq!(agent.log().matches(told).count(), 1, "{}", agent.log());
}
