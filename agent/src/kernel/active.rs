//! How many connections are open: the hook's count, corrected by what walks of the socket table meet.
//!
//! Between walks a backend's open connections are `opened - closed`, and `opened - closed` is wrong when callbacks
//! are lost (another program overwrote the flags that ask for them) and knows nothing of connections older than
//! the agent. A walk meets every open connection, but not at one instant: connections open and close
//! while it runs. So the counters are read before and after it, which bounds what it can have met:
//! of announced connections at least those open throughout, at most all that were open at some time. A correction is
//! made only as far as the bounds demand: none under traffic without loss, an exact one at rest.

use evenkeel_abi::Counters;

/// The correction in force of every watched endpoint, by the number of its seat.
#[derive(Debug, Default)]
pub(super) struct ActiveBook {
    entries: Vec<Entry>,
    corrected: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
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

    /// The endpoint that had this seat is no longer watched.
    pub(super) fn forget(&mut self, seat: usize) {
        if let Some(entry) = self.entries.get_mut(seat) {
            *entry = Entry::default();
        }
    }

    /// A walk follows: these are the endpoint's counters before it.
    pub(super) fn before_walk(&mut self, seat: usize, counters: &Counters) {
        self.entry(seat).before = Before {
            opened: counters.opened,
            closed: counters.closed,
            met: counters.met,
            met_older: counters.met_older,
        };
    }

    /// A walk has met every namespace: `after` are the endpoint's counters now. Gives its connections open now.
    pub(super) fn after_walk(&mut self, seat: usize, after: &Counters) -> u64 {
        let entry = self.entry(seat);
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

    /// The endpoint's connections open now, between walks.
    pub(super) fn active(&self, seat: usize, now: &Counters) -> u64 {
        let account = self.entries.get(seat).map(|entry| entry.account);
        account.unwrap_or_default().active(now)
    }

    fn entry(&mut self, seat: usize) -> &mut Entry {
        if self.entries.len() <= seat {
            self.entries.resize(seat + 1, Entry::default());
        }
        &mut self.entries[seat]
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

    /// The seat of the endpoint in question.
    const SEAT: usize = 3;

    fn active(book: &ActiveBook, now: &Counters) -> u64 {
        book.active(SEAT, now)
    }

    /// Walks once, with the counters before and after; `met` and `met_older` are what this walk meets.
    fn walk(book: &mut ActiveBook, total: &mut Counters, during: impl FnOnce(&mut Counters)) {
        book.before_walk(SEAT, total);
        during(total);
        book.after_walk(SEAT, total);
    }

    #[test]
    fn at_rest_a_walk_finds_the_truth_whatever_was_lost() {
        let mut book = ActiveBook::default();
        let mut total = Counters {
            opened: 10,
            ..Counters::default()
        };
        walk(&mut book, &mut total, |t| t.met += 10);
        assert_eq!((active(&book, &total), book.corrected()), (10, 0));
        // Four close without a callback.
        walk(&mut book, &mut total, |t| t.met += 6);
        assert_eq!((active(&book, &total), book.corrected()), (6, 4));
        total.opened += 1;
        assert_eq!(active(&book, &total), 7);
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
        assert_eq!(active(&book, &total), 5);
        // Two were announced by an earlier agent, and are seen to close; the others vanish until the next walk.
        total.older_closed += 2;
        assert_eq!(active(&book, &total), 3);
        walk(&mut book, &mut total, |t| {
            t.met += 1;
            t.met_older += 1;
        });
        assert_eq!((active(&book, &total), book.corrected()), (1, 0));
    }

    #[test]
    fn who_comes_to_a_seat_does_not_inherit() {
        let mut book = ActiveBook::default();
        let mut total = Counters::default();
        walk(&mut book, &mut total, |t| (t.met, t.met_older) = (5, 5));
        book.forget(SEAT);
        assert_eq!(active(&book, &Counters::default()), 0);
    }

    #[test]
    fn every_endpoint_has_an_account_of_its_own() {
        let mut book = ActiveBook::default();
        // So many older connections are met at each endpoint as its number says.
        for seat in [4, 0, 2_u64] {
            let met = Counters {
                met: seat,
                met_older: seat,
                ..Counters::default()
            };
            book.after_walk(seat.try_into().unwrap(), &met);
        }
        let open: Vec<_> = (0..6)
            .map(|seat| book.active(seat, &Counters::default()))
            .collect();
        assert_eq!(open, [0, 0, 2, 0, 4, 0]);
    }
}
