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
    let failing: Vec<usize> = pattern
        .on(side)
        .into_iter()
        .filter(|backend| {
            let facts = &pattern.backends[*backend];
            let part = facts.failed as f64 / facts.attempts().max(1) as f64;
            pattern.signal == Signal::Failed
                || facts.failed >= TELLING_FAILURES && part > 10.0 * TOLERATED_FAILURES
        })
        .collect();
    let (failed, attempts) = failing.iter().fold((0, 0), |(failed, attempts), backend| {
        let facts = &pattern.backends[*backend];
        (failed + facts.failed, attempts + facts.attempts())
    });
    (!failing.is_empty()).then(|| {
        cause(
            CauseId::Refusing,
            format!(
                "{} refuses connections or does not answer: {failed} of {attempts} attempts failed. Look at the backend and the \
                 path to it, not at the balancer.",
                pattern.names(&failing)
            ),
        )
    })
}

/// A backend that is cold because the balancer does not even try.
pub(super) fn not_in_rotation(pattern: &Pattern<'_>) -> Option<Cause> {
    let untried: Vec<usize> = pattern
        .on(Side::Cold)
        .into_iter()
        .filter(|backend| pattern.backends[*backend].attempts() == 0)
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

/// Whether the backends that are tried share the connections among themselves as they should.
fn rest_is_even(pattern: &Pattern<'_>) -> bool {
    let tried = || (0..pattern.backends.len()).filter(|b| pattern.backends[*b].attempts() > 0);
    let share: f64 = tried().map(|backend| pattern.expected[backend]).sum();
    pattern.total(Signal::Opened) > 0.0
        && tried().all(|backend| {
            let relative = pattern.relative(backend, Signal::Opened) * share;
            (relative - 1.0).abs() <= 2.0 * pattern.tolerance
        })
}
