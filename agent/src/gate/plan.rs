//! The pools that a gate judges: of a configuration of the agent, of a balancer's, or learned from traffic.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};

use evenkeel_balancers::model::{
    Class, Comparability, Origin, Pool, Scheduling, Server, State, Target, Workers,
};
use evenkeel_skew::Expected;

use crate::model::{Algorithm, Endpoint, NetnsCookie, PoolSpec, Role, canonical};

/// What shares are compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expect {
    /// What the balancer's algorithm makes of the configuration: of a hash ring, the arcs.
    #[default]
    Configuration,
    /// The weights as they are written.
    Weights,
    /// The same for each backend.
    Equal,
}

/// A pool that is to be judged: two backends or more, no address twice.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What users know it by.
    pub name: String,
    /// From which side its connections are seen.
    pub role: Role,
    /// How its balancer chooses.
    pub algorithm: Algorithm,
    /// As the product or the agent calls that.
    pub algorithm_name: String,
    /// How many workers choose independently; at least 1.
    pub schedulers: u32,
    /// Its backends.
    pub members: Vec<Member>,
    /// What each of them should get, in the same order.
    pub expected: Expected,
    /// The pool's own tolerance, if it states one.
    pub tolerance: Option<f64>,
    /// What a reader of the result should know.
    pub notes: Vec<String>,
}

/// One backend.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// What users know it by.
    pub title: String,
    /// Where it serves; canonical.
    pub address: SocketAddr,
    /// The namespace of a loopback address; `None` means the gate's own.
    pub netns: Option<NetnsCookie>,
}

impl Plan {
    /// The endpoint of each member.
    pub fn endpoints(&self, own: NetnsCookie) -> Vec<Endpoint> {
        let endpoint =
            |member: &Member| Endpoint::new(self.role, member.address, member.netns.unwrap_or(own));
        self.members.iter().map(endpoint).collect()
    }

    /// A pool of the agent's configuration, or a learned one; `None` if there is nothing to spread.
    pub fn of_spec(spec: &PoolSpec, expect: Expect) -> Option<Self> {
        let weight = |weight: f64| if expect == Expect::Equal { 1.0 } else { weight };
        let weights: Vec<f64> = spec
            .backends
            .iter()
            .map(|backend| weight(backend.weight.get()))
            .collect();
        let member = |backend: &crate::model::BackendSpec| Member {
            title: backend.address.to_string(),
            address: backend.address,
            netns: backend.netns,
        };
        let mut plan = Self {
            name: spec.name.clone(),
            role: spec.role,
            algorithm: spec.algorithm,
            algorithm_name: spec.algorithm.as_str().replace('_', " "),
            schedulers: 1,
            members: spec.backends.iter().map(member).collect(),
            expected: Expected::from_weights(&weights).ok()?,
            tolerance: spec.tolerance,
            notes: Vec::new(),
        };
        plan.explain(None);
        (plan.members.len() > 1).then_some(plan)
    }

    /// A pool of a balancer's configuration; names are resolved on this host.
    ///
    /// # Errors
    /// Why it cannot be judged; `None` if there is nothing to spread.
    pub fn of_balancer(pool: &Pool, expect: Expect) -> Result<Self, Option<String>> {
        if pool.origin == Origin::Split || !pool.used || pool.in_rotation().count() == 0 {
            return Err(None);
        }
        // What is known of a pool without names may be more than weights say: rings, priorities, localities.
        let named = |(server, _): (&Server, _)| server.address.is_name();
        let resolved = pool
            .in_rotation()
            .any(named)
            .then(|| pool.resolved(addresses));
        let pool = resolved.as_ref().unwrap_or(pool);
        let mut notes = Vec::new();
        let mut shares = shares(pool, expect).map_err(Some)?;
        shares.retain(|(_, title, share)| {
            if *share <= 0.0 {
                notes.push(format!(
                    "{title} gets nothing by this configuration and is not judged"
                ));
            }
            *share > 0.0
        });
        if shares.len() < 2 {
            return Err(None);
        }
        notes.extend(spares(pool));
        let weights: Vec<f64> = shares.iter().map(|(.., share)| *share).collect();
        let mut plan = Self {
            name: pool.name.clone(),
            role: Role::Upstream,
            algorithm: class(pool.algorithm.class),
            algorithm_name: pool.algorithm.name.clone(),
            schedulers: schedulers(pool.scheduling),
            members: shares
                .into_iter()
                .map(|(address, title, _)| Member {
                    title,
                    address,
                    netns: None,
                })
                .collect(),
            expected: Expected::from_weights(&weights).map_err(|error| Some(error.to_string()))?,
            tolerance: None,
            notes,
        };
        plan.explain(Some(pool.comparability));
        Ok(plan)
    }

