//! What one reader is sent next, and what it has been sent already.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use axum::body::Bytes;
use serde::Serialize;

use super::overview::Overview;
use crate::model::{Incident, State};
use crate::publish::api::{
    HistoryAnswer, IncidentsAnswer, IncidentsQuery, PoolAnswer, StatusAnswer,
};
use crate::publish::shared::Shared;

/// How often the agent's status is sent.
const STATUS_EVERY: Duration = Duration::from_secs(5);

/// Incidents that a reader is told of; `/api/v1/incidents` has more.
const MOST_INCIDENTS: usize = 30;

/// One reader's stream.
pub(super) struct Events {
    subject: Subject,
    /// When the status was sent.
    status: Option<Instant>,
    incidents: Option<Arc<[Arc<Incident>]>>,
    /// Whether the next events need not wait for a tick.
    pub(super) more: bool,
}

/// What the reader looks at.
enum Subject {
    All(Overview),
    One {
        name: String,
        /// The last point of its hour that was sent.
        traced: Option<SystemTime>,
    },
}

impl Events {
    /// The stream of a reader that was sent nothing yet.
    pub(super) fn new(pool: Option<String>) -> Self {
        let all = || Subject::All(Overview::default());
        let one = |name| Subject::One { name, traced: None };
        Self {
            subject: pool.map_or_else(all, one),
            status: None,
            incidents: None,
            more: false,
        }
    }

    /// What is new.
    pub(super) fn render(&mut self, shared: &Shared) -> Bytes {
        let state = shared.state();
        let mut out = Vec::new();
        self.status(&mut out, &state, shared);
        match &mut self.subject {
            Subject::All(overview) => {
                self.more = overview.write(&mut out, &state);
            }
            Subject::One { name, traced } => {
                one(&mut out, &state, shared, name, traced);
            }
        }
        self.incidents(&mut out, &state);
        out.into()
    }

    fn status(&mut self, out: &mut Vec<u8>, state: &State, shared: &Shared) {
        if self
            .status
            .is_some_and(|sent| sent.elapsed() < STATUS_EVERY)
        {
            return;
        }
        if self.status.is_none() {
            // A browser whose stream broke comes again after so many milliseconds.
            out.extend_from_slice(b"retry: 2000\n");
        }
        self.status = Some(Instant::now());
        let reload = shared.reload.status();
        let discovery = shared.discovery();
        event(
            out,
            "status",
            &StatusAnswer::new(state, &reload, &discovery),
        );
    }

    fn incidents(&mut self, out: &mut Vec<u8>, state: &State) {
        let known = self.incidents.as_ref();
        if known.is_some_and(|known| Arc::ptr_eq(known, &state.incidents)) {
            return;
        }
        self.incidents = Some(Arc::clone(&state.incidents));
        let pool = match &self.subject {
            Subject::All(_) => None,
            Subject::One { name, .. } => Some(name.clone()),
        };
        let query = IncidentsQuery::of(pool, MOST_INCIDENTS);
        event(out, "incidents", &IncidentsAnswer::new(state, &query));
    }
}

/// One pool, and the points of its hour that are new.
fn one(
    out: &mut Vec<u8>,
    state: &State,
    shared: &Shared,
    name: &str,
    traced: &mut Option<SystemTime>,
) {
    match PoolAnswer::find(state, name) {
        Some(answer) => event(out, "pool", &answer),
        None => event(out, "pool", &serde_json::json!({ "pool": null })),
    }
    let last = shared.hour.last();
    if last.is_none() || last == *traced {
        return;
    }
    if let Some(trace) = shared.hour.of(name, *traced) {
        event(out, "history", &HistoryAnswer::new(&trace));
        *traced = last;
    }
}

/// What is sent instead of news while the engine does not tick: the last tick is `age` old.
pub(super) fn late(age: Duration) -> Bytes {
    let mut out = Vec::new();
    let age = serde_json::json!({ "age_seconds": age.as_secs_f64() });
    event(&mut out, "late", &age);
    out.into()
}

/// Writes an event. JSON of one line has no line breaks, which would end it.
pub(super) fn event(out: &mut Vec<u8>, name: &str, data: &impl Serialize) {
    let before = out.len();
    let written = write!(out, "event: {name}\ndata: ")
        .and_then(|()| serde_json::to_writer(&mut *out, data).map_err(Into::into))
        .and_then(|()| out.write_all(b"\n\n"));
    if written.is_err() {
        // Memory takes every byte, and all keys are text: it cannot happen, and half an event must not be sent.
        out.truncate(before);
    }
}
