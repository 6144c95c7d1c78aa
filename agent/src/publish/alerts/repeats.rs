//! Alertmanager's way: all alerts at once, again and again while their incidents are on, and for a while after their end.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use super::alertmanager;
use super::board::Entry;
use super::clock::Now;
use super::ledger::{Ledger, Outcome, Parcel};
use super::wording::Wording;
use crate::model::{AlertName, CauseId, Incident, Role, Signal};

/// Alerts in one request; larger ones make Alertmanager slow to answer.
const BATCH: usize = 64;

/// How soon after a request another cause is told without waiting for the repetition: people need it in the first notification,
/// which Alertmanager holds back for half a minute. Not at once, because a cause may change with every tick.
const CAUSE_AFTER: Duration = Duration::from_secs(10);

/// What Alertmanager tells alerts of one agent apart by.
type Identity = (AlertName, Role, Signal, String);

fn identity(incident: &Incident) -> Identity {
    let Incident {
        alert,
        role,
        signal,
        ref pool,
        ..
    } = *incident;
    (alert, role, signal, pool.clone())
}

/// What was told of an incident last.
struct Told {
    at: Instant,
    ended: bool,
    cause: CauseId,
}

struct Record {
    entry: Entry,
    told: Option<Told>,
    due: Instant,
}

impl Record {
    fn new(entry: Entry, now: &Now) -> Self {
        Self {
            entry,
            told: None,
            due: now.monotonic,
        }
    }

    /// Whether the receiver believes what is true: that it is on, or has ended.
    fn is_told(&self) -> bool {
        self.told
            .as_ref()
            .is_some_and(|told| told.ended == self.entry.ended.is_some())
    }

    /// Takes in how the incident is now.
    fn update(&mut self, entry: Entry, now: &Now) {
        if entry.ended.is_some() != self.entry.ended.is_some() {
            self.due = now.monotonic;
        }
        self.entry = entry;
        if let Some(told) = &self.told
            && told.cause != self.entry.incident.cause.id
        {
            self.due = self.due.min(told.at + CAUSE_AFTER);
        }
    }

    fn accepted(&mut self, now: &Now) {
        self.told = Some(Told {
            at: now.monotonic,
            ended: self.entry.ended.is_some(),
            cause: self.entry.incident.cause.id,
        });
    }
}

/// What one Alertmanager was told.
#[derive(Default)]
pub(super) struct Repeats {
    /// The more urgent first: what is on before what has ended, and each of these newest first.
    records: Vec<Record>,
    /// Incidents that found no room, so that each is counted once.
    crowded_out: HashSet<String>,
}

impl Repeats {
    fn due_records(&self, now: &Now) -> impl Iterator<Item = &Record> {
        let due = now.monotonic;
        self.records.iter().filter(move |record| record.due <= due)
    }
}

/// Of alerts with the same labels Alertmanager knows only one: the one that is on, else the newest.
fn wanted<'a>(board: &'a [Entry], now: &Now) -> Vec<&'a Entry> {
    let mut entries: Vec<&Entry> = board.iter().filter(|entry| !entry.is_over(now)).collect();
    // Stable: newest first remains.
    entries.sort_by_key(|entry| entry.ended.is_some());
    let mut identities = HashSet::new();
    entries.retain(|entry| identities.insert(identity(&entry.incident)));
    entries
}

impl Ledger for Repeats {
    /// As many as Prometheus queues.
    const CAPACITY: usize = 10_000;

    fn update(&mut self, board: &[Entry], now: &Now) -> u64 {
        let old = std::mem::take(&mut self.records);
        let old = old.into_iter();
        let mut old: HashMap<String, Record> = old
            .map(|record| (record.entry.incident.id.clone(), record))
            .collect();
        let entries = wanted(board, now);
        let (within, beyond) = entries.split_at(entries.len().min(Self::CAPACITY));
        for entry in within {
            let entry = Entry::clone(entry);
            let record = match old.remove(&entry.incident.id) {
                Some(mut record) => {
                    record.update(entry, now);
                    record
                }
                None => Record::new(entry, now),
            };
            self.records.push(record);
        }
        let crowded: HashSet<String> = beyond.iter().map(|e| e.incident.id.clone()).collect();
        let ended = old
            .values()
            .filter(|gone| !gone.is_told() && !crowded.contains(&gone.entry.incident.id));
        let dropped = ended.count() + crowded.difference(&self.crowded_out).count();
        self.crowded_out = crowded;
        dropped as u64
    }

    fn next(&self, wording: &Wording, now: &Now) -> Option<Parcel> {
        let mut due: Vec<&Record> = self.due_records(now).collect();
        // News before repetitions.
        due.sort_by_key(|record| record.is_told());
        due.truncate(BATCH);
        if due.is_empty() {
            return None;
        }
        let incidents = || due.iter().map(|record| &*record.entry.incident);
        Some(Parcel {
            body: alertmanager::body(incidents(), wording, now),
            key: None,
            incidents: incidents().map(|incident| incident.id.clone()).collect(),
        })
    }

    fn settle(&mut self, parcel: &Parcel, outcome: Outcome, resend: Duration, now: &Now) -> u64 {
        if outcome == Outcome::Failed {
            return 0;
        }
        let sent: HashSet<&str> = parcel.incidents.iter().map(String::as_str).collect();
        for record in &mut self.records {
            if sent.contains(record.entry.incident.id.as_str()) {
                record.due = now.monotonic + resend;
                if outcome == Outcome::Accepted {
                    record.accepted(now);
                }
            }
        }
        0
    }

    fn due(&self) -> Option<Instant> {
        self.records.iter().map(|record| record.due).min()
    }

    fn pending(&self, now: &Now) -> usize {
        self.due_records(now).count()
    }

    fn reconfigured(&mut self, relabelled: bool, now: &Now) {
        for record in &mut self.records {
            if relabelled {
                record.told = None;
            }
            if !record.is_told() {
                record.due = now.monotonic;
            }
        }
    }
}
