//! `GET` of a collection with `watch=true`: what changes, as it does.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

use super::faults::GoneAs;
use super::listing::{shown, status};
use super::request::Request;
use super::selector::Selector;
use super::store::{Change, State, Store};

/// How often a watch looks up though nothing wakes it.
const LOOK: Duration = Duration::from_millis(100);

/// What a client watches.
pub(super) struct Watch<'a> {
    pub(super) request: &'a Request,
    pub(super) kind: &'a str,
    pub(super) namespace: Option<&'a str>,
    pub(super) selector: &'a Selector,
    /// How often connections had been cut when this one began.
    pub(super) cuts: u64,
}

/// Whether a watch cannot begin, by the status that says so.
pub(super) fn refused(state: &State, request: &Request) -> Option<(u16, Value)> {
    let gone = from(request).is_some_and(|version| version < state.oldest);
    (gone && state.faults.gone == GoneAs::Status).then(|| (410, expired()))
}

fn expired() -> Value {
    status(410, "Expired", "too old resource version")
}

/// The version that the client has; `None` if it has none.
fn from(request: &Request) -> Option<u64> {
    let version = request.parameter("resourceVersion")?.parse().ok()?;
    (version != 0).then_some(version)
}

impl Watch<'_> {
    /// Tells what changes until the time is over; the head of the answer was sent.
    pub(super) fn run(&self, store: &Store, out: &mut impl Write) -> Result<()> {
        store.state().watches += 1;
        let outcome = self.tell(store, out);
        store.state().watches -= 1;
        outcome
    }

    fn tell(&self, store: &Store, out: &mut impl Write) -> Result<()> {
        let begun = Instant::now();
        let asked = self.request.parameter("timeoutSeconds");
        let asked = asked
            .and_then(|it| it.parse().ok())
            .map_or(Duration::MAX, Duration::from_secs);
        let bookmarks = self.request.parameter("allowWatchBookmarks") == Some("true");
        let (mut version, mut marked) = match self.begin(store, out)? {
            Some(version) => (version, Instant::now()),
            None => return end(out),
        };
        loop {
            let mut state = store.state();
            if state.version == version && state.cuts == self.cuts {
                state = store.wait(state, LOOK);
            }
            if state.cuts != self.cuts {
                drop(state);
                return cut(out);
            }
            let (faults, new) = (state.faults.clone(), state.version);
            let changes: Vec<Change> = self.since(&state, version);
            drop(state);
            if begun.elapsed() >= asked.min(faults.longest_watch) {
                return end(out);
            }
            if faults.silent {
                // What is not told now is told later, or never.
                continue;
            }
            version = new;
            for change in &changes {
                if let Some(event) = self.event(change) {
                    send(out, &event)?;
                }
            }
            if bookmarks && marked.elapsed() >= faults.bookmarks {
                marked = Instant::now();
                send(out, &self.bookmark(version))?;
            }
        }
    }

    /// The version that changes are told from; `None` if that is not known any longer, which was told.
    fn begin(&self, store: &Store, out: &mut impl Write) -> Result<Option<u64>> {
        let state = store.state();
        match from(self.request) {
            Some(version) if version < state.oldest => {
                drop(state);
                send(out, &json!({"type": "ERROR", "object": expired()}))?;
                Ok(None)
            }
            Some(version) => Ok(Some(version)),
            None => {
                let version = state.version;
                let all: Vec<Arc<Value>> = state
                    .objects
                    .iter()
                    .filter(|((kind, namespace, _), object)| {
                        self.is_of(kind, namespace) && self.selector.matches(object)
                    })
                    .map(|(_, object)| Arc::clone(object))
                    .collect();
                drop(state);
                for object in all {
                    send(out, &self.told("ADDED", &object))?;
                }
                Ok(Some(version))
            }
        }
    }

    fn is_of(&self, kind: &str, namespace: &str) -> bool {
        kind == self.kind && self.namespace.is_none_or(|it| it == namespace)
    }

    fn since(&self, state: &State, version: u64) -> Vec<Change> {
        let first = state.changes.partition_point(|it| it.version <= version);
        let new = state.changes.range(first..);
        new.filter(|it| self.is_of(&it.kind, &it.namespace))
            .cloned()
            .collect()
    }

    /// A change as this client sees it: an object that it does not select any longer is deleted for it.
    fn event(&self, change: &Change) -> Option<Value> {
        let selected = |object: &Option<Arc<Value>>| {
            object
                .clone()
                .filter(|object| self.selector.matches(object))
        };
        match (selected(&change.before), selected(&change.after)) {
            (None, Some(after)) => Some(self.told("ADDED", &after)),
            (Some(_), Some(after)) => Some(self.told("MODIFIED", &after)),
            (Some(before), None) => {
                let mut event = self.told("DELETED", &before);
                event["object"]["metadata"]["resourceVersion"] = json!(change.version.to_string());
                Some(event)
            }
            (None, None) => None,
        }
    }

    fn told(&self, how: &str, object: &Value) -> Value {
        json!({"type": how, "object": shown(object, self.request.metadata_alone())})
    }

    fn bookmark(&self, version: u64) -> Value {
        let (api, kind) = match self.kind {
            _ if self.request.metadata_alone() => ("meta.k8s.io/v1", "PartialObjectMetadata"),
            "endpointslices" => ("discovery.k8s.io/v1", "EndpointSlice"),
            "pods" => ("v1", "Pod"),
            _ => ("v1", "Service"),
        };
        let metadata = json!({"resourceVersion": version.to_string(), "creationTimestamp": null});
        json!({"type": "BOOKMARK", "object": {"kind": kind, "apiVersion": api, "metadata": metadata}})
    }
}

fn send(out: &mut impl Write, event: &Value) -> Result<()> {
    let line = format!("{event}\n");
    write!(out, "{:x}\r\n{line}\r\n", line.len())?;
    out.flush()?;
    Ok(())
}

/// The end that clients expect.
fn end(out: &mut impl Write) -> Result<()> {
    out.write_all(b"0\r\n\r\n")?;
    out.flush()?;
    Ok(())
}

/// The end that they do not: within an event.
fn cut(out: &mut impl Write) -> Result<()> {
    out.write_all(b"ff\r\n{\"type\":\"MODIFIED\",\"object\":{\"kind\":")?;
    out.flush()?;
    anyhow::bail!("cut")
}
