//! Who sends traffic to clusters: routes and proxies of connections.

use std::collections::{BTreeMap, BTreeSet};

use super::Word;
use super::document::Parts;
use crate::model::Traffic;
use crate::source::Place;
use crate::yaml::Value;

/// One that sends traffic to a cluster.
#[derive(Clone, Copy, Debug)]
pub(super) struct User {
    pub(super) traffic: Traffic,
    /// Whether it gives hashing policies something to hash.
    pub(super) hashes: bool,
    /// The name of the cluster, as it stands there.
    pub(super) place: Place,
    /// Whether it bounds the age of its connections (`max_downstream_connection_duration`).
    pub(super) aged: bool,
}

/// Traffic shared out among clusters.
#[derive(Debug)]
pub(super) struct Split<'a> {
    pub(super) name: String,
    pub(super) traffic: Traffic,
    pub(super) place: Place,
    pub(super) parts: Vec<(Word<'a>, f64, Place)>,
}

/// What listeners and routes say of clusters.
#[derive(Debug, Default)]
pub(super) struct Users<'a> {
    by_cluster: BTreeMap<&'a str, Vec<User>>,
    /// Clusters that something else names: services of Envoy itself, as a rule.
    named: BTreeSet<&'a str>,
    pub(super) splits: Vec<Split<'a>>,
    /// Whether all that could use a cluster was read.
    whole: bool,
}

impl<'a> Users<'a> {
    /// Those of a cluster.
    pub(super) fn of(&self, cluster: &str) -> &[User] {
        self.by_cluster.get(cluster).map_or(&[], Vec::as_slice)
    }

    /// Whether anything may send traffic to a cluster.
    pub(super) fn is_used(&self, cluster: &str) -> bool {
        !self.whole || self.named.contains(cluster) || self.by_cluster.contains_key(cluster)
    }

    fn add(&mut self, cluster: Word<'a>, user: User) {
        self.by_cluster.entry(cluster.text).or_default().push(User {
            place: cluster.place,
            ..user
        });
    }

    /// `cluster` or `weighted_clusters` of a route or a proxy.
    fn targets(&mut self, value: Value<'a>, name: &str, user: User) {
        if let Some(cluster) = value.get("cluster").and_then(Word::of) {
            self.add(cluster, user);
        }
        if value.get("cluster_header").is_some() {
            self.whole = false;
        }
        let Some(weighted) = value.entry("weighted_clusters") else {
            return;
        };
        let mut split = Split {
            name: name.to_owned(),
            traffic: user.traffic,
            place: weighted.key.place(),
            parts: Vec::new(),
        };
        for part in weighted.value.list("clusters") {
            let Some(cluster) = part.get("name").and_then(Word::of) else {
                continue;
            };
            let weight = part.get("weight");
            let number = weight
                .and_then(Value::number)
                .filter(|number| *number >= 0.0);
            let hashes = user.hashes || part.get("hash_policy").is_some();
            self.add(cluster, User { hashes, ..user });
            split.parts.push((
                cluster,
                number.unwrap_or(0.0),
                weight.map_or(cluster.place, Value::place),
            ));
        }
        if !split.parts.is_empty() {
            self.splits.push(split);
        }
    }

    fn route(&mut self, route: Value<'a>, host: &str, index: usize) {
        let Some(action) = route.get("route") else {
            return;
        };
        let policies = action.list("hash_policy").count();
        let user = User {
            traffic: Traffic::Requests,
            hashes: policies > 0,
            place: action.place(),
            aged: false,
        };
        let name = route.get("name").and_then(Value::text).map(str::to_owned);
        let name = name.unwrap_or_else(|| format!("route {} of {host}", index + 1));
        self.targets(action, &name, user);
    }

    fn virtual_host(&mut self, host: Value<'a>) {
        let name = host
            .get("name")
            .and_then(Value::text)
            .unwrap_or("a virtual host");
        for (index, route) in host.list("routes").enumerate() {
            self.route(route, name, index);
        }
    }

    /// A proxy of connections or datagrams.
    fn proxy(&mut self, config: Value<'a>) {
        let hashes = ["hash_policy", "hash_policies"]
            .iter()
            .any(|key| config.list(key).next().is_some());
        let user = User {
            traffic: Traffic::Connections,
            hashes,
            place: config.place(),
            aged: config.get("max_downstream_connection_duration").is_some(),
        };
        let name = config
            .get("stat_prefix")
            .and_then(Value::text)
            .unwrap_or("tcp_proxy");
        self.targets(config, name, user);
    }

    /// Looks at a value and at all within it.
    fn look(&mut self, value: Value<'a>) {
        let kind = value.get("@type").and_then(Value::text).unwrap_or_default();
        match kind.rsplit('.').next().unwrap_or_default() {
            "TcpProxy" | "UdpProxyConfig" => self.proxy(value),
            "HttpConnectionManager" if value.get("rds").is_some() => self.whole = false,
            _ => {}
        }
        value
            .list("virtual_hosts")
            .for_each(|host| self.virtual_host(host));
        for entry in value.entries() {
            if let (Some("cluster" | "cluster_name" | "local_cluster_name"), Some(name)) =
                (entry.key.text(), entry.value.text())
            {
                self.named.insert(name);
            }
            self.look(entry.value);
        }
        value.items().for_each(|item| self.look(item));
    }
}

/// What all listeners and routes say.
pub(super) fn users<'a>(parts: &Parts<'a>) -> Users<'a> {
    let mut users = Users {
        whole: parts.has_routes,
        ..Users::default()
    };
    for value in &parts.others {
        users.look(*value);
    }
    users
}
