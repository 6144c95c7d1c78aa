//! What a watch has told so far, and how it is.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::objects::{Kept, Key, Scope};

/// The objects of one watch, shared by the task that watches and the finder.
#[derive(Debug)]
pub(super) struct Feed<T> {
    /// Such as `endpointslices of namespace shop`.
    pub(super) name: String,
    /// The path of the API that lists them.
    pub(super) path: String,
    pub(super) label_selector: Option<String>,
    pub(super) field_selector: Option<String>,
    pub(super) scope: Scope,
    shelf: Mutex<Shelf<T>>,
    answered: Condvar,
}

/// What is known of one watch's objects.
#[derive(Debug)]
pub(super) struct Shelf<T> {
    pub(super) objects: HashMap<Key, T>,
    /// How often they changed.
    pub(super) version: u64,
    pub(super) health: Health,
}

/// How a watch is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// It has not been answered yet.
    Beginning,
    /// The objects are those that there are.
    Live,
    /// They are what there was when it was answered last, if it ever was.
    Broken(String),
}

impl<T: Kept + PartialEq> Feed<T> {
    /// A watch of all objects of a kind, of all namespaces or of one.
    pub(super) fn new(namespace: Option<&str>, scope: Scope) -> Self {
        let (api, plural) = (T::API, T::PLURAL);
        let (name, path) = match namespace {
            Some(namespace) => (
                format!("{plural} of namespace {namespace}"),
                format!("{api}/namespaces/{namespace}/{plural}"),
            ),
            None => (plural.to_owned(), format!("{api}/{plural}")),
        };
        let shelf = Shelf {
            objects: HashMap::new(),
            version: 0,
            health: Health::Beginning,
        };
        Self {
            name,
            path,
            label_selector: None,
            field_selector: None,
            scope,
            shelf: Mutex::new(shelf),
            answered: Condvar::new(),
        }
    }

    /// What is known now.
    pub(super) fn shelf(&self) -> MutexGuard<'_, Shelf<T>> {
        // Whatever was in the midst of it: objects are replaced one by one.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An object as it is kept, with what it is called.
    pub(super) fn kept(&self, wire: T::Wire) -> (Key, Option<T>) {
        let key = T::meta(&wire).key();
        (key, T::keep(wire, &self.scope))
    }

    /// These are all objects that there are.
    pub(super) fn replace(&self, objects: HashMap<Key, T>) {
        let mut known = self.shelf();
        if known.objects != objects {
            known.objects = objects;
            known.version += 1;
        }
        known.health = Health::Live;
        self.answered.notify_all();
    }

    /// An object is there, or is another than before.
    pub(super) fn apply(&self, wire: T::Wire) {
        let (key, kept) = self.kept(wire);
        let mut known = self.shelf();
        // Much of what changes of an object is nothing that is kept of it.
        let changed = match kept {
            Some(object) if known.objects.get(&key) == Some(&object) => false,
            Some(object) => {
                known.objects.insert(key, object);
                true
            }
            None => known.objects.remove(&key).is_some(),
        };
        known.version += u64::from(changed);
    }

    /// An object is gone.
    pub(super) fn delete(&self, wire: &T::Wire) {
        let mut known = self.shelf();
        let gone = known.objects.remove(&T::meta(wire).key());
        known.version += u64::from(gone.is_some());
    }

    /// The watch is on.
    pub(super) fn live(&self) {
        self.shelf().health = Health::Live;
    }

    /// The watch is off.
    pub(super) fn broken(&self, error: String) {
        self.shelf().health = Health::Broken(error);
        self.answered.notify_all();
    }

    /// Waits until the watch has been answered, or is broken, or `until`.
    pub(super) fn wait(&self, until: Instant) {
        let known = self.shelf();
        let left = until.saturating_duration_since(Instant::now());
        let begins = |known: &mut Shelf<T>| known.health == Health::Beginning;
        drop(self.answered.wait_timeout_while(known, left, begins));
    }
}
