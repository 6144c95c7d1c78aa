//! How many connections are open: the hook's count, corrected by what walks of the socket table meet.
//!
//! Between walks a backend's open connections are `opened - closed`, and `opened - closed` is wrong when callbacks
//! are lost (another program overwrote the flags that ask for them) and knows nothing of connections older than
//! the agent. A walk meets every open connection, but not at one instant: connections open and close
//! while it runs. So the counters are read before and after it, which bounds what it can have met:
//! of announced connections at least those open throughout, at most all that were open at some time. A correction is
//! made only as far as the bounds demand: none under traffic without loss, an exact one at rest.

use std::collections::HashMap;

use evenkeel_abi::{Counters, Key};

/// Every watched endpoint, and the correction in force.
///
/// The kernel lists its map in the same order as long as no endpoint comes or goes, so the entries are kept in that order and
/// found by place.
#[derive(Debug, Default)]
pub(super) struct ActiveBook {
    entries: Vec<Entry>,
    /// How many endpoints the reading in progress has passed.
    place: usize,
    /// The place of each entry; filled only while a reading finds another order than the one before.
    places: HashMap<Key, usize>,
    corrected: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    key: Key,
    account: Account,
    /// The counters when the last walk began; zeros if the endpoint was not there yet.
    before: Before,
    /// Whether a walk has been judged by them.
    known: bool,
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
    /// Connections corrected so far, both ways, without those that were found at an endpoint's first walk.
    pub(super) fn corrected(&self) -> u64 {
        self.corrected
    }

    /// A reading of the map begins: all its endpoints follow, each once.
    pub(super) fn begin(&mut self) {
        self.place = 0;
    }

    /// The reading has ended: endpoints that it did not show are no longer watched.
    pub(super) fn end(&mut self) {
        self.entries.truncate(self.place);
        self.places = HashMap::new();
    }

    /// The next endpoint of a reading just before a walk.
    pub(super) fn before_walk(&mut self, key: &Key, counters: &Counters) {
        self.next(key).before = Before {
            opened: counters.opened,
            closed: counters.closed,
            met: counters.met,
            met_older: counters.met_older,
        };
    }

    /// The next endpoint of a reading just after a walk that has met every namespace: `after` are its counters now. Gives
    /// its connections open now.
    pub(super) fn after_walk(&mut self, key: &Key, after: &Counters) -> u64 {
        let entry = self.next(key);
        let (before, old) = (entry.before, entry.account);
        let older = after.met_older.saturating_sub(before.met_older);
        let announced = signed(after.met.saturating_sub(before.met)) - signed(older);
        let least = announced - (signed(after.opened) - signed(before.closed));
        let most = announced - (signed(before.opened) - signed(after.closed));
        entry.account = Account {
            older,
            older_closed: after.older_closed,
            correction: old.correction.clamp(least, most.max(least)),
        };
        let corrected = entry.account.correction.abs_diff(old.correction);
        let (first, active) = (!entry.known, entry.account.active(after));
        entry.known = true;
        if !first {
            self.corrected += corrected;
        }
        active
    }

    /// The next endpoint of any other reading. Gives its connections open now.
    pub(super) fn active(&mut self, key: &Key, now: &Counters) -> u64 {
        self.next(key).account.active(now)
    }

    fn next(&mut self, key: &Key) -> &mut Entry {
        let place = self.place;
        self.place += 1;
        if self
            .entries
            .get(place)
            .is_none_or(|entry| entry.key != *key)
        {
            self.bring(key, place);
        }
        &mut self.entries[place]
    }

    /// Brings the entry of `key` to `place`, by exchanging it with the one there; makes it if there is none.
    fn bring(&mut self, key: &Key, place: usize) {
        if self.places.is_empty() {
            let numbered = self.entries.iter().enumerate();
            self.places
                .extend(numbered.map(|(place, entry)| (entry.key, place)));
        }
        // Places that the reading has passed are taken.
        let known = self.places.get(key).copied();
        let found = known.filter(|found| *found >= place).unwrap_or_else(|| {
            self.entries.push(Entry {
                key: *key,
                account: Account::default(),
                before: Before::default(),
                known: false,
            });
            self.entries.len() - 1
        });
        self.places.insert(self.entries[place].key, found);
        self.places.insert(*key, place);
        self.entries.swap(place, found);
    }
}

