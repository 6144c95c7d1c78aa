//! What an agent tells in its events. Only what is shown; words are taken as they come, so that a newer agent can be looked at.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Deserializer, de};

use crate::model::{PerSignal, Side, Signal, Verdict};

/// The event `pools`: pools in short that are new or changed.
#[derive(Debug, Deserialize)]
pub(crate) struct Pools {
    #[serde(flatten)]
    pub(crate) frame: Frame,
    /// Whether all pools were told of by now.
    pub(crate) complete: bool,
    #[serde(rename = "pools")]
    pub(crate) rows: Vec<Row>,
    /// Pools that are no more.
    pub(crate) gone: Vec<String>,
}

/// When figures were taken, and over what.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub(crate) struct Frame {
    #[serde(deserialize_with = "moment")]
    pub(crate) taken: SystemTime,
    pub(crate) interval_seconds: f64,
    pub(crate) window_seconds: f64,
}

/// A pool in short.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) role: String,
    pub(crate) source: String,
    pub(crate) verdict: Verdict,
    pub(crate) backends: usize,
    /// Connections opened per second, over the window.
    pub(crate) rate: f64,
    pub(crate) active: u64,
    /// What the rest is about.
    pub(crate) signal: Signal,
    pub(crate) max_to_mean: Option<f64>,
    pub(crate) gini: Option<f64>,
    pub(crate) gini_by_chance: Option<f64>,
    pub(crate) bars: Vec<Bar>,
    pub(crate) worst: Option<Worst>,
    /// Backends with a mark.
    pub(crate) marked: usize,
}

/// Share and expected share of a backend in thousandths, and its mark.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub(crate) struct Bar(pub(crate) u16, pub(crate) u16, pub(crate) Mark);

/// The backend that is furthest from where it should be.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Worst {
    pub(crate) address: String,
    pub(crate) share: f64,
    pub(crate) expected: f64,
    pub(crate) mark: Mark,
}

/// What is found of a backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "i8")]
pub(crate) enum Mark {
    /// Nothing.
    #[default]
    None,
    /// It gets too much.
    Hot,
    /// It gets too little.
    Cold,
    /// Connections to it fail.
    Failing,
}

impl From<i8> for Mark {
    fn from(number: i8) -> Self {
        match number {
            1 => Self::Hot,
            -1 => Self::Cold,
            2 => Self::Failing,
            _ => Self::None,
        }
    }
}

/// The event `pool`: one pool in full, if there is such a pool.
#[derive(Debug, Deserialize)]
pub(crate) struct PoolEvent {
    #[serde(flatten)]
    pub(crate) frame: Option<Frame>,
    pub(crate) pool: Option<Pool>,
}

/// A pool in full.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Pool {
    pub(crate) name: String,
    pub(crate) role: String,
    pub(crate) source: String,
    pub(crate) verdict: Verdict,
    pub(crate) explanation: String,
    pub(crate) tolerance: f64,
    pub(crate) algorithm: String,
    pub(crate) expected: String,
    pub(crate) detection_seconds: Option<f64>,
    pub(crate) dispersion: f64,
    pub(crate) judgements: PerSignal<Option<Judgement>>,
    pub(crate) backends: Vec<Backend>,
    pub(crate) standby: Vec<Standby>,
    pub(crate) changes: Vec<Change>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) measures: PerSignal<Option<Measures>>,
}

/// What a signal tells; evidence and threshold as powers of ten.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Judgement {
    pub(crate) verdict: Verdict,
    pub(crate) evidence: f64,
    pub(crate) threshold: f64,
}

/// How a signal is spread.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Measures {
    pub(crate) total: f64,
    pub(crate) gini: f64,
    pub(crate) gini_by_chance: f64,
    pub(crate) max_to_mean: f64,
    pub(crate) min_to_mean: f64,
    pub(crate) cv: f64,
    pub(crate) jain: f64,
    pub(crate) hoover: f64,
    pub(crate) wasted_capacity: f64,
}

/// A backend of a pool.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Backend {
    pub(crate) address: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) expected_share: f64,
    pub(crate) connections: Connections,
    pub(crate) bytes: Bytes,
    pub(crate) handshake: Handshake,
    pub(crate) share: PerSignal<Option<f64>>,
    pub(crate) skewed_in: PerSignal<Option<Side>>,
}

impl Backend {
    /// What is found of it in a signal, or else whether connections to it fail.
    pub(crate) fn mark(&self, signal: Signal) -> Mark {
        let found = match signal {
            Signal::Failed => None,
            signal => *self.skewed_in.get(signal),
        };
        match (found, self.skewed_in.failed) {
            (Some(Side::Hot), _) => Mark::Hot,
            (Some(Side::Cold), _) => Mark::Cold,
            (None, Some(_)) => Mark::Failing,
            (None, None) => Mark::None,
        }
    }

