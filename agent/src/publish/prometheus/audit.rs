//! The family about what the audit finds in the configurations that pools come from.

use std::collections::BTreeMap;
use std::fmt;

use super::family::{Exposition, Family};
use crate::model::Finding;

const FINDINGS: Family = Family::gauge(
    "evenkeel_audit_findings",
    "Findings in the balancers' configurations that pools come from, by rule; those that a comment allows do not count.",
);

/// Writes the family.
pub(super) fn write(out: &mut Exposition<'_>, findings: &[Finding]) -> fmt::Result {
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for finding in findings {
        let labels = (finding.rule.as_str(), finding.severity.as_str());
        *counts.entry(labels).or_default() += 1;
    }
    let mut samples = out.family(&FINDINGS)?;
    for ((id, severity), count) in counts {
        samples.gauge(&[("id", id), ("severity", severity)], count)?;
    }
    Ok(())
}
