//! Clients that stay with a backend: clumps that last.

use super::random::Random;
use super::split::Split;

/// Clients that connect once a tick, each to the backend that it came to first.
#[derive(Clone, Debug)]
pub(super) struct Sticky {
    comes: Split,
    /// Clients of each backend.
    clients: Vec<u64>,
    /// The backends whose clients leave, by tick, in a ring.
    leave: Vec<Vec<usize>>,
    now: usize,
}

impl Sticky {
    /// `rate` connections a tick by clients that stay for so many ticks and come to backends with these loads.
    pub(super) fn new(rate: f64, ticks: usize, loads: &[f64]) -> Self {
        Self {
            comes: Split::new(rate / ticks as f64, loads),
            clients: vec![0; loads.len()],
            leave: vec![Vec::new(); ticks],
            now: 0,
        }
    }

    /// Clients that come from now on go by the loads of `other`; those that are there stay.
    pub(super) fn go_on_as(&mut self, other: Self) {
        self.comes = other.comes;
    }

    /// The counts of one more tick.
    pub(super) fn tick(&mut self, random: &mut Random, counts: &mut [u64]) {
        let (clients, leaving) = (&mut self.clients, &mut self.leave[self.now]);
        for backend in leaving.drain(..) {
            clients[backend] -= 1;
        }
        self.comes.draw(random, |_, backend, number| {
            clients[backend] += number as u64;
            leaving.extend(std::iter::repeat_n(backend, number));
        });
        self.now = (self.now + 1) % self.leave.len();
        counts.copy_from_slice(&self.clients);
    }
}
