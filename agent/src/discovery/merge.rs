//! Pools of all sources as one list: each name once, and no more than the kernel's map has room for.

use std::collections::HashSet;

use crate::model::PoolSpec;

/// What is to be watched of what was found.
#[derive(Debug, Default)]
pub(crate) struct Merged {
    /// The pools, with names of their own.
    pub(crate) pools: Vec<PoolSpec>,
    /// What a user should know.
    pub(crate) warnings: Vec<String>,
    /// Members of pools that did not fit.
    pub(crate) left_out: u64,
}

/// Adds the pools that were `found`, in their order, to those of the configuration, as long as they have no more than `room`
/// members together. The configuration's pools are not in the result.
///
/// A configured pool stands for all others of its name. Of several found ones the first keeps the name, and the others get
/// that of their source behind it: `checkout@haproxy`, `checkout@haproxy-2`.
pub(crate) fn merge<'a>(
    configured: &'a [PoolSpec],
    found: impl IntoIterator<Item = &'a PoolSpec>,
    room: usize,
) -> Merged {
    let own: HashSet<&str> = configured.iter().map(|pool| pool.name.as_str()).collect();
    let mut taken: HashSet<String> = own.iter().map(|name| (*name).to_owned()).collect();
    let mut used: usize = configured.iter().map(PoolSpec::size).sum();
    let mut merged = Merged::default();
    for pool in found {
        let (name, source) = (&pool.name, pool.source);
        if own.contains(name.as_str()) {
            merged.warnings.push(format!(
                "pool {name}: that of the configuration is watched, and that of {source} is not"
            ));
        } else if let Err(error) = pool.shares() {
            merged
                .warnings
                .push(format!("pool {name} of {source} is not watched: {error}"));
        } else if used + pool.size() > room {
            merged.left_out += pool.size() as u64;
        } else {
            used += pool.size();
            let name = free_name(pool, &taken);
            taken.insert(name.clone());
            merged.pools.push(PoolSpec {
                name,
                ..pool.clone()
            });
        }
    }
    if merged.left_out > 0 {
        merged.warnings.push(format!(
            "{} members of discovered pools are not watched, because the kernel's map was made for {room} when the agent \
             started: restart the agent",
            merged.left_out
        ));
    }
    merged
}

fn free_name(pool: &PoolSpec, taken: &HashSet<String>) -> String {
    let (name, source) = (&pool.name, pool.source);
    if !taken.contains(name) {
        return name.clone();
    }
    let first = format!("{name}@{source}");
    let numbered = (2_u64..).map(|number| format!("{first}-{number}"));
    let mut names = std::iter::once(first.clone()).chain(numbered);
    names.find(|name| !taken.contains(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::{Algorithm, BackendSpec, Role, Source, Weight};

    fn pool(name: &str, source: Source, weights: &[f64]) -> PoolSpec {
        let backend = |(n, weight): (usize, &f64)| BackendSpec {
            identity: None,
            address: format!("192.0.2.{}:80", n + 1).parse().unwrap(),
            netns: None,
            weight: Weight::new(*weight).unwrap(),
            share: None,
            labels: BTreeMap::new(),
        };
        PoolSpec {
            name: name.to_owned(),
            role: Role::Upstream,
            source,
            tolerance: None,
            algorithm: Algorithm::Rotation,
            expected: None,
            backends: weights.iter().enumerate().map(backend).collect(),
            standby: Vec::new(),
            findings: Vec::new(),
        }
    }

    #[test]
    fn each_name_stands_for_one_pool() {
        let configured = [pool("a", Source::Config, &[1.0])];
        let found = [
            pool("a", Source::Nginx, &[1.0]),
            pool("b", Source::Nginx, &[1.0]),
            pool("b", Source::Nginx, &[2.0]),
            pool("b", Source::Haproxy, &[3.0]),
            pool("b", Source::Haproxy, &[4.0]),
        ];
        let merged = merge(&configured, &found, 100);
        let names: Vec<&str> = merged.pools.iter().map(|pool| pool.name.as_str()).collect();
        assert_eq!(names, ["b", "b@nginx", "b@haproxy", "b@haproxy-2"]);
        assert_eq!(
            merged.warnings,
            ["pool a: that of the configuration is watched, and that of nginx is not"]
        );
    }

    #[test]
    fn what_does_not_fit_and_what_has_no_shares_is_left_out_and_told() {
        let configured = [pool("a", Source::Config, &[1.0, 1.0])];
        let found = [
            pool("b", Source::FileSd, &[1.0, 1.0, 1.0]),
            pool("c", Source::FileSd, &[1.0]),
            pool("d", Source::FileSd, &[1.0, 1e-14]),
        ];
        let merged = merge(&configured, &found, 4);
        let names: Vec<&str> = merged.pools.iter().map(|pool| pool.name.as_str()).collect();
        assert_eq!((names, merged.left_out), (vec!["c"], 3));
        assert_eq!(merged.warnings.len(), 2, "{:?}", merged.warnings);
    }
}
