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
    let others_are_tried = pattern.total(Signal::Opened) > 0.0;
    (others_are_tried && !untried.is_empty()).then(|| {
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
