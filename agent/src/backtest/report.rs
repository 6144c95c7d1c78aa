//! What came of a replay.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::timeline::Timeline;
use crate::model::{Detection, Incident, PerVerdict, Role};

/// What was replayed, and what each setting made of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// What was replayed.
    pub span: Span,
    /// In the order of the settings.
    pub outcomes: Vec<Outcome>,
}

/// What was replayed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Span {
    /// The first and the last tick; `None` if there was none.
    pub bounds: Option<(SystemTime, SystemTime)>,
    /// How long agents counted: of several the one that counted longest.
    pub covered: Duration,
    /// How far ticks are apart: the resolution.
    pub interval: Duration,
    /// Ticks that were replayed, over all agents.
    pub ticks: u64,
    /// Ticks that should have been there and were not, over all agents.
    pub missed: u64,
    /// The agents whose counts these are.
    pub agents: Vec<String>,
}

/// What one setting made of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// How pools were judged at last.
    pub detection: Detection,
    /// The pools of each agent; those that were skewed longest come first.
    pub pools: Vec<PoolOutcome>,
}

/// What was found of a pool.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolOutcome {
    /// Whose counts these are.
    pub agent: String,
    /// The pool's name.
    pub pool: String,
    /// From which side it was seen.
    pub role: Role,
    /// Its backends at last.
    pub backends: usize,
    /// The tolerance it was judged by at last.
    pub tolerance: f64,
    /// How long each verdict stood.
    pub verdicts: PerVerdict<Duration>,
    /// The one that began first comes first.
    pub incidents: Vec<Arc<Incident>>,
    /// The verdicts over time.
    pub timeline: Timeline,
}

impl Outcome {
    /// All incidents.
    pub fn incidents(&self) -> impl Iterator<Item = (&PoolOutcome, &Arc<Incident>)> {
        self.pools
            .iter()
            .flat_map(|pool| pool.incidents.iter().map(move |incident| (pool, incident)))
    }
}

impl PoolOutcome {
    /// How bad it was, to sort by.
    pub(super) fn badness(&self) -> impl Ord + use<> {
        (
            self.verdicts.skewed,
            self.incidents.len(),
            self.verdicts.suspect,
        )
    }
}

/// How long an incident was, until it ended or until the counts did.
pub fn length(incident: &Incident, end: SystemTime) -> Duration {
    let end = incident.ended.map_or(end, |ended| ended.at);
    end.duration_since(incident.started).unwrap_or_default()
}
