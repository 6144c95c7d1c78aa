//! What each watched endpoint did since the last snapshot.

use std::collections::HashMap;

use super::window::Sample;
use crate::kernel::Observed;
use crate::model::{Counters, Endpoint};

/// The place of an endpoint in the table; valid until the table is rebuilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(usize);

/// One watched endpoint.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tracked {
    /// The endpoint.
    pub(super) endpoint: Endpoint,
    /// The counters of the last snapshot that had the endpoint.
    pub(super) counters: Counters,
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
    index: HashMap<Endpoint, usize>,
    tracked: Vec<Tracked>,
    tick: u64,
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
    /// Takes over a snapshot.
    pub(super) fn update(&mut self, snapshot: &[Observed]) -> Changes {
        self.tick += 1;
        let mut changes = Changes::default();
        for observed in snapshot {
            let slot = if let Some(&slot) = self.index.get(&observed.endpoint) {
                slot
            } else {
                changes.new += 1;
                self.insert(observed.endpoint)
            };
            changes.reset += u64::from(self.tracked[slot].update(observed, self.tick));
        }
        changes
    }

    /// The slot of an endpoint, made if it is not there yet.
    pub(super) fn slot(&mut self, endpoint: Endpoint) -> Slot {
        if let Some(&slot) = self.index.get(&endpoint) {
            return Slot(slot);
        }
        Slot(self.insert(endpoint))
    }

    fn insert(&mut self, endpoint: Endpoint) -> usize {
        let slot = self.tracked.len();
        self.index.insert(endpoint, slot);
        self.tracked.push(Tracked {
            endpoint,
            counters: Counters::default(),
            active: 0,
            sample: Sample::default(),
            seen: 0,
            busy: self.tick,
        });
        slot
    }

    /// The endpoint in a slot. What the last snapshot did not have shows no activity.
    pub(super) fn get(&self, slot: Slot) -> Tracked {
        let tracked = self.tracked[slot.0];
        if tracked.seen == self.tick {
            return tracked;
        }
        Tracked {
            active: 0,
            sample: Sample::default(),
            ..tracked
        }
    }

    /// All endpoints, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Tracked> {
        self.tracked.iter()
    }

    /// Keeps the endpoints that `wanted` says; slots given out before are void.
    pub(super) fn retain(&mut self, wanted: impl Fn(&Tracked) -> bool) {
        self.tracked.retain(wanted);
        self.index.clear();
        let numbered = self.tracked.iter().enumerate();
        self.index
            .extend(numbered.map(|(slot, tracked)| (tracked.endpoint, slot)));
    }

    /// Snapshots taken over so far.
    pub(super) fn tick(&self) -> u64 {
        self.tick
    }
}

impl Tracked {
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
