//! What there is to tell: the incidents of the newest state, with when each was seen to end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::clock::Now;
use crate::model::Incident;

/// How long after its end an incident is still told of; as long as Prometheus does it.
pub(super) const RESOLVED_FOR: Duration = Duration::from_secs(15 * 60);

/// One incident to tell of.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) incident: Arc<Incident>,
    /// When its end was seen, if it has ended.
    pub(super) ended: Option<Instant>,
}

impl Entry {
    /// Whether it ended too long ago to be told of by repetition.
    pub(super) fn is_over(&self, now: &Now) -> bool {
        self.ended
            .is_some_and(|ended| now.monotonic.saturating_duration_since(ended) >= RESOLVED_FOR)
    }
}

/// Incidents to tell of, newest first. All receivers read the same.
pub(super) type Board = Arc<[Entry]>;

/// Where an incident stands in time.
#[derive(Clone, Copy)]
enum Standing {
    Open,
    Ended(Instant),
    /// It had ended long before this agent first saw it.
    Past,
}

/// Makes boards of states.
///
/// The clock on the wall decides only once, and only about an incident that had ended before it was first seen, which is one from
/// before a restart: whether that is worth telling. Afterwards that clock can be set as it likes.
#[derive(Default)]
pub(super) struct Tracker {
    source: Arc<[Arc<Incident>]>,
    standings: HashMap<String, Standing>,
}

impl Tracker {
    /// The board for these incidents, if they differ from those of the last call.
    pub(super) fn update(&mut self, incidents: &Arc<[Arc<Incident>]>, now: &Now) -> Option<Board> {
        if Arc::ptr_eq(&self.source, incidents) {
            return None;
        }
        self.source = Arc::clone(incidents);
        let standings = incidents.iter().map(|incident| {
            let before = self.standings.get(&incident.id).copied();
            (incident.id.clone(), standing(incident, before, now))
        });
        self.standings = standings.collect();
        let entries = incidents.iter().filter_map(|incident| {
            let ended = match self.standings.get(&incident.id)? {
                Standing::Open => None,
                Standing::Ended(at) => Some(*at),
                Standing::Past => return None,
            };
            let incident = Arc::clone(incident);
            Some(Entry { incident, ended })
        });
        Some(entries.collect())
    }
}

fn standing(incident: &Incident, before: Option<Standing>, now: &Now) -> Standing {
    let Some(ended) = incident.ended else {
        return Standing::Open;
    };
    match before {
        Some(Standing::Open) => Standing::Ended(now.monotonic),
        Some(known) => known,
        None => {
            let age = now.wall.duration_since(ended.at).unwrap_or_default();
            if age >= RESOLVED_FOR {
                return Standing::Past;
            }
            // A host that was started just now cannot say when that was; its own start will do.
            let at = now.monotonic.checked_sub(age).unwrap_or(now.monotonic);
            Standing::Ended(at)
        }
    }
}
