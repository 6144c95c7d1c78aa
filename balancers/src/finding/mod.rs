//! What an audit finds: rules, findings, and comments that allow them.

mod audit;
pub(crate) mod generic;
mod own;
mod report;
mod rule;
mod suppression;

use serde::Serialize;

pub use audit::{Allowed, Audit};
pub(crate) use own::UNREAD_INCLUDE;
pub(crate) use report::{Added, Report};
pub(crate) use rule::define_rules;
pub use rule::{Rule, rule, rules};
pub(crate) use suppression::{Comment, Suppression};

use crate::source::Place;

/// How bad a finding is; the order is from least to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Traffic is or will be skewed under conditions that are common.
    Warning,
    /// Skew or overload is near certain.
    Error,
}

impl Severity {
    /// The name that users read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Something in a configuration that skews traffic, or may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// By which rule.
    #[serde(serialize_with = "rule::id_only")]
    pub rule: &'static Rule,
    /// How bad it is here; a rule may find milder and worse cases.
    pub severity: Severity,
    /// The words that show it.
    pub place: Place,
    /// The pool that it is about.
    pub pool: Option<String>,
    /// The server, or what else in the pool; with rule and pool it identifies the finding when lines move.
    pub subject: Option<String>,
    /// What happens, with the numbers of this configuration.
    pub message: String,
    /// What to write instead.
    pub help: String,
    /// Other places that belong to it, and what each of them is.
    pub related: Vec<(Place, String)>,
}
