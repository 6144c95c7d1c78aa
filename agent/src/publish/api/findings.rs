//! `/api/v1/findings`: what the audit finds in the configurations that pools come from.

use serde::Serialize;

use crate::discovery::DiscoveryStatus;
use crate::model::Finding;

/// The answer of `/api/v1/findings`.
#[derive(Debug, Serialize)]
pub struct FindingsAnswer<'a> {
    findings: &'a [Finding],
}

impl<'a> FindingsAnswer<'a> {
    /// All findings of what the sources of pools found last.
    pub fn new(discovery: &'a DiscoveryStatus) -> Self {
        Self {
            findings: &discovery.findings,
        }
    }
}
