//! A webhook's way: one request when an incident begins and one when it ends, in this order, each until it is accepted.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::board::Entry;
use super::clock::Now;
use super::ledger::{Ledger, Outcome, Parcel};
use super::webhook::{self, Event};
use super::wording::Wording;
use crate::model::Incident;

/// Statuses that speak of the body alone: it will never be accepted. All others can be put right at the receiver or in the
/// configuration.
const ABOUT_THE_BODY: [u16; 4] = [400, 413, 415, 422];

struct Record {
    incident: Arc<Incident>,
    /// What was told of it last, or given up.
    told: Option<Event>,
    /// When it was heard of first.
    seen: Instant,
}

impl Record {
    /// What is to be told next.
    fn next(&self) -> Option<Event> {
        match self.told {
            None => Some(Event::Opened),
            Some(Event::Opened) if !self.incident.is_open() => Some(Event::Ended),
            Some(Event::Opened | Event::Ended) => None,
        }
    }

    /// How much is to be told.
    fn waiting(&self) -> usize {
        let end = usize::from(!self.incident.is_open());
        match self.told {
            None => 1 + end,
            Some(Event::Opened) => end,
            Some(Event::Ended) => 0,
        }
    }
}

/// What one webhook was told.
#[derive(Default)]
pub(super) struct Changes {
    /// Oldest first. Incidents that are no longer on the board stay until all of them is told.
    records: Vec<Record>,
    /// The receiver refuses everything until then.
    held: Option<Instant>,
}

impl Changes {
    fn waiting(&self) -> usize {
        self.records.iter().map(Record::waiting).sum()
    }

    /// Gives up the oldest of what waits until the rest is within the capacity; says how many.
    fn shorten(&mut self) -> u64 {
        let excess = self.waiting().saturating_sub(Self::CAPACITY);
        let mut left = excess;
        for record in &mut self.records {
            while left > 0
                && let Some(event) = record.next()
            {
                record.told = Some(event);
                left -= 1;
            }
        }
        excess as u64
    }
}

impl Ledger for Changes {
    const CAPACITY: usize = 1000;

    fn update(&mut self, board: &[Entry], now: &Now) -> u64 {
        let mut news: HashMap<&str, &Entry> = board
            .iter()
            .map(|entry| (entry.incident.id.as_str(), entry))
            .collect();
        self.records.retain_mut(|record| {
            if let Some(entry) = news.remove(record.incident.id.as_str()) {
                record.incident = Arc::clone(&entry.incident);
                return true;
            }
            record.next().is_some()
        });
        let unknown: HashSet<&str> = news.into_keys().collect();
        let unknown = board
            .iter()
            .rev()
            .filter(|entry| unknown.contains(entry.incident.id.as_str()));
        self.records.extend(unknown.map(|entry| Record {
            incident: Arc::clone(&entry.incident),
            told: None,
            seen: now.monotonic,
        }));
        self.shorten()
    }

    fn next(&self, wording: &Wording, now: &Now) -> Option<Parcel> {
        if self.held.is_some_and(|until| until > now.monotonic) {
            return None;
        }
        let (incident, event) = self
            .records
            .iter()
            .find_map(|record| Some((&record.incident, record.next()?)))?;
        Some(Parcel {
            body: webhook::body(incident, event, wording),
            key: Some(webhook::key(incident, event)),
            incidents: vec![incident.id.clone()],
        })
    }

    fn settle(&mut self, parcel: &Parcel, outcome: Outcome, resend: Duration, now: &Now) -> u64 {
        let hopeless =
            matches!(outcome, Outcome::Refused(status) if ABOUT_THE_BODY.contains(&status));
        self.held = match outcome {
            Outcome::Refused(_) if !hopeless => Some(now.monotonic + resend),
            _ => None,
        };
        if outcome == Outcome::Accepted || hopeless {
            let mut records = self.records.iter_mut();
            if let Some(record) = records.find(|r| parcel.incidents.contains(&r.incident.id)) {
                record.told = record.next();
            }
        }
        u64::from(hopeless)
    }

    fn due(&self) -> Option<Instant> {
        let mut records = self.records.iter();
        let oldest = records.find(|record| record.next().is_some())?;
        Some(self.held.unwrap_or(oldest.seen))
    }

    fn pending(&self, _: &Now) -> usize {
        self.waiting()
    }

    fn reconfigured(&mut self, _: bool, _: &Now) {
        self.held = None;
    }
}
