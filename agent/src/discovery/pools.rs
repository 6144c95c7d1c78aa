//! A balancer's pool, as its configuration describes it, as a pool to watch.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use evenkeel_balancers::Product;
use evenkeel_balancers::model::{Class, Comparability, Origin, Pool, Server, Share, State, Target};

use super::names::Names;
use crate::model::{
    Algorithm, BackendSpec, Expectation, NetnsCookie, PoolSpec, Role, Source, Standby, StandbySpec,
    Weight, canonical,
};

/// Longer names do not fit on a page or into a query, as in the configuration.
const LONGEST_NAME: usize = 128;
/// Label names that evenkeel's own series use.
const RESERVED: [&str; 4] = ["pool", "backend", "role", "signal"];

/// The pools of a configuration that can be watched: those that something may send traffic to, and that have a backend
/// with an address. `netns` is the namespace that loopback addresses belong to, `None` for the agent's own.
pub(super) fn specs(pools: &[Pool], netns: Option<NetnsCookie>, names: &Names) -> Vec<PoolSpec> {
    let watched = pools
        .iter()
        .filter(|pool| pool.used && pool.origin != Origin::Split);
    watched
        .filter_map(|pool| spec(pool, netns, names))
        .collect()
}

fn spec(pool: &Pool, netns: Option<NetnsCookie>, names: &Names) -> Option<PoolSpec> {
    let source = source(pool.product)?;
    let by_name = pool.servers.iter().any(|server| server.address.is_name());
    let resolved = by_name.then(|| {
        pool.resolved(|host, port| port.map_or_else(Vec::new, |port| names.lookup(host, port)))
    });
    let pool = resolved.as_ref().unwrap_or(pool);
    let members = Members::of(pool);
    let backends = members.backends(netns);
    (!backends.is_empty()).then(|| PoolSpec {
        name: pool_name(&pool.name),
        role: Role::Upstream,
        source,
        tolerance: None,
        algorithm: algorithm(pool.algorithm.class),
        // Where many requests share a connection, connections follow no weights.
        expected: (pool.comparability == Comparability::Unusable).then_some(Expectation::Learned),
        standby: members.standby(netns),
        findings: Vec::new(),
        backends,
    })
}

/// The source that a product's pools are shown with; `None` for Kubernetes, whose manifests are audited alone.
fn source(product: Product) -> Option<Source> {
    match product {
        Product::Nginx => Some(Source::Nginx),
        Product::Haproxy => Some(Source::Haproxy),
        Product::Envoy => Some(Source::Envoy),
        Product::Apache => Some(Source::Apache),
        Product::Caddy => Some(Source::Caddy),
        Product::Traefik => Some(Source::Traefik),
        _ => None,
    }
}

fn algorithm(class: Class) -> Algorithm {
    match class {
        Class::Rotation => Algorithm::Rotation,
        Class::Random => Algorithm::Random,
        Class::LoadDependent => Algorithm::LoadDependent,
        Class::KeyDependent => Algorithm::KeyDependent,
        Class::PolicyGated => Algorithm::PolicyGated,
    }
}

/// The members of a pool by address: one that is listed twice is one, with the sum of the weights.
#[derive(Debug, Default)]
struct Members {
    order: Vec<SocketAddr>,
    by_address: HashMap<SocketAddr, Member>,
}

#[derive(Debug)]
struct Member {
    weight: f64,
    /// `None` if only the running balancer knows.
    share: Option<f64>,
    /// `None` if it is in rotation.
    standby: Option<Standby>,
    labels: BTreeMap<String, String>,
}

impl Members {
    fn of(pool: &Pool) -> Self {
        let mut members = Self::default();
        for (server, share) in pool.members() {
            // Other members have no endpoint that the kernel could count by: sockets of the file system, variables.
            if let Target::Ip(address) = server.address.target
                && address.port() != 0
                && !address.ip().is_unspecified()
                && !address.ip().is_multicast()
            {
                members.add(canonical(address), server, share);
            }
        }
        members
    }

