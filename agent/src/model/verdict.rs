//! What the engine finds of a pool and of a backend.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a pool is found to be, in one signal or over all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// There is evidence that every share is within the tolerance: the balancer is not the problem.
    Even,
    /// Some evidence of skew, not enough to alarm.
    Suspect,
    /// A share is outside its tolerance, at the promised rate of false alarms.
    Skewed,
    /// Too little traffic to tell.
    #[default]
    Unknown,
}

impl Verdict {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 4] = [Self::Even, Self::Suspect, Self::Skewed, Self::Unknown];

    /// The name that users read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Even => "even",
            Self::Suspect => "suspect",
            Self::Skewed => "skewed",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// On which side of its tolerance a share is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// More than it should have; of failing connects: the backend that fails.
    Hot,
    /// Less than it should have.
    Cold,
}

impl Side {
    /// How metrics and the API say it: 1 or -1.
    pub const fn sign(self) -> i8 {
        match self {
            Self::Hot => 1,
            Self::Cold => -1,
        }
    }
}

/// What one signal of a pool tells.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Judgement {
    /// What follows from it.
    pub verdict: Verdict,
    /// The evidence of skew, as a decimal logarithm: the alarm is at `threshold`.
    pub evidence: f64,
    /// What the evidence has to reach.
    pub threshold: f64,
}
