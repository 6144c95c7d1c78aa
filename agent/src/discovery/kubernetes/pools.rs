//! Services and their endpoints as pools: a pool for each port, and each address once, however many slices have it.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use super::findings::Findings;
use super::objects::{Endpoint, Key, Pod, Scope, Service, Slice};
use super::policy;
use crate::config::LARGEST_TOLERANCE;
use crate::discovery::pools::{label, pool_name};
use crate::model::{BackendSpec, Finding, PoolSpec, Source, Standby, StandbySpec};

/// All objects that are known.
#[derive(Debug)]
pub(super) struct World<'a> {
    pub(super) services: Vec<&'a Service>,
    pub(super) slices: Vec<&'a Slice>,
    pub(super) pods: HashMap<&'a Key, &'a Pod>,
    /// What is found in the Services.
    pub(super) findings: &'a Findings,
}

/// The pools, and what is wrong with annotations.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Made {
    pub(super) pools: Vec<PoolSpec>,
    pub(super) complaints: Vec<String>,
}

/// The members of one port, by address.
type Members<'a> = BTreeMap<SocketAddr, &'a Endpoint>;

/// The pools of all Services that have endpoints, by name.
pub(super) fn pools(world: &World<'_>, scope: &Scope) -> Made {
    let mut slices: HashMap<&Key, Vec<&Slice>> = HashMap::new();
    for slice in &world.slices {
        slices.entry(&slice.service).or_default().push(slice);
    }
    let mut services = world.services.clone();
    services.sort_by(|a, b| a.key.cmp(&b.key));
    let mut made = Made::default();
    for service in services {
        let wishes = Wishes::of(service, &mut made.complaints);
        let Some(slices) = slices.get(&service.key).filter(|_| !wishes.ignored) else {
            continue;
        };
        for (called, members) in by_port(service, slices) {
            let pool = Port {
                service,
                called,
                members,
            }
            .pool(world, scope);
            made.pools.extend(pool.map(|pool| PoolSpec {
                tolerance: wishes.tolerance,
                ..pool
            }));
        }
    }
    made
}

/// What annotations of a Service ask for.
#[derive(Clone, Copy, Debug, Default)]
struct Wishes {
    ignored: bool,
    tolerance: Option<f64>,
}

impl Wishes {
    fn of(service: &Service, complaints: &mut Vec<String>) -> Self {
        let (namespace, name) = &service.key;
        let mut wishes = Self::default();
        for (annotation, value) in &service.annotations {
            let help = match (annotation.as_str(), value.as_str()) {
                ("ignore", "true") => {
                    wishes.ignored = true;
                    continue;
                }
                ("ignore", "false") => continue,
                ("ignore", _) => "write \"true\" or \"false\"".to_owned(),
                ("tolerance", value) => {
                    let tolerance = value.parse().ok();
                    let usable = |value: &f64| *value > 0.0 && *value <= LARGEST_TOLERANCE;
                    wishes.tolerance = tolerance.filter(usable);
                    if wishes.tolerance.is_some() {
                        continue;
                    }
                    format!(
                        "write a number greater than 0 and at most {LARGEST_TOLERANCE}, like \"0.25\""
                    )
                }
                _ => "there are `evenkeel.io/tolerance` and `evenkeel.io/ignore`".to_owned(),
            };
            complaints.push(format!(
                "Service {namespace}/{name}: annotation evenkeel.io/{annotation}: {value:?} has no effect: {help}"
            ));
        }
        wishes
    }
}

/// The members of each port, by what the port is called. Without a name it is called by the Service's number.
fn by_port<'a>(service: &Service, slices: &[&'a Slice]) -> BTreeMap<String, Members<'a>> {
    let mut ports: BTreeMap<String, Members<'_>> = BTreeMap::new();
    for slice in slices {
        for (name, number) in &slice.ports {
            let called = name.clone().unwrap_or_else(|| {
                let unnamed = service.ports.iter().find(|port| port.name.is_none());
                unnamed.map_or(*number, |port| port.number).to_string()
            });
            let members = ports.entry(called).or_default();
            for endpoint in &slice.endpoints {
                let address = SocketAddr::new(endpoint.ip, *number);
                let known = members.entry(address).or_insert(endpoint);
                if precedence(endpoint) > precedence(known) {
                    *known = endpoint;
                }
            }
        }
    }
    ports
}

