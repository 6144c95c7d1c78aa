//! Causes that lie in who the clients are, or in what hot and cold backends have in common.

use std::collections::{BTreeMap, BTreeSet};

use evenkeel_skew::{Expected, attribute};

use super::backends::is_untried;
use super::{cause, weights};
use crate::engine::pattern::Pattern;
use crate::model::{Algorithm, Cause, CauseId, Side, Signal};

/// A label explains a skew when so much of it lies between its values.
const EXPLAINS: f64 = 0.6;
/// A finer label (a node within a zone) always explains a little more than a coarser one; it has to explain so much more to be named.
const FINER_BY: f64 = 0.1;
/// Fewer clients than this for each backend are few.
const FEW_PER_BACKEND: f64 = 3.0;
/// A client may stand for a few more: effective numbers count small ones for little.
const MOST_BOUND: f64 = 2.0;
/// Counts that vary so much more than independent ones come in bundles from few clients.
const BUNDLED: f64 = 4.0;

/// Few clients, each bound to one backend.
pub(super) fn affinity(pattern: &Pattern<'_>) -> Option<Cause> {
    let hot = pattern.on(Side::Hot);
    let how = bound(pattern)?;
    let applies = matches!(pattern.signal, Signal::Opened | Signal::Active) && !hot.is_empty();
    applies.then(|| {
        cause(
            CauseId::Affinity,
            format!(
                "{how}, and few or unequal clients are bound to {}: a proxy or NAT in front, one large client, or a key that \
                 hardly varies.",
                pattern.names(&hot)
            ),
        )
    })
}

/// What speaks for clients that are bound to backends.
fn bound(pattern: &Pattern<'_>) -> Option<String> {
    let clients = pattern.clients.filter(|clients| few(pattern, *clients));
    match clients {
        _ if pattern.algorithm() == Algorithm::KeyDependent => {
            let many = clients.map_or(String::new(), |clients| {
                format!(", and new connections come from about {clients:.0} clients")
            });
            Some(format!("The balancer chooses by a key of the client{many}"))
        }
        Some(clients) => Some(format!(
            "New connections come from about {clients:.0} clients"
        )),
        None if pattern.dispersion >= BUNDLED => Some(format!(
            "Connections come in bundles (they vary {:.0} times as much as independent ones)",
            pattern.dispersion
        )),
        None => None,
    }
}

/// Whether there are so few clients that binding each to a backend makes shares uneven; and not so few that more
/// backends get connections than clients could be bound to; nor shares that weights explain and clients do not.
fn few(pattern: &Pattern<'_>, clients: f64) -> bool {
    let served = pattern.backends.iter().filter(|facts| facts.opened > 0);
    clients < FEW_PER_BACKEND * pattern.backends.len() as f64
        && served.count() as f64 <= MOST_BOUND * clients
        && !weights::fit_but_not_by(pattern, clients)
}

/// A label whose values tell the hot backends from the cold.
pub(super) fn between_groups(pattern: &Pattern<'_>) -> Option<Cause> {
    let expected = Expected::from_weights(pattern.expected).ok()?;
    let loads: Vec<f64> = pattern
        .backends
        .iter()
        .map(|facts| facts.load(pattern.signal))
        .collect();
    let found: Vec<(String, Vec<u32>, f64)> = labels(pattern)
        .into_iter()
        .filter_map(|label| {
            let groups = grouping(pattern, &label)?;
            let found = attribute(&expected, &loads, &groups)?;
            let explains = found.beats_chance && found.between >= EXPLAINS;
            explains.then_some((label, groups, found.between))
        })
        .collect();
    let most = found.iter().map(|(.., part)| *part).fold(0.0, f64::max);
    let (label, _, part) = found
        .into_iter()
        .filter(|(.., part)| *part >= most - FINER_BY)
        .min_by(|a, b| {
            let coarser = size(&a.1).cmp(&size(&b.1));
            let explains_more = b.2.total_cmp(&a.2);
            coarser
                .then(explains_more)
                .then_with(|| rank(&a.0).cmp(&rank(&b.0)))
        })?;
    Some(cause(
        CauseId::BetweenGroups,
        format!(
            "{:.0} % of the skew lies between values of the label {label}: {}. Look for what that group has of its own: weights, \
             locality, version, network.",
            100.0 * part,
            extremes(pattern, &label)?
        ),
    ))
}

