//! What was told last.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant, SystemTime};

use super::feed::told::{Frame, History, Incident, Pool, Pools, Row, Status};
use super::feed::{Event, News};
use crate::model::{PerVerdict, Signal, Verdict};

/// How far back the shares reach that are kept.
const REACH: Duration = Duration::from_secs(60 * 60);

/// Whether figures come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// None came yet.
    Connecting,
    /// They do.
    Live,
    /// Somebody answers, and does not count.
    Late,
    /// Nobody answers, and why.
    Gone(String),
}

/// All that is known.
#[derive(Debug)]
pub(super) struct World {
    pub(super) rows: BTreeMap<String, Row>,
    /// Whether all pools were told of.
    pub(super) complete: bool,
    pub(super) frame: Option<Frame>,
    /// The newest first.
    pub(super) incidents: Vec<Incident>,
    pub(super) status: Option<Status>,
    pub(super) link: Link,
    /// When the last figures were taken, on the clock of this process.
    pub(super) fresh: Option<Instant>,
    /// The pool that is looked at.
    pub(super) detail: Option<Detail>,
    /// Names told since the stream began, until it has told of all: the others are gone.
    told: Option<HashSet<String>>,
}

/// What is known of one pool in full.
#[derive(Debug)]
pub(super) struct Detail {
    pub(super) name: String,
    pub(super) shown: Shown,
    pub(super) incidents: Vec<Incident>,
    pub(super) hour: Hour,
}

/// Whether there is such a pool.
#[derive(Debug)]
pub(super) enum Shown {
    /// Nothing was told yet.
    Waiting,
    /// There is none.
    Missing,
    /// There is.
    Pool(Box<Pool>),
}

/// The shares of the last hour.
#[derive(Debug, Default)]
pub(super) struct Hour {
    step: u64,
    times: Vec<SystemTime>,
    tracks: HashMap<String, Shares>,
}

/// The shares of one backend, one for each time.
#[derive(Debug, Default)]
struct Shares {
    opened: Vec<Option<f64>>,
    active: Vec<Option<f64>>,
}

impl World {
    /// Nothing is known yet.
    pub(super) fn new() -> Self {
        Self {
            rows: BTreeMap::new(),
            complete: false,
            frame: None,
            incidents: Vec::new(),
            status: None,
            link: Link::Connecting,
            fresh: None,
            detail: None,
            told: None,
        }
    }

    /// Takes what was told of all pools. Whether the order of pools may be another now, beyond what figures alone change.
    pub(super) fn take(&mut self, news: News, now: Instant) -> bool {
        match news {
            News::Opened => {
                self.told = Some(HashSet::new());
                self.complete = false;
            }
            News::Lost(why) => self.link = Link::Gone(why),
            News::Event(Event::Pools(pools)) => return self.pools(pools, now),
            News::Event(Event::Incidents(told)) => self.incidents = told.incidents,
            News::Event(Event::Status(status)) => self.status = Some(*status),
            News::Event(Event::Late(late)) => {
                self.link = Link::Late;
                self.fresh = now.checked_sub(late.age()).or(self.fresh);
            }
            News::Event(Event::Pool(_) | Event::History(_)) => {}
        }
        false
    }

    fn pools(&mut self, event: Pools, now: Instant) -> bool {
        self.link = Link::Live;
        self.frame = Some(event.frame);
        self.fresh = Some(now);
        let mut turned = !event.gone.is_empty();
        for name in &event.gone {
            self.rows.remove(name);
        }
        for row in event.rows {
            if let Some(told) = &mut self.told {
                told.insert(row.name.clone());
            }
            let verdict = row.verdict;
            let before = self.rows.insert(row.name.clone(), row);
            turned |= before.is_none_or(|before| before.verdict != verdict);
        }
        if event.complete && !self.complete {
            turned = true;
            if let Some(told) = self.told.take() {
                self.rows.retain(|name, _| told.contains(name));
            }
        }
        self.complete = event.complete;
        turned
    }