impl Account {
    /// Connections open when the endpoint's counters were `now`.
    fn active(&self, now: &Counters) -> u64 {
        let announced = signed(now.opened) - signed(now.closed) + self.correction;
        let older_gone = now.older_closed.saturating_sub(self.older_closed);
        unsigned(announced) + self.older.saturating_sub(older_gone)
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

    /// The key of the `number`th endpoint.
    fn key(number: u16) -> Key {
        Key {
            address: [0; 16],
            netns: 0,
            port: number,
            role: evenkeel_abi::ROLE_UPSTREAM,
            padding: 0,
        }
    }

    /// One reading of these endpoints, in this order; gives the connections open.
    fn read(book: &mut ActiveBook, endpoints: &[(u16, Counters)]) -> Vec<u64> {
        book.begin();
        let open = endpoints
            .iter()
            .map(|(number, now)| book.active(&key(*number), now))
            .collect();
        book.end();
        open
    }

    /// Connections open at an endpoint, the only one.
    fn active(book: &mut ActiveBook, now: &Counters) -> u64 {
        read(book, &[(1, *now)])[0]
    }

    /// Walks once, with the counters before and after; `met` and `met_older` are what this walk meets.
    fn walk(book: &mut ActiveBook, total: &mut Counters, during: impl FnOnce(&mut Counters)) {
        book.begin();
        book.before_walk(&key(1), total);
        book.end();
        during(total);
        book.begin();
        book.after_walk(&key(1), total);
        book.end();
    }

    #[test]
    fn at_rest_a_walk_finds_the_truth_whatever_was_lost() {
        let mut book = ActiveBook::default();
        let mut total = Counters {
            opened: 10,
            ..Counters::default()
        };
        walk(&mut book, &mut total, |t| t.met += 10);
        assert_eq!((active(&mut book, &total), book.corrected()), (10, 0));
        // Four close without a callback.
        walk(&mut book, &mut total, |t| t.met += 6);
        assert_eq!((active(&mut book, &total), book.corrected()), (6, 4));
        total.opened += 1;
        assert_eq!(active(&mut book, &total), 7);
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
        assert_eq!(active(&mut book, &total), 5);
        // Two were announced by an earlier agent, and are seen to close; the others vanish until the next walk.
        total.older_closed += 2;
        assert_eq!(active(&mut book, &total), 3);
        walk(&mut book, &mut total, |t| {
            t.met += 1;
            t.met_older += 1;
        });
        assert_eq!((active(&mut book, &total), book.corrected()), (1, 0));
    }

    #[test]
    fn an_endpoint_that_is_no_longer_watched_is_forgotten() {
        let mut book = ActiveBook::default();
        let mut total = Counters::default();
        walk(&mut book, &mut total, |t| (t.met, t.met_older) = (5, 5));
        assert!(read(&mut book, &[]).is_empty());
        assert_eq!(active(&mut book, &total), 0);
    }

    #[test]
    fn endpoints_keep_their_accounts_whatever_the_order_they_are_read_in() {
        let mut book = ActiveBook::default();
        book.begin();
        // So many older connections are met at each endpoint as its number says.
        for number in 1..=5 {
            let met = Counters {
                met: number.into(),
                met_older: number.into(),
                ..Counters::default()
            };
            book.after_walk(&key(number), &met);
        }
        book.end();
        let orders: [&[u16]; 6] = [
            &[1, 2, 3, 4, 5],
            &[5, 4, 3, 2, 1],
            &[2, 1, 9, 4, 3, 5],
            &[8, 9, 2, 7, 1, 3],
            &[1, 4, 3],
            &[3, 2, 1],
        ];
        // Endpoints that a reading did not show have lost theirs, and new ones have none.
        let expected: [&[u64]; 6] = [
            &[1, 2, 3, 4, 5],
            &[5, 4, 3, 2, 1],
            &[2, 1, 0, 4, 3, 5],
            &[0, 0, 2, 0, 1, 3],
            &[1, 0, 3],
            &[3, 0, 1],
        ];
        for (order, expected) in orders.iter().zip(expected) {
            let endpoints: Vec<_> = order.iter().map(|n| (*n, Counters::default())).collect();
            assert_eq!(read(&mut book, &endpoints), expected, "for {order:?}");
        }
    }
}
