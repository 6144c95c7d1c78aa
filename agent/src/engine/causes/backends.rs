//! Causes that lie with a backend, or with the balancer's belief about it.

use super::cause;
use crate::engine::judge::TOLERATED_FAILURES;
use crate::engine::pattern::Pattern;
use crate::model::{Cause, CauseId, Side, Signal};

/// Failed attempts below this number may be chance, whatever part of all attempts they are.
const TELLING_FAILURES: u64 = 3;

/// A backend that is cold, or failing, because connecting to it fails.
pub(super) fn refusing(pattern: &Pattern<'_>) -> Option<Cause> {
    let side = match pattern.signal {
        Signal::Failed => Side::Hot,
        _ => Side::Cold,
    };
    let failing: Vec<(usize, u64, u64)> = pattern
        .on(side)
        .into_iter()
        .filter_map(|backend| {
            let (failed, attempts) = telling_failures(pattern, backend)?;
            Some((backend, failed, attempts))
        })
        .collect();
    let names: Vec<usize> = failing.iter().map(|(backend, ..)| *backend).collect();
    let failed: u64 = failing.iter().map(|(_, failed, _)| failed).sum();
    let attempts: u64 = failing.iter().map(|(.., attempts)| attempts).sum();
    (!failing.is_empty()).then(|| {
        cause(
            CauseId::Refusing,
            format!(
                "{} refuses connections or does not answer: {failed} of {attempts} attempts failed. Look at the backend and the \
                 path to it, not at the balancer.",
                pattern.names(&names)
            ),
        )
    })
}

/// A backend's failed attempts and all its attempts, if they explain why it is where it is.
fn telling_failures(pattern: &Pattern<'_>, backend: usize) -> Option<(u64, u64)> {
    let facts = &pattern.backends[backend];
    let part = facts.failed as f64 / facts.attempts().max(1) as f64;
    let many = facts.failed >= TELLING_FAILURES && part > 10.0 * TOLERATED_FAILURES;
    if pattern.signal == Signal::Failed || many {
        return Some((facts.failed, facts.attempts()));
    }
    // One failure is enough for a balancer to leave a backend alone.
    let given_up = facts.opened_late == 0 && facts.failed_around > 0;
    given_up.then_some((facts.failed_around, facts.failed_around))
}

/// A backend that is cold because the balancer does not even try.
pub(super) fn not_in_rotation(pattern: &Pattern<'_>) -> Option<Cause> {
    let untried: Vec<usize> = pattern
        .on(Side::Cold)
        .into_iter()
        .filter(|backend| is_untried(pattern, *backend))
        .collect();
    let others = pattern.backends.len() - untried.len();
    // One that gets everything among several that get nothing is chosen rather than left over.
    let left_over = others > 1 || pattern.backends.len() == 2;
    (left_over && !untried.is_empty() && rest_is_even(pattern)).then(|| {
        cause(
            CauseId::NotInRotation,
            format!(
                "The balancer does not try {} at all: drained, down by its health checks, weight 0, missing from its configuration or \
                 its DNS answer.",
                pattern.names(&untried)
            ),
        )
    })
}

/// Whether nobody tries a backend, at least of late.
pub(super) fn is_untried(pattern: &Pattern<'_>, backend: usize) -> bool {
    let facts = &pattern.backends[backend];
    facts.opened_late == 0 && facts.failed == 0
}

/// Whether the backends that are tried share the connections among themselves as they should.
fn rest_is_even(pattern: &Pattern<'_>) -> bool {
    let tried = || (0..pattern.backends.len()).filter(|b| !is_untried(pattern, *b));
    let share: f64 = tried().map(|backend| pattern.expected[backend]).sum();
    pattern.total(Signal::Opened) > 0.0
        && tried().all(|backend| {
            let relative = pattern.relative(backend, Signal::Opened) * share;
            (relative - 1.0).abs() <= 2.0 * pattern.tolerance
        })
}
