//! Causes that lie in who the clients are, or in what hot and cold backends have in common.

use std::collections::{BTreeMap, BTreeSet};

use evenkeel_skew::{Expected, attribute};

use super::{cause, weights};
use crate::engine::pattern::Pattern;
use crate::model::{Algorithm, Cause, CauseId, Side, Signal};

/// A label explains a skew when so much of it lies between its values.
const EXPLAINS: f64 = 0.6;
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
    let best = labels(pattern)
        .into_iter()
        .filter_map(|label| {
            let groups = grouping(pattern, &label)?;
            let found = attribute(&expected, &loads, &groups)?;
            (found.beats_chance && found.between >= EXPLAINS).then_some((label, found.between))
        })
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    let (label, part) = best;
    let (value, relative) = hottest(pattern, &label)?;
    Some(cause(
        CauseId::BetweenGroups,
        format!(
            "{:.0} % of the skew lies between values of the label {label}: {label}={value} gets {relative:.2} times its share. Look \
             for what that group has of its own: weights, locality, version, network.",
            100.0 * part
        ),
    ))
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

/// The value of a label whose backends have the most over what they should have together.
fn hottest<'a>(pattern: &'a Pattern<'_>, label: &str) -> Option<(&'a str, f64)> {
    let total = pattern.total(pattern.signal);
    let mut sums: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for (backend, facts) in pattern.backends.iter().enumerate() {
        let (load, share) = sums.entry(value(pattern, backend, label)).or_default();
        *load += facts.load(pattern.signal);
        *share += pattern.expected[backend];
    }
    sums.into_iter()
        .map(|(value, (load, share))| (value, load / total / share))
        .max_by(|a, b| a.1.total_cmp(&b.1))
}
