//! Who is watched, and where each is counted.
//!
//! Every watched endpoint has a seat: an element of an array that the hook adds to and that is mapped into this process. A hash
//! map says which; the seats that nobody has are on a stack, from which the hook takes one for an endpoint that it learns.

use std::io;

use evenkeel_abi::{Counters, Key, Seat, event};

use super::mapped::Mapped;
use super::sys::{Stack, Table};

/// The kernel's maps of watched endpoints, and what is known of them here.
#[derive(Debug)]
pub(super) struct Seats {
    all: Mapped<Seat>,
    seat_of: Table<Key, u32>,
    free: Stack<u32>,
    events: Mapped<u64>,
    /// Whether each seat is somebody's, up to the last that is.
    taken: Vec<bool>,
    /// How many endpoints have been found that the hook gave a seat.
    learned: u64,
    leaving: Leaving,
}

/// Seats whose endpoints are not watched any longer. A hook that found the seat before may still be adding to it, so nobody is
/// given it before the next tick but one: hooks take microseconds.
#[derive(Debug, Default)]
struct Leaving {
    lately: Vec<u32>,
    before: Vec<u32>,
}

impl Seats {
    /// Of maps that nobody has used yet: all seats are free.
    pub(super) fn new(
        all: Mapped<Seat>,
        seat_of: Table<Key, u32>,
        free: Stack<u32>,
        events: Mapped<u64>,
    ) -> io::Result<Self> {
        // The first is on top in the end: seats in use are side by side, which is how they are read.
        for number in (0..all.len()).rev() {
            free.push(small(number))?;
        }
        Ok(Self {
            all,
            seat_of,
            free,
            events,
            taken: Vec::new(),
            learned: 0,
            leaving: Leaving::default(),
        })
    }

    /// Watches an endpoint from now on; one that is watched already stays where it is.
    ///
    /// # Errors
    /// If no seat is free.
    pub(super) fn give(&mut self, key: &Key) -> io::Result<()> {
        let number = self.take_free()?;
        self.all.set(
            number as usize,
            &Seat {
                counters: Counters::default(),
                padding: 0,
                key: *key,
            },
        );
        if self.seat_of.add(key, number)? {
            self.note_taken(number);
            return Ok(());
        }
        self.all.clear(number as usize);
        self.free.push(number)?;
        if let Some(number) = self.seat_of.get(key)? {
            self.meet(number);
        }
        Ok(())
    }

    /// Watches an endpoint no longer. Gives the seat that it had.
    pub(super) fn take_back(&mut self, key: &Key) -> io::Result<Option<usize>> {
        let Some(number) = self.seat_of.get(key)? else {
            return Ok(None);
        };
        // Counted as one that was learned if it is: later nobody could tell.
        self.meet(number);
        self.seat_of.remove(key)?;
        if let Some(taken) = self.taken.get_mut(number as usize) {
            *taken = false;
        }
        self.leaving.lately.push(number);
        Ok(Some(number as usize))
    }

    /// To be called once a tick: frees the seats of endpoints that left before the last one.
    pub(super) fn settle(&mut self) -> io::Result<()> {
        let free = std::mem::take(&mut self.leaving.before);
        self.leaving.before = std::mem::take(&mut self.leaving.lately);
        self.free_again(free)
    }

    /// Shows every watched endpoint, those that the hook has just learned included: the number of its seat, and what was counted.
    pub(super) fn read(&mut self, mut each: impl FnMut(usize, &Seat)) -> io::Result<()> {
        self.find_learned()?;
        let taken = self.taken.iter().enumerate().filter(|(_, taken)| **taken);
        for (number, _) in taken {
            if let Some(seat) = self.all.get(number) {
                each(number, &seat);
            }
        }
        Ok(())
    }

    /// How often an event of the hook itself happened: one of [`event`].
    pub(super) fn events(&self, kind: u32) -> u64 {
        self.events.get(kind as usize).unwrap_or(0)
    }

    fn take_free(&mut self) -> io::Result<u32> {
        if let Some(number) = self.free.pop()? {
            return Ok(number);
        }
        // Rather a seat too early than none.
        let mut leaving = std::mem::take(&mut self.leaving);
        leaving.before.append(&mut leaving.lately);
        self.free_again(leaving.before)?;
        let none = || io::Error::other("the kernel's map has no room for another endpoint");
        self.free.pop()?.ok_or_else(none)
    }

    fn free_again(&self, numbers: Vec<u32>) -> io::Result<()> {
        numbers.into_iter().try_for_each(|number| {
            self.all.clear(number as usize);
            self.free.push(number)
        })
    }

