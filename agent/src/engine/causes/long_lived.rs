//! Causes that lie in how long connections last and what they carry.

use super::cause;
use crate::engine::pattern::Pattern;
use crate::model::{Cause, CauseId, Side, Signal};

/// When fewer connections are opened than this part of those that are open, connections outlive the time that is looked at.
const FEW_OPENED: f64 = 0.5;

/// Whether the connections are older than the time that is looked at.
fn connections_stay(pattern: &Pattern<'_>) -> bool {
    let active = pattern.total(Signal::Active);
    active >= 1.0 && pattern.total(Signal::Opened) < FEW_OPENED * active
}

/// Whether a skew of open connections or of bytes only mirrors one of new connections, and is explained by what explains that: who is
/// named gets as clearly too many of the new ones or too few, and they do not last so long that earlier ones weigh more.
pub(super) fn mirrors_opened(pattern: &Pattern<'_>) -> bool {
    let far = |backend: usize, side: Side| {
        let relative = pattern.relative(backend, Signal::Opened);
        match side {
            Side::Hot => relative > 1.0 + pattern.tolerance,
            Side::Cold => relative < 1.0 - pattern.tolerance,
        }
    };
    let named = [Side::Hot, Side::Cold].map(|side| (side, pattern.on(side)));
    matches!(pattern.signal, Signal::Active | Signal::Bytes)
        && !connections_stay(pattern)
        && named.iter().any(|(_, backends)| !backends.is_empty())
        && named
            .iter()
            .all(|(side, backends)| backends.iter().all(|backend| far(*backend, *side)))
}

/// A new backend gets no part of the connections that were there before it. It may get its part of short ones that come and go
/// beside those: then what it has open lasts for a fraction of the time that others' do, less than a faster machine would explain.
pub(super) fn not_rebalanced(pattern: &Pattern<'_>) -> Option<Cause> {
    /// Of the pool's average.
    const BRIEF: f64 = 0.25;
    if pattern.signal == Signal::Opened {
        return None;
    }
    let stay = connections_stay(pattern);
    let brief =
        |backend: usize| pattern.looks_even(Signal::Opened) && lasts(pattern, backend) < BRIEF;
    let new: Vec<usize> = pattern
        .on(Side::Cold)
        .into_iter()
        .filter(|backend| pattern.backends[*backend].newcomer)
        .filter(|backend| stay || brief(*backend))
        .collect();
    (!new.is_empty()).then(|| {
        cause(
            CauseId::NotRebalanced,
            format!(
                "{} joined after the connections were made, and long-lived connections stay where they are. Limit the age of \
                 connections (or of requests on one), or restart the clients a few at a time.",
                pattern.names(&new)
            ),
        )
    })
}

/// Connections that are held open pile up on a backend, though new ones are hardly made.
pub(super) fn pinned_connections(pattern: &Pattern<'_>) -> Option<Cause> {
    let hot = pattern.on(Side::Hot);
    let applies = pattern.signal == Signal::Active && !hot.is_empty() && connections_stay(pattern);
    applies.then(|| {
        cause(
            CauseId::PinnedConnections,
            format!(
                "Clients hold on to their connections to {}: {:.0} are open on average and only {} were opened. They were \
                 spread when they were made, not since.",
                pattern.names(&hot),
                hot.iter().map(|b| pattern.backends[*b].active).sum::<f64>(),
                hot.iter().map(|b| pattern.backends[*b].opened).sum::<u64>(),
            ),
        )
    })
}

/// New connections are spread evenly and pile up on one backend: it takes longer.
pub(super) fn slow_backend(pattern: &Pattern<'_>) -> Option<Cause> {
    let hot = pattern.on(Side::Hot);
    let applies = pattern.signal == Signal::Active
        && !connections_stay(pattern)
        && hot
            .iter()
            .any(|backend| lasts(pattern, *backend) > 1.0 + pattern.tolerance);
    applies.then(|| {
        cause(
            CauseId::SlowBackend,
            format!(
                "New connections go to {} no more than to others, but last {:.1} times as long there as on average: it is slow or \
                 stuck. Look at the backend, not at the balancer.",
                pattern.names(&hot),
                lasts(pattern, hot[0])
            ),
        )
    })
}

/// How long a connection to the backend lasts, over the pool's average: Little's law says open = opened * time.
fn lasts(pattern: &Pattern<'_>, backend: usize) -> f64 {
    let of = |signal| {
        let total = pattern.total(signal);
        pattern.backends[backend].load(signal) / total.max(f64::MIN_POSITIVE)
    };
    of(Signal::Active) / of(Signal::Opened).max(1e-9)
}

/// Connections are spread evenly, their bytes are not.
pub(super) fn heavy_connections(pattern: &Pattern<'_>) -> Option<Cause> {
    let hot = pattern.on(Side::Hot);
    let applies = pattern.signal == Signal::Bytes
        && !hot.is_empty()
        && pattern.looks_even(Signal::Opened)
        && (pattern.looks_even(Signal::Active) || pattern.total(Signal::Active) < 1.0);
    applies.then(|| {
        let worst = &hot[..1];
        cause(
            CauseId::HeavyConnections,
            format!(
                "Connections are spread evenly, but those to {} carry {:.1} times their part of the bytes: a few heavy ones, or \
                 many requests on one connection (HTTP/2, gRPC) behind a balancer that only sees connections.",
                pattern.names(worst),
                pattern.relative(worst[0], Signal::Bytes)
            ),
        )
    })
}
