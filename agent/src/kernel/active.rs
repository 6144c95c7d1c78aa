//! How many connections are open: the hook's count, corrected by what walks of the socket table meet.
//!
//! Between walks a backend's open connections are `opened - closed`, and `opened - closed` is wrong when callbacks
//! are lost (another program overwrote the flags that ask for them) and knows nothing of connections older than
//! the agent. A walk meets every open connection, but not at one instant: connections open and close
//! while it runs. So the counters are read before and after it, which bounds what it can have met:
//! of announced connections at least those open throughout, at most all that were open at some time. A correction is
//! made only as far as the bounds demand: none under traffic without loss, an exact one at rest.

use std::collections::HashMap;

use evenkeel_abi::Counters;

use crate::model::Endpoint;

/// The corrections in force, by endpoint.
#[derive(Debug, Default)]
pub(super) struct ActiveBook {
    /// Endpoints whose open connections are more or fewer than `opened - closed`: few, so that a look-up costs little.
    accounts: HashMap<Endpoint, Account>,
    /// The counters when the walk in progress began.
    before: HashMap<Endpoint, Before>,
    /// The same of the walk before: which endpoints a walk has met already.
    known: HashMap<Endpoint, Before>,
    corrected: u64,
}

/// What a walk needs to know of an endpoint's counters before it.
#[derive(Clone, Copy, Debug, Default)]
struct Before {
    opened: u64,
    closed: u64,
    met: u64,
    met_older: u64,
}

/// What a walk found of one endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Account {
    /// Older connections that the last walk met.
    older: u64,
    /// `older_closed` after that walk.
    older_closed: u64,
    /// Added to `opened - closed`.
    correction: i64,
}

impl ActiveBook {
    /// Connections open now.
    pub(super) fn active(&self, endpoint: &Endpoint, now: &Counters) -> u64 {
        let account = self.accounts.get(endpoint).copied().unwrap_or_default();
        let announced = signed(now.opened) - signed(now.closed) + account.correction;
        let older_gone = now.older_closed.saturating_sub(account.older_closed);
        unsigned(announced) + account.older.saturating_sub(older_gone)
    }

    /// Connections corrected so far, both ways, without those that were found at an endpoint's first walk.
    pub(super) fn corrected(&self) -> u64 {
        self.corrected
    }

    /// A walk is about to begin: the endpoints' counters follow.
    pub(super) fn begin_walk(&mut self) {
        std::mem::swap(&mut self.before, &mut self.known);
        self.before.clear();
    }

    /// The counters of one endpoint before the walk.
    pub(super) fn before_walk(&mut self, endpoint: Endpoint, counters: &Counters) {
        let before = Before {
            opened: counters.opened,
            closed: counters.closed,
            met: counters.met,
            met_older: counters.met_older,
        };
        self.before.insert(endpoint, before);
    }

    /// The walk has met every namespace: `after` are the endpoint's counters now.
    pub(super) fn after_walk(&mut self, endpoint: Endpoint, after: &Counters) {
        // An endpoint that was learned meanwhile began with nothing.
        let before = *self.before.entry(endpoint).or_default();
        let old = self.accounts.get(&endpoint).copied().unwrap_or_default();
        let older = after.met_older.saturating_sub(before.met_older);
        let announced = signed(after.met.saturating_sub(before.met)) - signed(older);
        let least = announced - (signed(after.opened) - signed(before.closed));
        let most = announced - (signed(before.opened) - signed(after.closed));
        let account = Account {
            older,
            older_closed: after.older_closed,
            correction: old.correction.clamp(least, most.max(least)),
        };
        if self.known.contains_key(&endpoint) {
            self.corrected += account.correction.abs_diff(old.correction);
        }
        if account.older == 0 && account.correction == 0 {
            self.accounts.remove(&endpoint);
        } else {
            self.accounts.insert(endpoint, account);
        }
    }

    /// All endpoints were passed to `after_walk`: those that were not are no longer watched.
    pub(super) fn end_walk(&mut self) {
        let watched = &self.before;
        self.accounts
            .retain(|endpoint, _| watched.contains_key(endpoint));
    }
}

/// Counts stay far below 2^63.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// More closes than opens are no open connections.
fn unsigned(difference: i64) -> u64 {
    u64::try_from(difference).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{NetnsCookie, Role};

    fn endpoint() -> Endpoint {
        Endpoint::new(Role::Upstream, ([192, 0, 2, 1], 80).into(), NetnsCookie(1))
    }

    /// Walks once, with the counters before and after; `met` and `met_older` are what this walk meets.
    fn walk(book: &mut ActiveBook, total: &mut Counters, during: impl FnOnce(&mut Counters)) {
        book.begin_walk();
        book.before_walk(endpoint(), total);
        during(total);
        book.after_walk(endpoint(), total);
        book.end_walk();
    }

    #[test]
    fn at_rest_a_walk_finds_the_truth_whatever_was_lost() {
        let mut book = ActiveBook::default();
        let mut total = Counters {
            opened: 10,
            ..Counters::default()
        };
        walk(&mut book, &mut total, |t| t.met += 10);
        assert_eq!(
            (book.active(&endpoint(), &total), book.corrected()),
            (10, 0)
        );
        // Four close without a callback.
        walk(&mut book, &mut total, |t| t.met += 6);
        assert_eq!((book.active(&endpoint(), &total), book.corrected()), (6, 4));
        total.opened += 1;
        assert_eq!(book.active(&endpoint(), &total), 7);
    }

    #[test]
    fn connections_that_come_and_go_during_a_walk_are_no_drift() {
        let mut book = ActiveBook::default();
        let mut total = Counters {
            opened: 100,
            closed: 50,
            ..Counters::default()
        };
        walk(&mut book, &mut total, |t| t.met += 50);
        // 20 open and 30 close while the walk meets anything from 20 to 70 connections.
        for met in [20, 45, 70] {
            walk(&mut book, &mut total, |t| {
                t.opened += 20;
                t.closed += 30;
                t.met += met;
            });
            assert_eq!(book.corrected(), 0, "met {met}");
            total = Counters {
                closed: total.closed - 30,
                opened: total.opened - 20,
                ..total
            };
        }
    }

    #[test]
    fn older_connections_are_open_until_they_close_and_never_opened() {
        let mut book = ActiveBook::default();
        let mut total = Counters::default();
        walk(&mut book, &mut total, |t| (t.met, t.met_older) = (5, 5));
        assert_eq!(book.active(&endpoint(), &total), 5);
        // Two were announced by an earlier agent, and are seen to close; the others vanish until the next walk.
        total.older_closed += 2;
        assert_eq!(book.active(&endpoint(), &total), 3);
        walk(&mut book, &mut total, |t| {
            t.met += 1;
            t.met_older += 1;
        });
        assert_eq!((book.active(&endpoint(), &total), book.corrected()), (1, 0));
    }

    #[test]
    fn an_endpoint_that_is_no_longer_watched_is_forgotten() {
        let mut book = ActiveBook::default();
        let mut total = Counters::default();
        walk(&mut book, &mut total, |t| (t.met, t.met_older) = (5, 5));
        book.begin_walk();
        book.end_walk();
        assert_eq!(book.accounts.len(), 0);
    }
}