    /// Looks for endpoints that were given a seat by the hook. That the table knows them by this seat proves that the hook has
    /// written all of it.
    fn find_learned(&mut self) -> io::Result<()> {
        if self.events(event::LEARNED) == self.learned {
            return Ok(());
        }
        for number in 0..self.all.len() {
            let known = self.taken.get(number).is_some_and(|taken| *taken);
            let seat = self
                .all
                .get(number)
                .filter(|seat| !known && seat.key.role != 0);
            if let Some(Seat { key, .. }) = seat
                && self.seat_of.get(&key)? == Some(small(number))
            {
                self.meet(small(number));
            }
        }
        Ok(())
    }

    /// Notes that an endpoint has a seat that was not given here.
    fn meet(&mut self, number: u32) {
        if self.note_taken(number) {
            self.learned += 1;
        }
    }

    /// Notes that a seat is somebody's; `true` if it was not known.
    fn note_taken(&mut self, number: u32) -> bool {
        let number = number as usize;
        if self.taken.len() <= number {
            self.taken.resize(number + 1, false);
        }
        !std::mem::replace(&mut self.taken[number], true)
    }
}

/// The number of a seat, of which there are fewer than 2^32.
fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::identity::Identity;
    use super::super::load::Loaded;
    use super::*;
    use evenkeel_abi::ROLE_UPSTREAM;

    /// Maps of the real kernel, with nothing attached; needs the right to load programs.
    fn seats(capacity: u32) -> Seats {
        Loaded::load(Identity::Agent, capacity).unwrap().0.seats
    }

    fn key(port: u16) -> Key {
        Key {
            address: [1; 16],
            netns: 0,
            port,
            role: ROLE_UPSTREAM,
            padding: 0,
        }
    }

    /// The seats that are taken, and by whom.
    fn taken(seats: &mut Seats) -> Vec<(usize, u16)> {
        let mut taken = Vec::new();
        let read = seats.read(|number, seat| taken.push((number, seat.key.port)));
        read.unwrap();
        taken
    }

    /// Does what the hook does when it learns an endpoint.
    fn learn(seats: &Seats, port: u16) {
        let number = seats.free.pop().unwrap().unwrap();
        let learned = Seat {
            counters: Counters::default(),
            padding: 0,
            key: key(port),
        };
        seats.all.set(number as usize, &learned);
        assert!(seats.seat_of.add(&key(port), number).unwrap());
        let kind = event::LEARNED as usize;
        seats.events.set(kind, &(seats.events(event::LEARNED) + 1));
    }

    #[test]
    fn who_is_watched_already_stays() {
        let mut seats = seats(3);
        for port in [1, 2, 1, 2] {
            seats.give(&key(port)).unwrap();
        }
        assert_eq!(taken(&mut seats), [(0, 1), (1, 2)]);
        // The seats that were taken from the stack for nothing are on it again.
        seats.give(&key(3)).unwrap();
        assert_eq!(taken(&mut seats), [(0, 1), (1, 2), (2, 3)]);
    }

    #[test]
    fn a_seat_is_empty_for_two_ticks_before_somebody_else_has_it() {
        let mut seats = seats(4);
        seats.give(&key(1)).unwrap();
        let counted = Seat {
            counters: Counters {
                opened: 7,
                ..Counters::default()
            },
            padding: 0,
            key: key(1),
        };
        seats.all.set(0, &counted);
        assert_eq!(seats.take_back(&key(1)).unwrap(), Some(0));
        assert_eq!(seats.take_back(&key(1)).unwrap(), None);
        seats.settle().unwrap();
        seats.give(&key(2)).unwrap();
        assert_eq!(taken(&mut seats), [(1, 2)]);
        seats.settle().unwrap();
        seats.give(&key(3)).unwrap();
        assert_eq!(taken(&mut seats), [(0, 3), (1, 2)]);
        assert_eq!(seats.all.get(0).unwrap().counters, Counters::default());
    }

    #[test]
    fn without_a_free_seat_one_that_was_just_left_is_given() {
        let mut seats = seats(2);
        seats.give(&key(1)).unwrap();
        seats.give(&key(2)).unwrap();
        let error = seats.give(&key(3)).unwrap_err().to_string();
        assert!(error.contains("no room"), "{error}");
        assert_eq!(seats.take_back(&key(1)).unwrap(), Some(0));
        seats.give(&key(3)).unwrap();
        assert_eq!(taken(&mut seats), [(0, 3), (1, 2)]);
    }

    #[test]
    fn whom_the_hook_learns_is_found_whoever_notices_first() {
        let mut seats = seats(5);
        seats.give(&key(1)).unwrap();
        learn(&seats, 2);
        assert_eq!(taken(&mut seats), [(0, 1), (1, 2)]);
        // Asked for, and taken back, before a reading has found them.
        learn(&seats, 3);
        learn(&seats, 4);
        seats.give(&key(3)).unwrap();
        assert_eq!(seats.take_back(&key(4)).unwrap(), Some(3));
        assert_eq!(seats.learned, seats.events(event::LEARNED));
        assert_eq!(taken(&mut seats), [(0, 1), (1, 2), (2, 3)]);
    }
}
