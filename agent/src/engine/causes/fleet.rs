//! Causes that only the fleet sees: what balancers do by themselves, compared with what they do together.

use super::cause;
use crate::engine::pattern::Pattern;
use crate::engine::vantage::Vantage;
use crate::model::{Cause, CauseId, Signal};

/// A deviation counts from so many standard deviations on beyond the tolerance: among a thousand balancers with a hundred backends
/// chance shows one in thirty pools.
const CLEAR: f64 = 5.0;
/// A balancer with fewer connections for each backend that it should serve says nothing.
const FEWEST_PER_BACKEND: f64 = 10.0;
/// Balancers and backends that a sentence lists.
const LISTED: usize = 3;

/// A balancer's part of the pattern.
struct View<'a> {
    vantage: &'a Vantage,
    total: f64,
    /// The backend that is farthest from the fleet's expectation, and how far as observed share, if any is outside.
    apart: Option<(usize, f64)>,
}

/// One balancer, or a few of many, spread differently from the others, which are even.
pub(super) fn one_balancer_differs(pattern: &Pattern<'_>) -> Option<Cause> {
    let views = views(pattern);
    let (differing, even): (Vec<&View<'_>>, Vec<&View<'_>>) =
        views.iter().partition(|view| view.apart.is_some());
    let few = differing.len() == 1 || differing.len() * 4 <= views.len();
    if differing.is_empty() || even.is_empty() || !few || !together_even(pattern, &even) {
        return None;
    }
    let names: Vec<&str> = differing.iter().map(|view| &*view.vantage.agent).collect();
    let worst = differing
        .iter()
        .max_by(|a, b| a.total.total_cmp(&b.total))?;
    let (backend, share) = worst.apart?;
    let others = match even.len() {
        1 => "the other balancer is".to_owned(),
        several => format!("the other {several} balancers are"),
    };
    Some(cause(
        CauseId::OneBalancerDiffers,
        format!(
            "{} of {} spread{} differently, {others} even: {} sends {:.1} % to {} instead of {:.1} %. {}",
            listed(&names),
            views.len(),
            if differing.len() == 1 { "s" } else { "" },
            worst.vantage.agent,
            100.0 * share,
            pattern.name(backend),
            100.0 * pattern.expected[backend],
            why(pattern, worst.vantage)
        ),
    ))
}

/// Every balancer is even by what it knows, and the sum is not.
pub(super) fn sum_skewed(pattern: &Pattern<'_>) -> Option<Cause> {
    let views = views(pattern);
    let even = |view: &View<'_>| {
        let own = shares(view.vantage);
        apart(pattern, view.vantage, &own).is_none()
    };
    if views.len() < 2 || !views.iter().all(even) {
        return None;
    }
    let how = other_backends(pattern, &views).or_else(|| other_weights(pattern, &views))?;
    Some(cause(
        CauseId::SumSkewed,
        format!(
            "Each of {} balancers is even by itself, and their sum is not: {how}.",
            views.len()
        ),
    ))
}

/// The balancers with enough connections to tell.
fn views<'a>(pattern: &'a Pattern<'_>) -> Vec<View<'a>> {
    if pattern.signal != Signal::Opened {
        return Vec::new();
    }
    let view = |vantage: &'a Vantage| {
        let total = total(vantage);
        let known = vantage.parts.iter().flatten().count();
        (total >= FEWEST_PER_BACKEND * known as f64).then(|| View {
            vantage,
            total,
            apart: apart(pattern, vantage, pattern.expected),
        })
    };
    pattern.vantages.iter().filter_map(view).collect()
}

fn opened(vantage: &Vantage, backend: usize) -> f64 {
    vantage.parts[backend].map_or(0.0, |part| part.opened as f64)
}

fn total(vantage: &Vantage) -> f64 {
    (0..vantage.parts.len())
        .map(|backend| opened(vantage, backend))
        .sum()
}