    /// How much it gets for each part that it should get; 1 while there is nothing to share.
    pub(crate) fn relative(&self, signal: Signal) -> f64 {
        self.share
            .get(signal)
            .map_or(1.0, |share| share / self.expected_share)
    }
}

/// Connections since the agent began to watch.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Connections {
    pub(crate) opened: u64,
    pub(crate) failed: u64,
    pub(crate) active: u64,
}

/// Payload since the agent began to watch.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Bytes {
    pub(crate) received: u64,
    pub(crate) sent: u64,
}

/// Handshakes since the agent began to watch.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Handshake {
    pub(crate) mean_seconds: Option<f64>,
}

/// A member that should get no traffic.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Standby {
    pub(crate) address: String,
    pub(crate) why: String,
    pub(crate) connections: Connections,
}

/// A pool is described differently than before.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Change {
    #[serde(deserialize_with = "moment")]
    pub(crate) at: SystemTime,
    pub(crate) source: String,
    pub(crate) text: String,
}

/// What the audit finds.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Finding {
    pub(crate) rule: String,
    pub(crate) severity: String,
    pub(crate) place: String,
    pub(crate) message: String,
    pub(crate) help: String,
}

/// The event `history`: shares of the last hour at first, then the points that are new.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct History {
    pub(crate) step_seconds: u64,
    #[serde(deserialize_with = "moments")]
    pub(crate) times: Vec<SystemTime>,
    pub(crate) backends: Vec<Track>,
}

/// The shares of a backend at each time.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Track {
    pub(crate) address: String,
    pub(crate) opened: Vec<Option<f64>>,
    pub(crate) active: Vec<Option<f64>>,
}

/// The event `incidents`.
#[derive(Debug, Deserialize)]
pub(crate) struct Incidents {
    pub(crate) incidents: Vec<Incident>,
}

/// A skew from its onset to its end.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Incident {
    pub(crate) id: String,
    pub(crate) pool: String,
    pub(crate) signal: Signal,
    #[serde(deserialize_with = "moment")]
    pub(crate) started: SystemTime,
    #[serde(deserialize_with = "perhaps")]
    pub(crate) ended: Option<SystemTime>,
    pub(crate) ending: Option<String>,
    pub(crate) hot: Vec<Deviation>,
    pub(crate) cold: Vec<Deviation>,
    pub(crate) cause: Cause,
    pub(crate) other_causes: Vec<Cause>,
    pub(crate) change: Option<Change>,
    pub(crate) evidence: f64,
    pub(crate) threshold: f64,
    pub(crate) peak_max_to_mean: Option<f64>,
    pub(crate) tolerance: f64,
}

/// How far a backend is off.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Deviation {
    pub(crate) backend: String,
    pub(crate) observed_share: f64,
    pub(crate) expected_share: f64,
}

/// A probable explanation.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Cause {
    pub(crate) id: String,
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) findings: Vec<Finding>,
}

/// The event `status`: of the agent itself.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Status {
    pub(crate) version: String,
    pub(crate) ready: bool,
    /// Why it is not ready.
    pub(crate) reason: Option<String>,
    pub(crate) kernel: Kernel,
    pub(crate) reload: Reload,
}

/// What the agent sees, and what it misses.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Kernel {
    pub(crate) view: View,
    /// Whether endpoints are counted as they appear.
    pub(crate) learning: bool,
    pub(crate) events_lost: Lost,
}

/// How open connections are observed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct View {
    pub(crate) kind: String,
    pub(crate) reason: Option<String>,
}

/// What could not be counted.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub(crate) struct Lost {
    pub(crate) map_full: u64,
    pub(crate) insert_refused: u64,
    pub(crate) mark_refused: u64,
}

/// What came of the last reload.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Reload {
    pub(crate) error: Option<String>,
}

/// The event `late`: the agent answers and does not count.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Late {
    age_seconds: f64,
}

impl Late {
    /// How old the last figures are.
    pub(crate) fn age(self) -> Duration {
        Duration::try_from_secs_f64(self.age_seconds).unwrap_or_default()
    }
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
    parse(&String::deserialize(deserializer)?)
}

fn perhaps<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SystemTime>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.as_deref().map(parse).transpose()
}

fn moments<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SystemTime>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| parse(text)).collect()
}

fn parse<E: de::Error>(text: &str) -> Result<SystemTime, E> {
    humantime::parse_rfc3339(text).map_err(E::custom)
}