/// Which of two endpoints at one address is meant: a pod is in two slices while it moves between them, and its address may be
/// another pod's already while its slice is not brought up to date.
fn precedence(endpoint: &Endpoint) -> (bool, bool, bool, Option<&(String, String)>) {
    let Endpoint {
        ready,
        serving,
        terminating,
        pod,
        ..
    } = endpoint;
    (*ready, *serving, !terminating, pod.as_ref())
}

/// One port of a Service.
struct Port<'a> {
    service: &'a Service,
    /// What it is called.
    called: String,
    members: Members<'a>,
}

/// Where a member stands; `None` if it is in rotation.
///
/// A pod is ready for as long as it is not shut down, or for ever with `publishNotReadyAddresses`. While no pod is ready,
/// kube-proxy falls back on those that are shut down and still serve.
fn standby(endpoint: &Endpoint, any_ready: bool) -> Option<Standby> {
    let falls_back = !any_ready && endpoint.serving && endpoint.terminating;
    if endpoint.ready || falls_back {
        None
    } else if endpoint.terminating {
        Some(Standby::Drained)
    } else {
        Some(Standby::Down)
    }
}

impl Port<'_> {
    /// The pool; `None` if no member is in rotation.
    fn pool(&self, world: &World<'_>, scope: &Scope) -> Option<PoolSpec> {
        let Self {
            service,
            called,
            members,
        } = self;
        let any_ready = members.values().any(|endpoint| endpoint.ready);
        let is_in = |endpoint: &Endpoint| standby(endpoint, any_ready).is_none();
        let in_rotation = members.iter().filter(|(_, endpoint)| is_in(endpoint));
        let count = in_rotation.clone().count();
        let weight = policy::weight(service, scope.role, count);
        let (namespace, name) = &service.key;
        let identity = |endpoint: &Endpoint| endpoint.pod.as_ref().map(|(_, uid)| uid.clone());
        let backend = |(address, endpoint): (&SocketAddr, &&Endpoint)| BackendSpec {
            identity: identity(endpoint),
            address: *address,
            netns: None,
            weight,
            share: None,
            labels: labels(endpoint, namespace, world),
        };
        let rest = members.iter().filter_map(|(address, endpoint)| {
            Some(StandbySpec {
                identity: identity(endpoint),
                address: *address,
                netns: None,
                why: standby(endpoint, any_ready)?,
                labels: labels(endpoint, namespace, world),
            })
        });
        let drawn = in_rotation.clone().map(|(_, endpoint)| *endpoint);
        let pool = pool_name(&format!("{namespace}/{name}:{called}"));
        (count > 0).then(|| PoolSpec {
            findings: self.findings(world, &pool),
            name: pool,
            role: scope.role,
            source: Source::Kubernetes,
            tolerance: None,
            algorithm: policy::algorithm(service, scope.role, drawn),
            expected: None,
            backends: in_rotation.map(backend).collect(),
            standby: rest.collect(),
        })
    }

    /// What is found about the port, or about its Service.
    fn findings(&self, world: &World<'_>, pool: &str) -> Vec<Finding> {
        let ports = self.service.ports.iter();
        let mut own = ports.filter(|port| match &port.name {
            Some(name) => *name == self.called,
            None => port.number.to_string() == self.called,
        });
        let number = own.next().map(|port| port.number);
        let found = world.findings.get(&self.service.key).into_iter().flatten();
        let about = found.filter(|found| found.port.is_none() || found.port == number);
        about
            .map(|found| Finding {
                pool: Some(pool.to_owned()),
                ..found.finding.clone()
            })
            .collect()
    }
}

/// What is known of a member: its pod, node and zone, and the labels of the pod that are asked for.
fn labels(endpoint: &Endpoint, namespace: &str, world: &World<'_>) -> BTreeMap<String, String> {
    let pod = endpoint.pod.as_ref().and_then(|(name, uid)| {
        let pod = world.pods.get(&(namespace.to_owned(), name.clone()))?;
        // A pod of a StatefulSet has the name of the one before.
        (pod.uid == *uid).then_some(*pod)
    });
    let asked_for = pod.into_iter().flat_map(|pod| &pod.labels);
    let asked_for = asked_for.map(|(name, value)| label((name, value)));
    let own = [
        ("pod", endpoint.pod.as_ref().map(|(name, _)| name)),
        ("node", endpoint.node.as_ref()),
        ("zone", endpoint.zone.as_ref()),
    ];
    let own = own
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.clone())));
    asked_for.chain(own).collect()
}
