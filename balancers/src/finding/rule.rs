//! Rules, and where to look one up.

use serde::{Serialize, Serializer};

use super::{OWN_RULES, Severity, generic};
use crate::envoy;
use crate::kubernetes;
use crate::nginx;
use crate::product::Product;

/// One kind of finding.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Stable, as users write it in suppressions: `NGX-001`.
    pub id: &'static str,
    /// How bad it usually is.
    pub severity: Severity,
    /// One line.
    pub title: &'static str,
    /// Whose configuration shows it; `None`: any.
    pub product: Option<Product>,
    /// Its page, `docs/audit/<id>.md`: what `evenkeel audit --explain` prints.
    #[serde(skip)]
    pub page: &'static str,
}

/// All rules, ordered by product, then by id.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    let all: [&[&'static Rule]; 5] = [
        &OWN_RULES,
        &generic::RULES,
        &nginx::RULES,
        &envoy::RULES,
        &kubernetes::RULES,
    ];
    all.into_iter().flatten().copied()
}

/// The rule with an id, in upper or lower case.
pub fn rule(id: &str) -> Option<&'static Rule> {
    rules().find(|rule| rule.id.eq_ignore_ascii_case(id))
}

/// Serialises the id alone.
#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes fields by reference"
)]
pub(super) fn id_only<S: Serializer>(
    rule: &&'static Rule,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(rule.id)
}
