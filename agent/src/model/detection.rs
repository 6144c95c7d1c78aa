//! How a pool is to be judged: by which expectation, by which signals, with what promise.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::counters::Signal;

/// How a balancer spreads connections: what may be expected of which signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// In turn, by weight: round robin and its relatives. New connections follow the weights closely.
    #[default]
    Rotation,
    /// By lot, by weight. New connections follow the weights as closely as chance permits.
    Random,
    /// To the backend with the least load: least connections, least requests, two choices. Open connections follow the
    /// weights; new ones go where connections end soonest, and need not.
    LoadDependent,
    /// By a key of the client or the request: hashing, affinity, cookies. Shares follow the keys.
    KeyDependent,
    /// By priority, locality or health before anything else. Shares follow the policy.
    PolicyGated,
}

impl Algorithm {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 5] = [
        Self::Rotation,
        Self::Random,
        Self::LoadDependent,
        Self::KeyDependent,
        Self::PolicyGated,
    ];

    /// The name that users write and read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rotation => "rotation",
            Self::Random => "random",
            Self::LoadDependent => "load_dependent",
            Self::KeyDependent => "key_dependent",
            Self::PolicyGated => "policy_gated",
        }
    }

    /// What shares are compared with unless the pool says otherwise.
    pub const fn usual_expectation(self) -> Expectation {
        match self {
            Self::Rotation | Self::Random | Self::LoadDependent => Expectation::Weights,
            Self::KeyDependent | Self::PolicyGated => Expectation::Learned,
        }
    }

    /// Whether a pool of this kind can be skewed in `signal`: unequal arrivals are how least-connections does its work.
    pub const fn is_judged_by(self, signal: Signal) -> bool {
        !matches!((self, signal), (Self::LoadDependent, Signal::Opened))
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where the expected shares of a pool come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expectation {
    /// From the weights of its backends.
    #[default]
    Weights,
    /// From the pool's own long-run shares: a skew is then a change.
    Learned,
}

impl Expectation {
    /// The name that users write and read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Weights => "weights",
            Self::Learned => "learned",
        }
    }
}

/// How all pools are judged that do not say otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// The part by which a share may differ from the expected one before it counts as skew; greater than 0.
    pub tolerance: f64,
    /// Mean time between false alarms of a pool whose shares are all within the tolerance.
    pub false_alarm_every: Duration,
    /// How long the evidence has to stand before it is an incident.
    pub hold: Duration,
    /// The signals whose shares are judged; failing connects are judged besides, whatever stands here.
    pub signals: Vec<Signal>,
}

impl Default for Detection {
    fn default() -> Self {
        Self {
            tolerance: 0.25,
            false_alarm_every: Duration::from_secs(90 * 24 * 60 * 60),
            hold: Duration::ZERO,
            signals: vec![Signal::Opened, Signal::Active],
        }
    }
}
