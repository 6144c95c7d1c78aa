//! Rules, and where to look one up.

use serde::{Serialize, Serializer};

use super::{Severity, generic, own};
use crate::product::Product;
use crate::{apache, caddy, envoy, fleet, haproxy, kubernetes, live, nginx, traefik};

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

impl Rule {
    /// Whether one configuration alone can show it. Others show when it is compared: with what runs, or with others.
    pub fn is_of_one(&self) -> bool {
        let compared = [live::RULES, fleet::RULES];
        !compared
            .into_iter()
            .flatten()
            .any(|rule| rule.id == self.id)
    }
}

/// Defines rules as `pub(crate)` statics, each with its page, and `RULES` with all of them.
macro_rules! define_rules {
    (product: $product:expr, $($name:ident = $id:literal, $severity:ident, $title:literal;)+) => {
        $(
            pub(crate) static $name: $crate::finding::Rule = $crate::finding::Rule {
                id: $id,
                severity: $crate::finding::Severity::$severity,
                title: $title,
                product: $product,
                page: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/audit/", $id, ".md")),
            };
        )+

        /// All of them.
        pub(crate) static RULES: &[&$crate::finding::Rule] = &[$(&$name),+];
    };
}

pub(crate) use define_rules;

/// All rules: those of any product, then ordered by product and id.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    let all = [
        own::RULES,
        generic::RULES,
        fleet::RULES,
        live::RULES,
        nginx::RULES,
        haproxy::RULES,
        envoy::RULES,
        kubernetes::RULES,
        apache::RULES,
        caddy::RULES,
        traefik::RULES,
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
