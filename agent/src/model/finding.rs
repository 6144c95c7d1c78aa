//! What an audit found in the configuration of a balancer that is in use.

use serde::{Deserialize, Serialize};

/// Something in a configuration that skews traffic, or may.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's stable name, like `NGX-001`.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// Where it stands: `path:line:column`, counted from 1.
    pub place: String,
    /// The pool that it is about, as the balancer calls it; `None` if it is about none.
    pub pool: Option<String>,
    /// What happens, with the numbers of this configuration.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl Finding {
    /// The finding in one line, for whoever reads of a skew that it explains.
    pub fn told(&self) -> String {
        let Self {
            rule,
            place,
            message,
            ..
        } = self;
        format!("{rule} at {place}: {message}")
    }
}

/// How bad a finding is; the order is from least to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
