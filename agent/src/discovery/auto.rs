//! Pools without a configuration: the endpoints that this host connects to, grouped by port across addresses.

use std::collections::BTreeMap;

use crate::model::{Algorithm, BackendSpec, Endpoint, NetnsCookie, PoolSpec, Role, Source, Weight};

/// Endpoints that are learned at most; further ones are counted as lost (`map_full`). Pools can be no more than these.
pub const MOST_ENDPOINTS: u32 = 4096;

/// Groups upstream endpoints into pools: one per port, loopback addresses apart by network namespace.
///
/// The pool of port 8080 is called `auto:8080`, of loopback addresses `auto:8080@lo` in the agent's own namespace
/// and `auto:8080@netns:COOKIE` in others.
pub fn group(endpoints: impl IntoIterator<Item = Endpoint>, own: NetnsCookie) -> Vec<PoolSpec> {
    let mut groups: BTreeMap<(u16, Option<NetnsCookie>), Vec<Endpoint>> = BTreeMap::new();
    for endpoint in endpoints {
        if endpoint.role() == Role::Upstream {
            let key = (endpoint.address().port(), endpoint.netns());
            groups.entry(key).or_default().push(endpoint);
        }
    }
    groups
        .into_iter()
        .map(|((port, netns), mut members)| {
            members.sort_unstable();
            PoolSpec {
                name: name(port, netns, own),
                role: Role::Upstream,
                source: Source::Auto,
                tolerance: None,
                algorithm: Algorithm::default(),
                expected: None,
                standby: Vec::new(),
                findings: Vec::new(),
                backends: members.iter().map(backend).collect(),
            }
        })
        .collect()
}

fn name(port: u16, netns: Option<NetnsCookie>, own: NetnsCookie) -> String {
    match netns {
        None => format!("auto:{port}"),
        Some(cookie) if cookie == own => format!("auto:{port}@lo"),
        Some(NetnsCookie(cookie)) => format!("auto:{port}@netns:{cookie}"),
    }
}

fn backend(endpoint: &Endpoint) -> BackendSpec {
    BackendSpec {
        identity: None,
        address: endpoint.address(),
        netns: endpoint.netns(),
        weight: Weight::ONE,
        share: None,
        labels: BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_grouped_by_port_and_loopback_apart_by_namespace() {
        let (own, other) = (NetnsCookie(1), NetnsCookie(9));
        let endpoint =
            |address: &str, netns| Endpoint::new(Role::Upstream, address.parse().unwrap(), netns);
        let local = Endpoint::new(Role::Local, "192.0.2.9:80".parse().unwrap(), own);
        let pools = group(
            [
                endpoint("192.0.2.2:80", own),
                endpoint("127.0.0.1:80", own),
                endpoint("[2001:db8::1]:80", other),
                endpoint("127.0.0.1:80", other),
                endpoint("192.0.2.1:80", own),
                endpoint("192.0.2.1:443", own),
                local,
            ],
            own,
        );
        let seen: Vec<(&str, Vec<String>)> = pools
            .iter()
            .map(|pool| {
                let members = pool
                    .backends
                    .iter()
                    .map(|backend| backend.address.to_string());
                (pool.name.as_str(), members.collect())
            })
            .collect();
        let expected = [
            (
                "auto:80",
                vec!["192.0.2.1:80", "192.0.2.2:80", "[2001:db8::1]:80"],
            ),
            ("auto:80@lo", vec!["127.0.0.1:80"]),
            ("auto:80@netns:9", vec!["127.0.0.1:80"]),
            ("auto:443", vec!["192.0.2.1:443"]),
        ];
        let expected = expected.map(|(name, members)| {
            (
                name,
                members.into_iter().map(str::to_owned).collect::<Vec<_>>(),
            )
        });
        assert_eq!(seen, expected);
    }
}
