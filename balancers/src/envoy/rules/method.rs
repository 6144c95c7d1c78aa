//! How hosts are chosen: ENV-008, ENV-009, ENV-017.

use std::collections::BTreeMap;

use super::{PER_WORKER, SMALL_SUBSETS, TWO_CHOICES};
use crate::envoy::policy::Kind;
use crate::envoy::pools::View;
use crate::finding::{Report, Severity};
use crate::model::Traffic;
use crate::text::{count, list};
use crate::yaml::Value;

/// How many selectors are looked at: each costs a look at all hosts.
const MOST_SELECTORS: usize = 32;

/// ENV-008: two draws of two hosts are the same host half of the time.
pub(super) fn two_choices(view: &View<'_>, report: &mut Report) {
    let Kind::LeastRequest {
        choices,
        full_scan: false,
        ..
    } = view.cluster.policy.kind
    else {
        return;
    };
    let live = view.live();
    if live.len() != 2 || (live[0].1.weight - live[1].1.weight).abs() > 0.0 {
        return;
    }
    let draws = i32::try_from(choices).unwrap_or(i32::MAX);
    let wrong = 0.5_f64.powi(draws);
    if wrong < 0.02 {
        return;
    }
    report
        .add(
            &TWO_CHOICES,
            view.cluster.policy.place,
            format!("{choices} draws with replacement among 2 hosts are all the busier one in {:.0} % of the cases", wrong * 100.0),
            "set `selection_method: FULL_SCAN`, or a larger `choice_count`",
        )
        .pool(view.name());
}

/// ENV-009: rotation of connections, of which there may be few.
pub(super) fn per_worker(view: &View<'_>, report: &mut Report) {
    let hosts = view.live().len();
    if view.cluster.policy.kind != Kind::RoundRobin
        || view.pool.traffic != Traffic::Connections
        || hosts < 2
    {
        return;
    }
    let Some(user) = view.users.first() else {
        return;
    };
    report
        .add(
            &PER_WORKER,
            user.place,
            format!("each worker has its own rotation over the {hosts} hosts, begun at random: counts differ by up to 1 connection per worker, so that 8 workers need more than {} connections for 5 %", 8 * hosts * 20),
            "judge shares over many connections, or run with a lower `--concurrency`",
        )
        .pool(view.name());
}

/// ENV-017: subsets that are small, or that others stand in for.
pub(super) fn subsets(view: &View<'_>, report: &mut Report) {
    let Some(config) = view.cluster.policy.subsets else {
        return;
    };
    if let Some(fallback) = config
        .get("fallback_policy")
        .filter(|fallback| fallback.text() == Some("ANY_ENDPOINT"))
    {
        report
            .add(
                &SMALL_SUBSETS,
                fallback.place(),
                format!("requests for a subset that does not exist go to any of the {} hosts, beside those meant for them", view.cluster.endpoints.len()),
                "use DEFAULT_SUBSET, or NO_FALLBACK if such requests should fail",
            )
            .severity(Severity::Warning)
            .pool(view.name())
            .subject("fallback_policy");
    }
    for selector in config.list("subset_selectors").take(MOST_SELECTORS) {
        let keys: Vec<&str> = selector.list("keys").filter_map(Value::text).collect();
        let small: Vec<String> = sizes(view, &keys)
            .into_iter()
            .filter(|(_, hosts)| *hosts < 3)
            .map(|(subset, hosts)| format!("{subset} has {}", count(hosts, "host")))
            .collect();
        if small.is_empty() || keys.is_empty() {
            continue;
        }
        report
            .add(
                &SMALL_SUBSETS,
                selector.place(),
                format!("a subset's requests go to its hosts alone: {}", list(small)),
                "give each subset three hosts or more, or group by fewer keys",
            )
            .pool(view.name())
            .subject(&keys.join(","));
    }
}

/// How many hosts each subset has that these keys make.
fn sizes(view: &View<'_>, keys: &[&str]) -> BTreeMap<String, usize> {
    let mut sizes = BTreeMap::new();
    for host in &view.cluster.endpoints {
        let pairs: Option<Vec<String>> = keys
            .iter()
            .map(|key| host.labels.get(key).map(|value| format!("{key}={value}")))
            .collect();
        if let Some(pairs) = pairs {
            *sizes.entry(pairs.join(",")).or_default() += 1;
        }
    }
    sizes
}
