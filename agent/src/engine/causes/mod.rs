//! The decision table: from the pattern of a skew to its probable causes.
//!
//! Each row looks for one pattern and says in words what it found. Rows stand in the order of how much they explain: the
//! first that applies is the cause, the others that apply are told besides.

mod backends;
mod configured;
mod fleet;
mod groups;
mod long_lived;
mod weights;

use super::pattern::Pattern;
use crate::model::{Cause, CauseId};

type Row = fn(&Pattern<'_>) -> Option<Cause>;

const TABLE: [Row; 14] = [
    backends::refusing,
    fleet::one_balancer_differs,
    long_lived::not_rebalanced,
    fleet::sum_skewed,
    groups::left_out,
    backends::not_in_rotation,
    long_lived::pinned_connections,
    long_lived::slow_backend,
    long_lived::heavy_connections,
    groups::affinity,
    groups::between_groups,
    weights::weights_lost,
    weights::weights_differ,
    weights::first_in_list,
];

/// The probable causes, the most probable first; never empty.
pub(super) fn explain(pattern: &Pattern<'_>) -> (Cause, Vec<Cause>) {
    let mirrored = long_lived::mirrors_opened(pattern).then(|| pattern.of_opened());
    let pattern = mirrored.as_ref().unwrap_or(pattern);
    let findings = &pattern.pool.spec.findings;
    let explained = |cause| configured::explained(cause, findings);
    let mut found = TABLE.iter().filter_map(|row| row(pattern)).map(explained);
    let first = found.next().unwrap_or_else(|| explained(cause(
        CauseId::Unexplained,
        "No known pattern fits. Compare the balancer's running configuration with what it should be, and the backends with each other.",
    )));
    (first, found.collect())
}

fn cause(id: CauseId, text: impl Into<String>) -> Cause {
    Cause {
        id,
        text: text.into(),
        findings: Vec::new(),
    }
}
