//! Changes of pools: what their source said differently, from when on.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::pool::Source;
use super::verdict::words;

/// A pool is described differently than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When it was noticed: up to a few seconds after it was made.
    #[serde(with = "super::time")]
    pub at: SystemTime,
    /// Where it was made.
    pub source: Source,
    /// What changed, without a full stop: `weight of 192.0.2.3:80 changed from 1 to 5`.
    pub text: String,
}

impl Change {
    /// What an incident that began at `started` is told of the change, as a clause:
    /// `began 4s after the configuration changed: weight of 192.0.2.3:80 changed from 1 to 5`.
    pub fn before(&self, started: SystemTime) -> String {
        let text = &self.text;
        match started.duration_since(self.at) {
            Ok(passed) if passed.as_secs() > 0 => {
                format!(
                    "began {} after the configuration changed: {text}",
                    words(passed)
                )
            }
            // It takes a moment to notice a change.
            _ => format!("began when the configuration changed: {text}"),
        }
    }
}
