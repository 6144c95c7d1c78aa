//! What each watched endpoint did since the last snapshot.

use std::collections::HashMap;

use super::window::Sample;
use crate::kernel::Observed;
use crate::model::{Counters, Endpoint};

/// The place of an endpoint in the table; valid until the table is rebuilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(usize);

/// One watched endpoint.
#[derive(Debug)]
pub(super) struct Tracked {
    /// The endpoint.
    pub(super) endpoint: Endpoint,
    /// The counters of the last snapshot that had the endpoint.
    counters: Counters,
    /// Of those, what is of the members that had the address before.
    before: Counters,
    /// Who has the address, and who had it before, where that is known.
    owner: Option<String>,
    former: Option<String>,
    /// Connections open then.
    pub(super) active: u64,
    /// What changed between the last two snapshots.
    pub(super) sample: Sample,
    /// The last tick whose snapshot had the endpoint.
    seen: u64,
    /// The last tick at which it did anything or had a connection open.
    pub(super) busy: u64,
}

/// All watched endpoints.
#[derive(Debug, Default)]
pub(super) struct Endpoints {
    /// The slot of each endpoint; filled only while slots are looked up, because in most ticks none is.
    index: HashMap<Endpoint, usize>,
    tracked: Vec<Tracked>,
    /// The slot of each entry of the last snapshot. The kernel lists its map in the same order as long as no endpoint
    /// comes or goes, so that the slot of an entry is nearly always the one that was there last time.
    order: Vec<usize>,
    tick: u64,
    taking: Taking,
}

/// A snapshot that is being taken over.
#[derive(Debug, Default)]
struct Taking {
    /// How many of its entries have been.
    place: usize,
    /// How many endpoints were known before it.
    known: usize,
    /// How many of those it had.
    seen: usize,
    changes: Changes,
}

/// What a snapshot told beyond numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Endpoints that were not there before.
    pub(super) new: u64,
    /// Endpoints whose counters went backwards: reset from outside.
    pub(super) reset: u64,
}

impl Endpoints {
    /// Another snapshot begins: each of its entries is to be [taken](Self::take), then comes its [end](Self::end).
    pub(super) fn begin(&mut self) {
        self.tick += 1;
        self.taking = Taking {
            known: self.tracked.len(),
            ..Taking::default()
        };
    }

    /// Takes over an entry of the snapshot.
    pub(super) fn take(&mut self, observed: &Observed) {
        let place = self.taking.place;
        let slot = match self.order.get(place) {
            Some(&slot) if self.is_at(slot, &observed.endpoint) => slot,
            _ => self.look_up(place, observed.endpoint),
        };
        let reset = self.tracked[slot].update(observed, self.tick);
        let taking = &mut self.taking;
        taking.place += 1;
        taking.seen += usize::from(slot < taking.known);
        taking.changes.reset += u64::from(reset);
    }

    /// The snapshot was taken over. What it did not have shows no activity.
    pub(super) fn end(&mut self) -> Changes {
        let Taking {
            place,
            known,
            seen,
            changes,
        } = std::mem::take(&mut self.taking);
        self.order.truncate(place);
        self.looked_up();
        if seen < known {
            let tick = self.tick;
            for gone in self
                .tracked
                .iter_mut()
                .filter(|tracked| tracked.seen != tick)
            {
                (gone.active, gone.sample) = (0, Sample::default());
            }
        }
        changes
    }

    fn is_at(&self, slot: usize, endpoint: &Endpoint) -> bool {
        self.tracked
            .get(slot)
            .is_some_and(|tracked| tracked.endpoint == *endpoint)
    }

    /// The slot of the entry at `place` of the snapshot, made if there is none; remembered for the next snapshot.
    fn look_up(&mut self, place: usize, endpoint: Endpoint) -> usize {
        let slot = self.find(&endpoint).unwrap_or_else(|| {
            self.taking.changes.new += 1;
            self.insert(endpoint)
        });
        match self.order.get_mut(place) {
            Some(entry) => *entry = slot,
            None => self.order.push(slot),
        }
        slot
    }

    /// The slot of an endpoint, made if it is not there yet. After the last one [`looked_up`](Self::looked_up) must follow.
    pub(super) fn slot(&mut self, endpoint: Endpoint) -> Slot {
        let known = self.find(&endpoint);
        Slot(known.unwrap_or_else(|| self.insert(endpoint)))
    }

    fn find(&mut self, endpoint: &Endpoint) -> Option<usize> {
        if self.index.len() != self.tracked.len() {
            let numbered = self.tracked.iter().enumerate();
            self.index
                .extend(numbered.map(|(slot, tracked)| (tracked.endpoint, slot)));
        }
        self.index.get(endpoint).copied()
    }

    /// No slot is looked up for now: gives the memory of that back.
    pub(super) fn looked_up(&mut self) {
        if !self.index.is_empty() {
            self.index = HashMap::new();
        }
    }

    fn insert(&mut self, endpoint: Endpoint) -> usize {
        let slot = self.tracked.len();
        self.index.insert(endpoint, slot);
        self.tracked.push(Tracked {
            endpoint,
            counters: Counters::default(),
            before: Counters::default(),
            owner: None,
            former: None,
            active: 0,
            sample: Sample::default(),
            seen: 0,
            busy: self.tick,
        });
        slot
    }

    /// Says who has the address of a slot. If that is another than before, its counters begin at 0.
    pub(super) fn assign(&mut self, slot: Slot, identity: Option<&str>) {
        if let Some(identity) = identity {
            self.tracked[slot.0].assign(identity);
        }
    }

    /// The endpoint in a slot.
    pub(super) fn get(&self, slot: Slot) -> &Tracked {
        &self.tracked[slot.0]
    }

    /// All endpoints, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Tracked> {
        self.tracked.iter()
    }

    /// Keeps the endpoints that `wanted` says; slots given out before are void.
    pub(super) fn retain(&mut self, wanted: impl Fn(&Tracked) -> bool) {
        self.tracked.retain(wanted);
        self.order.clear();
        self.looked_up();
    }

    /// Snapshots taken over so far.
    pub(super) fn tick(&self) -> u64 {
        self.tick
    }
}

impl Tracked {
    /// What was counted of whoever has the address now.
    pub(super) fn counters(&self) -> Counters {
        self.counters.since(&self.before)
    }

    /// Another member has the address. Pools learn of it one after the other: the one before does not come back.
    fn assign(&mut self, identity: &str) {
        let is = |known: &Option<String>| known.as_deref() == Some(identity);
        if is(&self.owner) || is(&self.former) {
            return;
        }
        let owner = self.owner.replace(identity.to_owned());
        if owner.is_some() {
            self.former = owner;
            self.before = Counters {
                // What is open is of the one before, and is what closes first.
                closed: self.counters.closed + self.active,
                ..self.counters
            };
        }
    }

    /// Takes over new counters; `true` if they went backwards.
    fn update(&mut self, observed: &Observed, tick: u64) -> bool {
        let (old, new) = (&self.counters, &observed.counters);
        let reset = new.opened < old.opened
            || new.failed < old.failed
            || new.closed < old.closed
            || new.received < old.received
            || new.sent < old.sent;
        self.sample = Sample {
            opened: new.opened.saturating_sub(old.opened),
            failed: new.failed.saturating_sub(old.failed),
            bytes: new.received.saturating_sub(old.received) + new.sent.saturating_sub(old.sent),
            active: observed.active,
        };
        if self.counters != observed.counters || observed.active > 0 {
            self.busy = tick;
        }
        self.counters = observed.counters;
        self.active = observed.active;
        self.seen = tick;
        reset
    }
}
