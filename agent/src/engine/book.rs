//! The book of incidents: those that are on, and those that ended last.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::SystemTime;

use crate::model::{Ended, Ending, Incident, PerSignal, Signal};

/// Ended incidents that are kept.
pub const KEPT: usize = 1000;

/// What happened to an incident in a tick.
#[derive(Clone, Debug)]
pub struct Transition {
    /// The incident after it.
    pub incident: Arc<Incident>,
    /// What happened.
    pub kind: TransitionKind,
}

/// The kinds of [`Transition`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransitionKind {
    /// It was detected.
    Began,
    /// Other backends, or another cause.
    Changed,
    /// It is over.
    Ended,
}

/// All incidents that are known.
#[derive(Debug, Default)]
pub(super) struct Book {
    open: HashMap<String, PerSignal<Option<Arc<Incident>>>>,
    /// The one that ended last comes first.
    ended: VecDeque<Arc<Incident>>,
    started: PerSignal<u64>,
    transitions: Vec<Transition>,
    /// What readers get; made anew when something changes.
    listed: Arc<[Arc<Incident>]>,
    stale: bool,
}

impl Book {
    /// A book with what is known from before.
    pub(super) fn new(past: Vec<Incident>) -> Self {
        let mut book = Self {
            stale: true,
            ..Self::default()
        };
        for incident in past.into_iter().map(Arc::new) {
            if incident.is_open() {
                book.hold(incident);
            } else {
                book.ended.push_back(incident);
            }
        }
        let end = |incident: &Arc<Incident>| incident.ended.map(|ended| ended.at);
        book.ended
            .make_contiguous()
            .sort_by_key(|incident| std::cmp::Reverse(end(incident)));
        book.ended.truncate(KEPT);
        book
    }

    fn hold(&mut self, incident: Arc<Incident>) {
        let signals = self.open.entry(incident.pool.clone()).or_default();
        let place = signals.get_mut(incident.signal);
        *place = Some(incident);
        self.stale = true;
    }

    /// The incident that is on in a signal of a pool.
    pub(super) fn open(&self, pool: &str, signal: Signal) -> Option<&Arc<Incident>> {
        self.open.get(pool)?.get(signal).as_ref()
    }

    /// Takes up a new incident.
    pub(super) fn begin(&mut self, incident: Incident) {
        *self.started.get_mut(incident.signal) += 1;
        let incident = Arc::new(incident);
        self.note(&incident, TransitionKind::Began);
        self.hold(incident);
    }

    /// Puts what is known of an open incident now in the place of what was known.
    pub(super) fn update(&mut self, now: Incident) {
        let Some(before) = self.open(&now.pool, now.signal) else {
            return;
        };
        if **before == now {
            return;
        }
        let named = |incident: &Incident| -> Vec<String> {
            let names = incident.hot.iter().chain(&incident.cold);
            names.map(|deviation| deviation.backend.clone()).collect()
        };
        let told = named(before) == named(&now) && before.cause.id == now.cause.id;
        let now = Arc::new(now);
        if !told {
            self.note(&now, TransitionKind::Changed);
        }
        self.hold(now);
    }

    /// Ends the incident that is on in a signal of a pool, if there is one.
    pub(super) fn end(&mut self, pool: &str, signal: Signal, at: SystemTime, why: Ending) {
        let Some(signals) = self.open.get_mut(pool) else {
            return;
        };
        let Some(incident) = signals.get_mut(signal).take() else {
            return;
        };
        if Signal::ALL
            .iter()
            .all(|signal| signals.get(*signal).is_none())
        {
            self.open.remove(pool);
        }
        let incident = Arc::new(Incident {
            ended: Some(Ended { at, why }),
            ..Arc::unwrap_or_clone(incident)
        });
        self.note(&incident, TransitionKind::Ended);
        self.ended.truncate(KEPT - 1);
        self.ended.push_front(incident);
        self.stale = true;
    }

    /// Ends all incidents of pools and signals that `watched` denies.
    pub(super) fn end_unwatched(&mut self, at: SystemTime, watched: impl Fn(&str, Signal) -> bool) {
        let open = self.open.iter().flat_map(|(pool, signals)| {
            let on = Signal::ALL
                .into_iter()
                .filter(|signal| signals.get(*signal).is_some());
            on.map(move |signal| (pool.clone(), signal))
        });
        let orphaned: Vec<_> = open
            .filter(|(pool, signal)| !watched(pool, *signal))
            .collect();
        for (pool, signal) in orphaned {
            self.end(&pool, signal, at, Ending::NotWatched);
        }
    }

    fn note(&mut self, incident: &Arc<Incident>, kind: TransitionKind) {
        self.transitions.push(Transition {
            incident: Arc::clone(incident),
            kind,
        });
    }

    /// What happened since this was asked last.
    pub(super) fn take_transitions(&mut self) -> Vec<Transition> {
        std::mem::take(&mut self.transitions)
    }

    /// Incidents that began since the agent started.
    pub(super) fn started(&self) -> PerSignal<u64> {
        self.started
    }

    /// All incidents, the one that began last first.
    pub(super) fn list(&mut self) -> Arc<[Arc<Incident>]> {
        if self.stale {
            let open = self.open.values().flat_map(|signals| {
                Signal::ALL
                    .into_iter()
                    .filter_map(|signal| signals.get(signal).clone())
            });
            let mut all: Vec<_> = open.chain(self.ended.iter().cloned()).collect();
            all.sort_by(|a, b| (b.started, &b.id).cmp(&(a.started, &a.id)));
            self.listed = all.into();
            self.stale = false;
        }
        Arc::clone(&self.listed)
    }
}