    fn add(&mut self, address: SocketAddr, server: &Server, share: Share) {
        let new = Member::of(server, share);
        let Some(known) = self.by_address.get_mut(&address) else {
            self.order.push(address);
            self.by_address.insert(address, new);
            return;
        };
        match (known.standby, new.standby) {
            (None, None) => {
                known.weight += new.weight;
                known.share = known.share.zip(new.share).map(|(a, b)| a + b);
            }
            (Some(_), None) => *known = new,
            (_, Some(_)) => {}
        }
    }

    fn backends(&self, netns: Option<NetnsCookie>) -> Vec<BackendSpec> {
        let in_rotation = || {
            let members = self
                .order
                .iter()
                .map(|address| (address, &self.by_address[address]));
            members.filter(|(_, member)| member.standby.is_none())
        };
        // Of those that are watched: members without an address have a part of the whole.
        let sum = |of: fn(&Member) -> f64| in_rotation().map(|(_, member)| of(member)).sum::<f64>();
        let (weights, shares) = (sum(|it| it.weight), sum(|it| it.share.unwrap_or_default()));
        let by_weight = |member: &Member| {
            let share = member.share.unwrap_or_default() / shares;
            (share - member.weight / weights).abs() < 1e-9
        };
        let known = in_rotation().all(|(_, member)| member.share.is_some_and(|share| share > 0.0));
        let states_shares = known && !in_rotation().all(|(_, member)| by_weight(member));
        let backend = |(address, member): (&SocketAddr, &Member)| {
            let share = member.share.filter(|_| states_shares);
            Some(BackendSpec {
                identity: None,
                address: *address,
                netns: netns.filter(|_| address.ip().is_loopback()),
                weight: Weight::new(member.weight)?,
                share: share.and_then(Weight::new),
                labels: member.labels.clone(),
            })
        };
        in_rotation().filter_map(backend).collect()
    }

    fn standby(&self, netns: Option<NetnsCookie>) -> Vec<StandbySpec> {
        let member = |address: &SocketAddr| {
            let member = &self.by_address[address];
            Some(StandbySpec {
                identity: None,
                address: *address,
                netns: netns.filter(|_| address.ip().is_loopback()),
                why: member.standby?,
                labels: member.labels.clone(),
            })
        };
        self.order.iter().filter_map(member).collect()
    }
}

impl Member {
    fn of(server: &Server, share: Share) -> Self {
        let standby = match server.state {
            // Backups do get traffic while no other member does.
            State::Backup if share.exact().is_some_and(|share| share > 0.0) => None,
            State::Backup => Some(Standby::Backup),
            State::Down => Some(Standby::Down),
            State::Drained => Some(Standby::Drained),
            State::Disabled => Some(Standby::Disabled),
            // The algorithm's formula leaves it nothing.
            State::InRotation if server.weight <= 0.0 || share.exact() == Some(0.0) => {
                Some(Standby::Disabled)
            }
            State::InRotation => None,
        };
        let name = server.name.iter().map(|name| ("server", name.as_str()));
        let labels = server.labels.iter();
        let labels = labels.map(|(name, value)| (name.as_str(), value.as_str()));
        Self {
            weight: server.weight,
            share: share.exact(),
            standby,
            labels: name.chain(labels).map(label).collect(),
        }
    }
}

/// A label as Prometheus takes it. A name that evenkeel's own series have is marked as Prometheus marks it: `exported_pool`.
pub(super) fn label((name, value): (&str, &str)) -> (String, String) {
    let allowed = |char: char| char == '_' || char.is_ascii_alphanumeric();
    let mut name: String = name
        .chars()
        .map(|char| if allowed(char) { char } else { '_' })
        .collect();
    if RESERVED.contains(&name.as_str()) {
        name.insert_str(0, "exported_");
    }
    let name = name.trim_start_matches('_');
    let starts_with_letter = name.starts_with(|char: char| char.is_ascii_alphabetic());
    let name = if starts_with_letter {
        name.to_owned()
    } else {
        format!("label_{name}")
    };
    (name, value.to_owned())
}

