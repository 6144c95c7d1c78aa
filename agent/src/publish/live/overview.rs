//! All pools in short: what a reader has been sent, and what has changed since.
//!
//! Pools that are new or have another verdict are sent at once. Of those whose figures alone changed, each event has as
//! many as fit into a fixed size, and the next one goes on where it ended: five thousand busy pools are each shown
//! anew every few seconds, and cost no more than three hundred.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::events::event;
use super::summary::Summary;
use crate::model::{Pool, PoolState, State, Verdict};
use crate::publish::api::Frame;

/// Bytes of pools in one event, unless many get another verdict at once.
const EVENT: usize = 64 * 1024;

/// What a reader has been sent.
#[derive(Default)]
pub(super) struct Overview {
    /// In the order of the state's pools.
    known: Vec<Known>,
    /// Where the next event begins.
    next: usize,
}

/// A pool as it was sent.
struct Known {
    pool: Arc<Pool>,
    /// `None` if it was not sent yet.
    sent: Option<(Verdict, u64)>,
}

/// The data of an event.
#[derive(Serialize)]
struct Changes<'a> {
    #[serde(flatten)]
    frame: Frame,
    /// How many pools there are.
    total: usize,
    /// Whether all of them were sent by now.
    complete: bool,
    pools: Vec<&'a RawValue>,
    /// Names of pools that are no more.
    gone: Vec<String>,
}

impl Overview {
    /// Writes an event with what is new in `state`; whether there are pools that no event had room for yet.
    pub(super) fn write(&mut self, out: &mut Vec<u8>, state: &State) -> bool {
        let gone = self.follow(state);
        let pools = state.pools.len();
        let (first, mut full) = (self.next.min(pools), false);
        let (mut rows, mut size) = (Vec::new(), 0);
        for place in (first..pools).chain(0..first) {
            if size >= EVENT && !full {
                full = true;
                self.next = place;
            }
            if let Some(row) = self.known[place].news(&state.pools[place], state, full) {
                size += row.get().len();
                rows.push(row);
            }
        }
        let complete = self.known.iter().all(|known| known.sent.is_some());
        let changes = Changes {
            frame: Frame::of(state),
            total: pools,
            complete,
            pools: rows.iter().map(AsRef::as_ref).collect(),
            gone,
        };
        event(out, "pools", &changes);
        !complete
    }

    /// Takes the pools of `state` for those that it speaks of, and gives the names of those that are no more.
    fn follow(&mut self, state: &State) -> Vec<String> {
        let same = self.known.len() == state.pools.len()
            && self
                .known
                .iter()
                .zip(&state.pools)
                .all(|(known, pool)| Arc::ptr_eq(&known.pool, &pool.pool));
        if same {
            return Vec::new();
        }
        let mut before: HashMap<String, _> = std::mem::take(&mut self.known)
            .into_iter()
            .map(|known| (known.pool.spec.name.clone(), known.sent))
            .collect();
        let pools = state.pools.iter().map(|pool| Known {
            pool: Arc::clone(&pool.pool),
            sent: before.remove(&pool.pool.spec.name).flatten(),
        });
        self.known = pools.collect();
        self.next = 0;
        let gone = before.into_iter().filter(|(_, sent)| sent.is_some());
        gone.map(|(name, _)| name).collect()
    }
}

impl Known {
    /// The pool, if it changed; once the event is `full`, only if its verdict did.
    fn news(&mut self, pool: &PoolState, state: &State, full: bool) -> Option<Box<RawValue>> {
        let turned = self
            .sent
            .is_some_and(|(verdict, _)| verdict != pool.verdict);
        if full && !turned {
            return None;
        }
        let row = to_raw_value(&Summary::of(pool, state)).ok()?;
        let mut hasher = DefaultHasher::new();
        hasher.write(row.get().as_bytes());
        let sent = Some((pool.verdict, hasher.finish()));
        (std::mem::replace(&mut self.sent, sent) != sent).then_some(row)
    }
}