/// Groups of backends with the same label that are not tried at all, while all others are.
pub(super) fn left_out(pattern: &Pattern<'_>) -> Option<Cause> {
    let untried = |backend: &usize| is_untried(pattern, *backend);
    let cold = pattern.on(Side::Cold);
    if pattern.signal != Signal::Opened || cold.is_empty() || !cold.iter().all(untried) {
        return None;
    }
    let left_out = |label: &String| {
        let groups = grouping(pattern, label)?;
        let mut tried: BTreeMap<u32, (bool, bool, usize)> = BTreeMap::new();
        for (backend, group) in groups.iter().enumerate() {
            let (any, none, members) = tried.entry(*group).or_insert((false, false, 0));
            *(if untried(&backend) { none } else { any }) = true;
            *members += 1;
        }
        let whole = tried
            .values()
            .all(|(any, none, members)| any != none && *members > 1);
        let several = tried.values().filter(|(any, ..)| *any).count() > 1;
        (whole && several).then_some((label.clone(), tried.len()))
    };
    let all = labels(pattern);
    let (label, _) = all
        .iter()
        .filter_map(left_out)
        .min_by_key(|(label, groups)| (*groups, rank(label)))?;
    let values: BTreeSet<&str> = cold
        .iter()
        .map(|backend| value(pattern, *backend, &label))
        .collect();
    let values: Vec<String> = values
        .iter()
        .map(|value| format!("{label}={value}"))
        .collect();
    Some(cause(
        CauseId::BetweenGroups,
        format!(
            "No backend with {} is tried at all, and every other is. Look for what that group has of its own: locality, priorities, \
             health checks, network.",
            values.join(" or ")
        ),
    ))
}

/// Of labels that say the same, which is named first: with one node in each zone it is the zone that people look for.
fn rank(label: &str) -> u8 {
    match label {
        "zone" => 0,
        "node" => 2,
        "instance" => 3,
        _ => 1,
    }
}

fn size(groups: &[u32]) -> usize {
    groups.iter().collect::<BTreeSet<_>>().len()
}

fn labels(pattern: &Pattern<'_>) -> BTreeSet<String> {
    let backends = pattern.pool.spec.backends.iter();
    backends
        .flat_map(|backend| backend.labels.keys().cloned())
        .collect()
}

fn value<'a>(pattern: &'a Pattern<'_>, backend: usize, label: &str) -> &'a str {
    let labels = &pattern.pool.spec.backends[backend].labels;
    labels.get(label).map_or("", String::as_str)
}

/// The group of each backend by a label; `None` if the label says the same of all, or of each something else.
fn grouping(pattern: &Pattern<'_>, label: &str) -> Option<Vec<u32>> {
    let mut numbers = BTreeMap::new();
    let groups: Vec<u32> = (0..pattern.backends.len())
        .map(|backend| {
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            *numbers
                .entry(value(pattern, backend, label))
                .or_insert(next)
        })
        .collect();
    (numbers.len() > 1 && numbers.len() < groups.len()).then_some(groups)
}

/// The value of a label whose backends are farthest from what they should have together, then the one at the other end.
fn extremes(pattern: &Pattern<'_>, label: &str) -> Option<String> {
    let total = pattern.total(pattern.signal);
    let mut sums: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for (backend, facts) in pattern.backends.iter().enumerate() {
        let (load, share) = sums.entry(value(pattern, backend, label)).or_default();
        *load += facts.load(pattern.signal);
        *share += pattern.expected[backend];
    }
    let all_alike = sums
        .values()
        .all(|(load, _)| (load * sums.len() as f64 / total - 1.0).abs() <= pattern.tolerance / 2.0);
    let mut relative: Vec<(&str, f64)> = sums
        .into_iter()
        .map(|(value, (load, share))| (value, load / total / share))
        .collect();
    relative.sort_by(|a, b| b.1.total_cmp(&a.1));
    let (hottest, coldest) = (relative.first()?, relative.last()?);
    let (first, second) = if hottest.1 * coldest.1 >= 1.0 {
        (hottest, coldest)
    } else {
        (coldest, hottest)
    };
    let alike = if all_alike {
        ", because each value gets the same traffic however many backends it has"
    } else {
        ""
    };
    Some(format!(
        "{label}={} gets {:.2} times its share, {label}={} {:.2} times{alike}",
        first.0, first.1, second.0, second.1
    ))
}