/// A name of a pool: of one line, and not too long.
pub(super) fn pool_name(name: &str) -> String {
    let printable = name
        .chars()
        .map(|char| if char.is_control() { '_' } else { char });
    let mut short = String::new();
    for char in printable {
        if short.len() + char.len_utf8() > LONGEST_NAME {
            break;
        }
        short.push(char);
    }
    short
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use evenkeel_balancers::source::MemoryFiles;
    use evenkeel_balancers::{Options, read};

    use super::*;

    fn specs_of(product: Product, text: &str) -> Vec<PoolSpec> {
        let files = MemoryFiles::new().with("file", text);
        let configuration = read(product, &files, Path::new("file"), &Options::default()).unwrap();
        specs(&configuration.pools, None, &Names::default())
    }

    #[test]
    fn weights_states_and_names_are_those_of_the_configuration() {
        let pools = specs_of(
            Product::Nginx,
            "http { upstream shop { least_conn; server 192.0.2.1:80 weight=3; server 192.0.2.2:80; server localhost:80 weight=2;
             server 192.0.2.3:80 backup; server 192.0.2.4:80 down; server unix:/run/x; }
             upstream unused { server 192.0.2.9:80; }
             server { location / { proxy_pass http://shop; } location /a { proxy_pass http://192.0.2.7; } } }",
        );
        let names: Vec<&str> = pools.iter().map(|pool| pool.name.as_str()).collect();
        assert_eq!(names, ["shop", "192.0.2.7:80"]);
        let shop = &pools[0];
        assert_eq!(
            (shop.source, shop.algorithm),
            (Source::Nginx, Algorithm::LoadDependent)
        );
        let weights = shop
            .backends
            .iter()
            .map(|it| (it.address.to_string(), it.weight.get()));
        let weights: Vec<_> = weights.collect();
        let weight = |address: &str, weight| (address.to_owned(), weight);
        assert_eq!(
            weights[..2],
            [weight("192.0.2.1:80", 3.0), weight("192.0.2.2:80", 1.0)]
        );
        assert!(
            weights.contains(&weight("127.0.0.1:80", 2.0)),
            "{weights:?}"
        );
        assert!(
            shop.backends.iter().all(|it| it.share.is_none()),
            "shares follow the weights"
        );
        let standby: Vec<_> = shop
            .standby
            .iter()
            .map(|it| (it.address.to_string(), it.why))
            .collect();
        assert_eq!(
            standby,
            [
                ("192.0.2.3:80".to_owned(), Standby::Backup),
                ("192.0.2.4:80".to_owned(), Standby::Down)
            ]
        );
    }

    #[test]
    fn shares_of_a_ring_are_stated_and_a_server_listed_twice_is_one() {
        let pools = specs_of(
            Product::Nginx,
            "stream { upstream ring { hash $remote_addr consistent; server 192.0.2.1:80; server 192.0.2.2:80; }
             upstream twice { server 192.0.2.1:80; server 192.0.2.1:80; server 192.0.2.2:80; }
             server { listen 1; proxy_pass ring; } server { listen 2; proxy_pass twice; } }",
        );
        let ring = &pools[0];
        assert_eq!(ring.algorithm, Algorithm::KeyDependent);
        let shares: f64 = ring.backends.iter().map(|it| it.share.unwrap().get()).sum();
        assert!((shares - 1.0).abs() < 1e-9, "{ring:?}");
        let twice: Vec<f64> = pools[1].backends.iter().map(|it| it.weight.get()).collect();
        assert_eq!(twice, [2.0, 1.0]);
    }

    #[test]
    fn labels_are_such_as_prometheus_takes() {
        let name = |name| label((name, "x")).0;
        assert_eq!(name("zone"), "zone");
        assert_eq!(name("pool"), "exported_pool");
        assert_eq!(name("__meta/zone-a"), "meta_zone_a");
        assert_eq!(name("9"), "label_9");
    }
}