    /// Says what its algorithm means for the result.
    fn explain(&mut self, comparability: Option<Comparability>) {
        match self.algorithm {
            Algorithm::KeyDependent => self.notes.push(
                "the balancer chooses by a key: shares follow the keys that the load has, and are even only if these are many"
                    .to_owned(),
            ),
            Algorithm::PolicyGated => self.notes.push(
                "priority, locality or health come before shares: these hold while all backends are healthy".to_owned(),
            ),
            Algorithm::Rotation | Algorithm::Random | Algorithm::LoadDependent => {}
        }
        match comparability {
            Some(Comparability::Approximate) => self.notes.push(
                "the balancer uses connections again: their number follows that of requests loosely".to_owned(),
            ),
            Some(Comparability::Unusable) => self.notes.push(
                "many requests share a connection (HTTP/2): judge by --signal bytes".to_owned(),
            ),
            Some(Comparability::Exact) | None => {}
        }
    }
}

/// The addresses in rotation in the configuration's order, each with its title and what it should get; one that stands there
/// twice is one backend.
fn shares(pool: &Pool, expect: Expect) -> Result<Vec<(SocketAddr, String, f64)>, String> {
    let mut shares: Vec<(SocketAddr, String, f64)> = Vec::new();
    for (server, share) in pool.in_rotation() {
        let Target::Ip(address) = server.address.target else {
            return Err(format!(
                "{} is no address whose connections can be counted",
                server.address
            ));
        };
        let share = wanted(expect, server, share.exact()).ok_or(
            "the configuration does not say the shares of its servers; use --expect weights or equal",
        )?;
        let address = canonical(address);
        match shares.iter_mut().find(|(known, ..)| *known == address) {
            Some((.., sum)) => *sum += share,
            None => shares.push((address, title(server, address), share)),
        }
    }
    Ok(shares)
}

/// What a server should get; `None` if it is not known.
fn wanted(expect: Expect, server: &Server, by_configuration: Option<f64>) -> Option<f64> {
    match expect {
        Expect::Configuration => by_configuration,
        Expect::Weights => Some(server.weight),
        Expect::Equal => Some(1.0),
    }
}

fn title(server: &Server, address: SocketAddr) -> String {
    match &server.name {
        Some(name) => format!("{name} ({address})"),
        None => address.to_string(),
    }
}

/// Servers that should get nothing, told in a line.
fn spares(pool: &Pool) -> Option<String> {
    let spare = pool
        .servers
        .iter()
        .filter(|server| server.state != State::InRotation);
    let names: Vec<&str> = spare.map(Server::title).collect();
    (!names.is_empty()).then(|| format!("not in rotation, and not counted: {}", names.join(", ")))
}

fn addresses(host: &str, port: Option<u16>) -> Vec<SocketAddr> {
    let Some(port) = port else {
        return Vec::new();
    };
    let mut found: Vec<SocketAddr> = (host, port)
        .to_socket_addrs()
        .map_or_else(|_unknown| Vec::new(), Iterator::collect);
    found.sort_by_key(SocketAddr::ip);
    found.dedup();
    // A balancer without IPv6 has the same name for one address.
    if found.iter().any(SocketAddr::is_ipv4) {
        found.retain(|address| !matches!(address.ip(), IpAddr::V6(ip) if ip.is_loopback()));
    }
    found
}

fn class(class: Class) -> Algorithm {
    match class {
        Class::Rotation => Algorithm::Rotation,
        Class::Random => Algorithm::Random,
        Class::LoadDependent => Algorithm::LoadDependent,
        Class::KeyDependent => Algorithm::KeyDependent,
        Class::PolicyGated => Algorithm::PolicyGated,
    }
}

