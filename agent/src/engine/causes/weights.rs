//! Causes that lie in the weights that the balancer works by.

use evenkeel_skew::fitting_weights;

use super::cause;
use crate::engine::pattern::Pattern;
use crate::model::{Cause, CauseId, Expectation, Side, Signal};

/// Larger weights fit anything.
const LARGEST_WEIGHT: u32 = 10;
/// The number of clients may be wrong by one, or by this part.
const CLIENTS_ERROR: f64 = 0.1;

/// Weights that explain the connections; `None` if none do, or if shares are not by weight. Several rows ask for them.
fn fitting<'p>(pattern: &'p Pattern<'_>) -> Option<&'p [u32]> {
    let fitting = pattern.fitting.get_or_init(|| fit(pattern));
    fitting.as_deref()
}

fn fit(pattern: &Pattern<'_>) -> Option<Vec<u32>> {
    if pattern.signal != Signal::Opened || pattern.pool.spec.expectation() != Expectation::Weights {
        return None;
    }
    let opened: Vec<u64> = pattern.backends.iter().map(|facts| facts.opened).collect();
    fitting_weights(&opened, pattern.dispersion, LARGEST_WEIGHT)
}

fn all_alike(weights: &[u32]) -> bool {
    weights.windows(2).all(|pair| pair[0] == pair[1])
}

/// Shares are equal though weights are not.
pub(super) fn weights_lost(pattern: &Pattern<'_>) -> Option<Cause> {
    let unequal = pattern
        .expected
        .windows(2)
        .any(|pair| (pair[0] / pair[1] - 1.0).abs() > 1e-9);
    let lost = unequal && fitting(pattern).is_some_and(all_alike);
    lost.then(|| {
        cause(
            CauseId::WeightsLost,
            "All backends get the same though their weights differ: the balancer does not know the weights, or its algorithm \
             ignores them.",
        )
    })
}

/// Other weights than those expected explain the shares.
pub(super) fn weights_differ(pattern: &Pattern<'_>) -> Option<Cause> {
    /// Longer lists say nothing to a reader.
    const LISTED: usize = 12;
    let weights = fitting(pattern).filter(|weights| !all_alike(weights))?;
    let shown: Vec<String> = weights.iter().take(LISTED).map(u32::to_string).collect();
    let more = if weights.len() > LISTED { ", ..." } else { "" };
    Some(cause(
        CauseId::WeightsDiffer,
        format!(
            "The shares fit the weights {}{more} (in the order of the pool), which are not those expected: another configuration is \
             loaded in the balancer, or the pool's description is out of date.",
            shown.join(", ")
        ),
    ))
}

/// Whether weights explain the shares, and so many clients, each bound to one backend, do not: clients that are alike make shares
/// in whole numbers that add up to how many they are, or to a part of it; others hardly make whole numbers.
pub(super) fn fit_but_not_by(pattern: &Pattern<'_>, clients: f64) -> bool {
    let weights = fitting(pattern).filter(|weights| !all_alike(weights));
    weights.is_some_and(|weights| {
        let sum = f64::from(weights.iter().sum::<u32>());
        let of_each = (clients / sum).round().max(1.0);
        (of_each * sum - clients).abs() > (CLIENTS_ERROR * clients).max(1.0)
    })
}

/// The first of the list is hot and the others are alike, or shares fall from one end of the list to the other.
pub(super) fn first_in_list(pattern: &Pattern<'_>) -> Option<Cause> {
    if pattern.signal != Signal::Opened || pattern.backends.len() <= 2 {
        return None;
    }
    let hot = pattern.on(Side::Hot);
    let others_alike = (1..pattern.backends.len())
        .all(|backend| pattern.relative(backend, pattern.signal) < 1.0 + pattern.tolerance);
    let how = if hot == [0] && others_alike {
        format!(
            "{} is the first of the list and alone gets more",
            pattern.name(0)
        )
    } else if falls_along_the_list(pattern, &hot) {
        format!(
            "The earlier a backend stands in the list, the more it gets, {} most",
            pattern.name(0)
        )
    } else {
        return None;
    };
    Some(cause(
        CauseId::FirstInList,
        format!(
            "{how}: each worker, instance or reload of the balancer starts its round robin there. Share the state between workers \
             (nginx: `zone`), reload less often, or choose at random."
        ),
    ))
}

/// Whether rounds that begin at the head of the list and end early explain the shares: hot ones at the head, cold ones at the end, and
/// nobody gets more than the one before, as far as half the tolerance tells. A single step down is none of that: weights make it.
fn falls_along_the_list(pattern: &Pattern<'_>, hot: &[usize]) -> bool {
    /// Three stand in that order by chance once in six times.
    const FEWEST: usize = 4;
    let relative = |backend| pattern.relative(backend, pattern.signal);
    let last = pattern.backends.len() - 1;
    let slack = pattern.tolerance / 2.0;
    last + 1 >= FEWEST
        && hot.contains(&0)
        && pattern.on(Side::Cold).contains(&last)
        && (0..last).all(|backend| relative(backend + 1) <= relative(backend) + slack)
        && (0..last)
            .filter(|backend| relative(backend + 1) < relative(*backend) - slack)
            .count()
            > 1
}