/// The backend that is farthest outside the tolerance around `expected`, with its observed share.
fn apart(pattern: &Pattern<'_>, vantage: &Vantage, expected: &[f64]) -> Option<(usize, f64)> {
    let total = total(vantage);
    let outside = |backend: usize| {
        let (seen, share) = (opened(vantage, backend), expected[backend]);
        let by_chance = (pattern.dispersion * total * share * (1.0 - share)).sqrt();
        let beyond = (seen - total * share).abs() - pattern.tolerance * total * share;
        (beyond > CLEAR * by_chance && beyond > 0.0).then_some((backend, seen / total, beyond))
    };
    let found = (0..vantage.parts.len()).filter_map(outside);
    let worst = found.max_by(|a, b| a.2.total_cmp(&b.2))?;
    Some((worst.0, worst.1))
}

/// Whether some balancers together are even.
fn together_even(pattern: &Pattern<'_>, views: &[&View<'_>]) -> bool {
    let all: f64 = views.iter().map(|view| view.total).sum();
    (0..pattern.backends.len()).all(|backend| {
        let seen: f64 = views.iter().map(|view| opened(view.vantage, backend)).sum();
        let relative = seen / all / pattern.expected[backend];
        (relative - 1.0).abs() <= 2.0 * pattern.tolerance
    })
}

/// The shares that a balancer aims at by its own weights; 0 for backends that it does not know.
fn shares(vantage: &Vantage) -> Vec<f64> {
    let weight = |backend: usize| vantage.parts[backend].map_or(0.0, |part| part.weight);
    let sum: f64 = (0..vantage.parts.len()).map(weight).sum();
    (0..vantage.parts.len())
        .map(|backend| weight(backend) / sum.max(f64::MIN_POSITIVE))
        .collect()
}

/// What a balancer has of its own that explains why it differs.
fn why(pattern: &Pattern<'_>, vantage: &Vantage) -> String {
    let missing: Vec<usize> = (0..vantage.parts.len())
        .filter(|backend| vantage.parts[*backend].is_none())
        .collect();
    if !missing.is_empty() {
        return format!(
            "It does not know {}: its configuration or its DNS answer is another.",
            pattern.names(&missing)
        );
    }
    let own = shares(vantage);
    let other = (0..own.len()).find(|backend| !alike(own[*backend], pattern.expected[*backend]));
    match other {
        Some(backend) => format!(
            "Its configuration gives {} {:.1} %, that of the others {:.1} %.",
            pattern.name(backend),
            100.0 * own[backend],
            100.0 * pattern.expected[backend]
        ),
        None => "Its configuration says the same as that of the others: look at its state, at what it was not reloaded with, and at \
                 its clients."
            .to_owned(),
    }
}

fn alike(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-6 * a.max(b)
}

/// Backends that only some balancers know.
fn other_backends(pattern: &Pattern<'_>, views: &[View<'_>]) -> Option<String> {
    let knowing = |backend: usize| {
        let knows = |view: &&View<'_>| view.vantage.parts[backend].is_some();
        views.iter().filter(knows).count()
    };
    let partly = (0..pattern.backends.len()).filter(|backend| knowing(*backend) < views.len());
    let backend = partly.min_by_key(|backend| knowing(*backend))?;
    Some(format!(
        "{} is in the pool of {} of them. Compare the backends that they are configured with",
        pattern.name(backend),
        knowing(backend)
    ))
}

/// Backends that balancers have other weights for.
fn other_weights(pattern: &Pattern<'_>, views: &[View<'_>]) -> Option<String> {
    let all: Vec<(&str, Vec<f64>)> = views
        .iter()
        .map(|view| (&*view.vantage.agent, shares(view.vantage)))
        .collect();
    let (first, shares) = all.first()?;
    let differs = |backend: usize| {
        let other = all
            .iter()
            .find(|(_, other)| !alike(other[backend], shares[backend]));
        other.map(|(name, other)| (backend, *name, other[backend]))
    };
    let (backend, other, share) = (0..pattern.backends.len()).find_map(differs)?;
    Some(format!(
        "{first} aims at {:.1} % for {}, {other} at {:.1} %. Compare the weights that they are configured with",
        100.0 * shares[backend],
        pattern.name(backend),
        100.0 * share
    ))
}

fn listed(names: &[&str]) -> String {
    let shown = names.iter().take(LISTED).copied().collect::<Vec<_>>();
    match names.len().saturating_sub(LISTED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