/// Workers that choose independently. Where the configuration says one per processor, those of this host.
fn schedulers(scheduling: Scheduling) -> u32 {
    match scheduling {
        Scheduling::Shared => 1,
        Scheduling::PerWorker(Workers::Number(number)) => number.max(1),
        Scheduling::PerWorker(Workers::PerCpu | Workers::Unknown) => {
            let processors = std::thread::available_parallelism().map_or(1, usize::from);
            u32::try_from(processors).unwrap_or(u32::MAX)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use evenkeel_balancers::source::MemoryFiles;
    use evenkeel_balancers::{Options, Product, read};

    use super::*;

    fn pools(text: &str) -> Vec<Pool> {
        let files = MemoryFiles::new().with("nginx.conf", text);
        let path = Path::new("nginx.conf");
        read(Product::Nginx, &files, path, &Options::default())
            .unwrap()
            .pools
    }

    fn used(servers: &str) -> Result<Plan, Option<String>> {
        let text = format!(
            "worker_processes 3; http {{ upstream shop {{ {servers} }} server {{ location / {{ proxy_pass http://shop; }} }} }}"
        );
        Plan::of_balancer(&pools(&text)[0], Expect::Configuration)
    }

    #[test]
    fn shares_and_schedulers_are_those_of_the_configuration() {
        let plan = used(
            "server 192.0.2.2:80 weight=3; server 192.0.2.1:80; server 192.0.2.9:80 backup; server 192.0.2.8:80 down;",
        )
        .unwrap();
        let addresses: Vec<String> = plan
            .members
            .iter()
            .map(|member| member.address.to_string())
            .collect();
        assert_eq!(addresses, ["192.0.2.2:80", "192.0.2.1:80"]);
        assert_eq!(plan.expected.shares(), [0.75, 0.25]);
        assert_eq!(plan.schedulers, 3);
        assert!(
            plan.notes[0].contains("192.0.2.9:80, 192.0.2.8:80"),
            "{:?}",
            plan.notes
        );
    }

    #[test]
    fn what_is_expected_can_be_said_otherwise() {
        let text = "http { upstream shop { ip_hash; server 192.0.2.1:80 weight=5000; server 192.0.2.2:80 weight=5000; \
                    server 192.0.2.3:80 weight=5000; } server { location / { proxy_pass http://shop; } } }";
        let pool = &pools(text)[0];
        let of = |expect| Plan::of_balancer(pool, expect).unwrap();
        let plan = of(Expect::Configuration);
        assert_eq!(plan.members.len(), 2);
        assert!(
            plan.notes[0].contains("192.0.2.3:80 gets nothing"),
            "{:?}",
            plan.notes
        );
        assert_eq!(of(Expect::Weights).members.len(), 3);
        assert_eq!(of(Expect::Equal).algorithm, Algorithm::KeyDependent);
    }

    #[test]
    fn shares_that_no_formula_of_weights_gives_are_those_of_the_configuration() {
        let text = "static_resources: { clusters: [ { name: shop, lb_policy: RING_HASH, load_assignment: { endpoints: [ \
                    { lb_endpoints: [ { endpoint: { address: { socket_address: { address: 192.0.2.1, port_value: 80 } } } }, \
                    { endpoint: { address: { socket_address: { address: 192.0.2.2, port_value: 80 } } } } ] }, \
                    { priority: 1, lb_endpoints: [ { endpoint: { address: { socket_address: { address: 192.0.2.3, port_value: 80 } } } } ] } \
                    ] } } ] }";
        let files = MemoryFiles::new().with("envoy.yaml", text);
        let path = Path::new("envoy.yaml");
        let read = read(Product::Envoy, &files, path, &Options::default()).unwrap();
        let plan = Plan::of_balancer(&read.pools[0], Expect::Configuration).unwrap();
        let shares = plan.expected.shares();
        // Arcs are nearly alike, and never quite.
        assert!(
            (shares[0] - 0.5).abs() < 0.1 && (shares[0] - 0.5).abs() > 1e-6,
            "{shares:?}"
        );
        assert!(plan.notes[0].contains("192.0.2.3:80"), "{:?}", plan.notes);
    }

    #[test]
    fn what_cannot_be_counted_is_said() {
        let error = used("server unix:/run/a.sock; server 192.0.2.1:80;").unwrap_err();
        assert!(error.unwrap().contains("/run/a.sock"));
        assert_eq!(used("server 192.0.2.1:80;").unwrap_err(), None);
        // The same address twice is one backend.
        assert_eq!(
            used("server 192.0.2.1:80; server 192.0.2.1:80;").unwrap_err(),
            None
        );
    }
}
