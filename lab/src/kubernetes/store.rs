//! The objects, every change of them, and what the server was asked.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::faults::Faults;
use super::request::Asked;

/// Kind (in plural), namespace and name.
pub(super) type Key = (String, String, String);

/// Changes that are kept.
const KEPT: usize = 100_000;

/// A change of an object.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) version: u64,
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) before: Option<Arc<Value>>,
    pub(super) after: Option<Arc<Value>>,
}

/// All that the server knows, and how those who wait for it are woken.
#[derive(Default)]
pub(super) struct Store {
    state: Mutex<State>,
    changed: Condvar,
}

/// All that the server knows.
pub(super) struct State {
    pub(super) version: u64,
    /// Watches can go on from this version, and from later ones.
    pub(super) oldest: u64,
    pub(super) objects: BTreeMap<Key, Arc<Value>>,
    pub(super) changes: VecDeque<Change>,
    pub(super) faults: Faults,
    /// How often all connections were cut.
    pub(super) cuts: u64,
    pub(super) watches: usize,
    asked: Vec<Asked>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            // As if a cluster had been made.
            version: 1000,
            oldest: 1000,
            objects: BTreeMap::new(),
            changes: VecDeque::new(),
            faults: Faults::default(),
            cuts: 0,
            watches: 0,
            asked: Vec::new(),
        }
    }
}

impl Store {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something changes, but not for long.
    pub(super) fn wait<'s>(
        &self,
        state: MutexGuard<'s, State>,
        at_most: Duration,
    ) -> MutexGuard<'s, State> {
        let woken = self.changed.wait_timeout(state, at_most);
        woken.unwrap_or_else(PoisonError::into_inner).0
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state());
        self.changed.notify_all();
        result
    }

    pub(super) fn apply(&self, mut object: Value) -> Result<()> {
        let text = |object: &Value, pointer: &str| {
            let text = object.pointer(pointer).and_then(Value::as_str);
            text.map(str::to_owned)
                .with_context(|| format!("an object without {pointer}"))
        };
        let plural = format!("{}s", text(&object, "/kind")?.to_ascii_lowercase());
        let namespace = text(&object, "/metadata/namespace")?;
        let key = (plural, namespace, text(&object, "/metadata/name")?);
        self.change(|state| {
            state.version += 1;
            object["metadata"]["resourceVersion"] = json!(state.version.to_string());
            let after = Arc::new(object);
            let before = state.objects.insert(key.clone(), Arc::clone(&after));
            state.note(key, before, Some(after));
        });
        Ok(())
    }

    pub(super) fn delete(&self, kind: &str, namespace: &str, name: &str) -> Result<()> {
        let plural = format!("{}s", kind.to_ascii_lowercase());
        let key = (plural, namespace.to_owned(), name.to_owned());
        self.change(|state| {
            let before = state.objects.remove(&key);
            let before = before.with_context(|| format!("no {kind} {namespace}/{name}"))?;
            state.version += 1;
            state.note(key, Some(before), None);
            Ok(())
        })
    }

    pub(super) fn faults(&self, change: impl FnOnce(&mut Faults)) {
        self.change(|state| change(&mut state.faults));
    }

    pub(super) fn cut(&self) {
        self.change(|state| state.cuts += 1);
    }

    pub(super) fn compact(&self) {
        self.change(|state| {
            // Those who watch go on; none of them comes back.
            state.version += 1;
            state.oldest = state.version;
        });
    }

    pub(super) fn note(&self, asked: Asked) {
        self.state().asked.push(asked);
    }

    pub(super) fn ledger(&self) -> Vec<Asked> {
        self.state().asked.clone()
    }

    pub(super) fn watches(&self) -> usize {
        self.state().watches
    }
}

impl State {
    fn note(&mut self, key: Key, before: Option<Arc<Value>>, after: Option<Arc<Value>>) {
        let (kind, namespace, _) = key;
        self.changes.push_back(Change {
            version: self.version,
            kind,
            namespace,
            before,
            after,
        });
        if self.changes.len() > KEPT
            && let Some(dropped) = self.changes.pop_front()
        {
            self.oldest = self.oldest.max(dropped.version);
        }
    }

    /// A failure that is due, and whether a path is forbidden.
    pub(super) fn refusal(&mut self, path: &str) -> Option<u16> {
        let (left, status) = &mut self.faults.failing;
        if *left > 0 {
            *left -= 1;
            return Some(*status);
        }
        let forbidden = self.faults.forbidden.iter();
        forbidden
            .clone()
            .any(|part| path.contains(part.as_str()))
            .then_some(403)
    }
}
