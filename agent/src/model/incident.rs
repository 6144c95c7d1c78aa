//! Incidents: a skew from its onset to its end, with the backends, the evidence and the probable cause.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::change::Change;
use super::counters::Signal;
use super::endpoint::Role;
use super::finding::Finding;

/// A skew of one signal of one pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Tells it from all others, also from those of other agents and of earlier runs.
    pub id: String,
    /// Under which name people are told of it. Chosen when it was detected, never changes: backends that become hot or cold
    /// later must not make another alert of it.
    pub alert: AlertName,
    /// The pool's name.
    pub pool: String,
    /// From which side the pool is seen.
    pub role: Role,
    /// What is uneven; `failed` for backends that fail to accept connections.
    pub signal: Signal,
    /// When it began, by the evidence. Never changes.
    #[serde(with = "super::time")]
    pub started: SystemTime,
    /// When it was seen. Never changes.
    #[serde(with = "super::time")]
    pub detected: SystemTime,
    /// Its end, if it has ended.
    pub ended: Option<Ended>,
    /// The backends above their tolerance, or failing; the worst first.
    pub hot: Vec<Deviation>,
    /// The backends below their tolerance, the worst first.
    pub cold: Vec<Deviation>,
    /// The most probable explanation.
    pub cause: Cause,
    /// Other explanations that the pattern permits, the more probable first.
    pub other_causes: Vec<Cause>,
    /// The last change of the pool's description before it began, if there was one shortly before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// The highest evidence so far, as a decimal logarithm.
    pub evidence: f64,
    /// What the evidence had to reach.
    pub threshold: f64,
    /// The highest max/mean of the signal so far; 0 for failing connects.
    pub peak_max_to_mean: f64,
    /// The tolerance in force.
    pub tolerance: f64,
    /// The promised mean time between false alarms.
    #[serde(rename = "false_alarm_every_seconds", with = "super::time::seconds")]
    pub false_alarm_every: Duration,
}

impl Incident {
    /// Whether it has not ended.
    pub fn is_open(&self) -> bool {
        self.ended.is_none()
    }
}

/// The names of alerts about incidents, those of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AlertName {
    /// Backends get too much of a signal, and perhaps others too little.
    #[serde(rename = "EvenkeelPoolSkewed")]
    PoolSkewed,
    /// Backends get too little, and none too much.
    #[serde(rename = "EvenkeelBackendStarved")]
    BackendStarved,
    /// Backends fail to accept connections.
    #[serde(rename = "EvenkeelBackendFailingConnects")]
    BackendFailingConnects,
}

impl AlertName {
    /// All of them.
    pub const ALL: [Self; 3] = [
        Self::PoolSkewed,
        Self::BackendStarved,
        Self::BackendFailingConnects,
    ];

    /// The name for an incident in `signal` that is detected with these backends `hot`.
    pub fn at_detection(signal: Signal, hot: &[Deviation]) -> Self {
        match signal {
            Signal::Failed => Self::BackendFailingConnects,
            Signal::Opened | Signal::Active | Signal::Bytes if hot.is_empty() => {
                Self::BackendStarved
            }
            Signal::Opened | Signal::Active | Signal::Bytes => Self::PoolSkewed,
        }
    }

    /// The name that users read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PoolSkewed => "EvenkeelPoolSkewed",
            Self::BackendStarved => "EvenkeelBackendStarved",
            Self::BackendFailingConnects => "EvenkeelBackendFailingConnects",
        }
    }
}

/// A backend outside its tolerance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deviation {
    /// Its name in metrics and on pages: `address:port`.
    pub backend: String,
    /// Its part of the pool's signal since the onset or over the window, whichever is shorter; for failing connects the part of its own
    /// connection attempts that fail.
    pub observed_share: f64,
    /// The part that it should have; for failing connects the part that is tolerated.
    pub expected_share: f64,
}

/// The end of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When it was seen to have ended.
    #[serde(with = "super::time")]
    pub at: SystemTime,
    /// Why it counts as ended.
    pub why: Ending,
}

/// Why an incident counts as ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The pool was shown to be within its tolerance again.
    Recovered,
    /// The pool has had no traffic for too long to say anything of it.
    NoTraffic,
    /// The pool, or the signal, is not watched any longer.
    NotWatched,
}

/// The probable explanation of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// Which one.
    pub id: CauseId,
    /// What it means for this pool, in a sentence or two.
    pub text: String,
    /// What in the balancer's configuration brings it about, as far as the audit found it; the more telling first.
    #[serde(default)]
    pub findings: Vec<Finding>,
}

/// The kinds of cause, the names of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CauseId {
    /// The backend refuses connections or does not answer.
    Refusing,
    /// The balancer does not try the backend at all.
    NotInRotation,
    /// Long-lived connections stay where they are.
    NotRebalanced,
    /// The backend takes longer than others to serve.
    SlowBackend,
    /// Clients hold on to their connections.
    PinnedConnections,
    /// A few connections carry most of the bytes.
    HeavyConnections,
    /// Few clients, each bound to a backend.
    Affinity,
    /// The balancer works by other weights than expected.
    WeightsDiffer,
    /// The balancer works by no weights.
    WeightsLost,
    /// Each worker or instance of the balancer starts with the first backend.
    FirstInList,
    /// A label tells the hot from the cold.
    BetweenGroups,
    /// One balancer of several spreads differently from the others; only a fleet sees it.
    OneBalancerDiffers,
    /// Every balancer is even by itself, and their sum is not; only a fleet sees it.
    SumSkewed,
    /// No pattern that is known.
    Unexplained,
}

impl CauseId {
    /// The name that users read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refusing => "refusing",
            Self::NotInRotation => "not_in_rotation",
            Self::NotRebalanced => "not_rebalanced",
            Self::SlowBackend => "slow_backend",
            Self::PinnedConnections => "pinned_connections",
            Self::HeavyConnections => "heavy_connections",
            Self::Affinity => "affinity",
            Self::WeightsDiffer => "weights_differ",
            Self::WeightsLost => "weights_lost",
            Self::FirstInList => "first_in_list",
            Self::BetweenGroups => "between_groups",
            Self::OneBalancerDiffers => "one_balancer_differs",
            Self::SumSkewed => "sum_skewed",
            Self::Unexplained => "unexplained",
        }
    }
}

impl fmt::Display for CauseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