    /// Begins to look at a pool, or at none.
    pub(super) fn look_at(&mut self, pool: Option<&str>) {
        self.detail = pool.map(|name| Detail {
            name: name.to_owned(),
            shown: Shown::Waiting,
            incidents: Vec::new(),
            hour: Hour::default(),
        });
    }

    /// Takes what was told of the pool that is looked at.
    pub(super) fn take_detail(&mut self, news: News) {
        let Some(detail) = &mut self.detail else {
            return;
        };
        match news {
            News::Opened => detail.hour = Hour::default(),
            News::Event(Event::Pool(event)) => {
                detail.shown = event
                    .pool
                    .map_or(Shown::Missing, |pool| Shown::Pool(Box::new(pool)));
            }
            News::Event(Event::History(history)) => detail.hour.take(history),
            News::Event(Event::Incidents(told)) => detail.incidents = told.incidents,
            // The stream of all pools tells the same.
            News::Event(Event::Pools(_) | Event::Status(_) | Event::Late(_)) | News::Lost(_) => {}
        }
    }

    /// The agent's time.
    pub(super) fn clock(&self) -> SystemTime {
        self.frame
            .map_or(SystemTime::UNIX_EPOCH, |frame| frame.taken)
    }

    /// How many pools have each verdict.
    pub(super) fn verdicts(&self) -> PerVerdict<usize> {
        let mut counts = PerVerdict::default();
        for row in self.rows.values() {
            *counts.get_mut(row.verdict) += 1;
        }
        counts
    }

    /// Incidents that are on, the newest first.
    pub(super) fn open_incidents(&self) -> impl Iterator<Item = &Incident> {
        self.incidents
            .iter()
            .filter(|incident| incident.ended.is_none())
    }

    /// An incident by its id.
    pub(super) fn incident(&self, id: &str) -> Option<&Incident> {
        let of_pool = self.detail.iter().flat_map(|detail| &detail.incidents);
        self.incidents
            .iter()
            .chain(of_pool)
            .find(|incident| incident.id == id)
    }
}

impl Hour {
    /// Takes the hour, or what is new of it. Another step means that the agent has begun anew.
    fn take(&mut self, history: History) {
        if history.step_seconds != self.step {
            *self = Self {
                step: history.step_seconds,
                ..Self::default()
            };
        }
        let before = self.times.len();
        self.times.extend(&history.times);
        let mut told: HashMap<String, Shares> = HashMap::new();
        for track in history.backends {
            let mut shares = self.tracks.remove(&track.address).unwrap_or_default();
            for (kept, new) in [
                (&mut shares.opened, track.opened),
                (&mut shares.active, track.active),
            ] {
                // A backend that came later had no shares before.
                kept.resize(before, None);
                kept.extend(new);
            }
            told.insert(track.address, shares);
        }
        self.tracks = told;
        self.forget();
    }

    /// Leaves out what is older than an hour.
    fn forget(&mut self) {
        let Some(first) = self.times.last().and_then(|last| last.checked_sub(REACH)) else {
            return;
        };
        let old = self.times.partition_point(|time| *time < first);
        self.times.drain(..old);
        for shares in self.tracks.values_mut() {
            for kept in [&mut shares.opened, &mut shares.active] {
                kept.drain(..old.min(kept.len()));
            }
        }
    }

    /// The shares of a backend, the oldest first; none are kept of bytes and failures.
    pub(super) fn shares(&self, backend: &str, signal: Signal) -> &[Option<f64>] {
        let Some(shares) = self.tracks.get(backend) else {
            return &[];
        };
        match signal {
            Signal::Opened => &shares.opened,
            Signal::Active => &shares.active,
            Signal::Bytes | Signal::Failed => &[],
        }
    }

    /// How far back the shares reach.
    pub(super) fn reach(&self) -> Duration {
        let ends = self.times.first().zip(self.times.last());
        ends.and_then(|(first, last)| last.duration_since(*first).ok())
            .unwrap_or_default()
    }
}

/// How bad a verdict is: the worst is the least.
pub(super) fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Skewed => 0,
        Verdict::Suspect => 1,
        Verdict::Unknown => 2,
        Verdict::Even => 3,
    }
}
