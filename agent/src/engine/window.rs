//! Sliding windows: what each backend of a pool did within the last minute, say.
//!
//! A window consists of at most [`MOST_BUCKETS`] buckets and slides by one bucket: by one tick if the window has no more
//! ticks than that, by a sixtieth of the window otherwise. The memory of a pool is given once, when it is
//! made: a tick writes into one row and, when it enters a bucket, takes the oldest row out of the sums.

use std::time::Duration;

/// Enough that a step is not seen on a graph, few enough that ten thousand backends fit into twelve megabytes.
const MOST_BUCKETS: usize = 60;

/// What a backend did in one tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sample {
    /// Connections established.
    pub(super) opened: u64,
    /// Connection attempts failed.
    pub(super) failed: u64,
    /// Payload bytes, both directions.
    pub(super) bytes: u64,
    /// Connections open at the end of the tick.
    pub(super) active: u64,
}

/// The window's sums, one number a backend.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    /// Connections established.
    pub(super) opened: Vec<u64>,
    /// Connection attempts failed.
    pub(super) failed: Vec<u64>,
    /// Payload bytes, both directions.
    pub(super) bytes: Vec<u64>,
    /// Open connections, summed over the ticks: their mean times [`Window::ticks`].
    pub(super) active: Vec<u64>,
}

/// How a window is cut into buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    buckets: usize,
    ticks_per_bucket: u32,
}

impl Shape {
    /// A window of `window` that gets a sample every `interval`.
    pub(super) fn new(window: Duration, interval: Duration) -> Self {
        let ticks = window
            .as_nanos()
            .div_ceil(interval.as_nanos().max(1))
            .max(1);
        let per_bucket = ticks.div_ceil(MOST_BUCKETS as u128);
        Self {
            // At most MOST_BUCKETS by the division above.
            buckets: usize::try_from(ticks.div_ceil(per_bucket)).unwrap_or(MOST_BUCKETS),
            ticks_per_bucket: u32::try_from(per_bucket).unwrap_or(u32::MAX),
        }
    }
}

/// The window of one pool.
#[derive(Clone, Debug)]
pub(super) struct Window {
    shape: Shape,
    backends: usize,
    /// The bucket that is being filled, and the ticks in each.
    current: usize,
    ticks: Vec<u32>,
    sums: Sums,
    opened: Ring,
    failed: Ring,
    bytes: Ring,
    active: Ring,
}

/// One number a bucket and backend, bucket by bucket.
#[derive(Clone, Debug)]
struct Ring(Vec<u64>);

impl Ring {
    fn new(shape: Shape, backends: usize) -> Self {
        Self(vec![0; shape.buckets * backends])
    }

    /// Takes a row out of the sums, and makes it ready to be filled anew.
    fn expire(&mut self, row: usize, sums: &mut [u64]) {
        let start = row * sums.len();
        for (cell, sum) in self.0[start..start + sums.len()].iter_mut().zip(sums) {
            *sum -= *cell;
            *cell = 0;
        }
    }

    fn add(&mut self, cell: usize, amount: u64, sum: &mut u64) {
        self.0[cell] += amount;
        *sum += amount;
    }

    /// Copies one backend's column from another ring of the same shape.
    fn copy_column(&mut self, to: Column, other: &Self, from: Column) {
        let cells = self.0.iter_mut().skip(to.index).step_by(to.backends);
        let others = other.0.iter().skip(from.index).step_by(from.backends);
        for (cell, other) in cells.zip(others) {
            *cell = *other;
        }
    }
}

#[derive(Clone, Copy)]
struct Column {
    index: usize,
    backends: usize,
}

impl Window {
    /// An empty window for `backends` backends.
    pub(super) fn new(shape: Shape, backends: usize) -> Self {
        let zeros = || vec![0; backends];
        let ring = || Ring::new(shape, backends);
        Self {
            shape,
            backends,
            current: 0,
            ticks: vec![0; shape.buckets],
            sums: Sums {
                opened: zeros(),
                failed: zeros(),
                bytes: zeros(),
                active: zeros(),
            },
            opened: ring(),
            failed: ring(),
            bytes: ring(),
            active: ring(),
        }
    }

    /// An empty window, but for the backends that `old` has a window of: `origin` gives each backend's place there.
    pub(super) fn inherit(old: &Self, origin: &[Option<usize>]) -> Self {
        let mut window = Self::new(old.shape, origin.len());
        window.current = old.current;
        window.ticks.clone_from(&old.ticks);
        for (index, from) in origin.iter().enumerate() {
            let Some(from) = *from else { continue };
            let to = Column {
                index,
                backends: window.backends,
            };
            let from = Column {
                index: from,
                backends: old.backends,
            };
            window.opened.copy_column(to, &old.opened, from);
            window.failed.copy_column(to, &old.failed, from);
            window.bytes.copy_column(to, &old.bytes, from);
            window.active.copy_column(to, &old.active, from);
            window.sums.opened[index] = old.sums.opened[from.index];
            window.sums.failed[index] = old.sums.failed[from.index];
            window.sums.bytes[index] = old.sums.bytes[from.index];
            window.sums.active[index] = old.sums.active[from.index];
        }
        window
    }

    /// Begins a tick; the samples of its backends follow.
    pub(super) fn advance(&mut self) {
        if self.ticks[self.current] == self.shape.ticks_per_bucket {
            self.current = (self.current + 1) % self.shape.buckets;
            self.ticks[self.current] = 0;
            self.opened.expire(self.current, &mut self.sums.opened);
            self.failed.expire(self.current, &mut self.sums.failed);
            self.bytes.expire(self.current, &mut self.sums.bytes);
            self.active.expire(self.current, &mut self.sums.active);
        }
        self.ticks[self.current] += 1;
    }

    /// Adds what a backend did in this tick.
    pub(super) fn add(&mut self, backend: usize, sample: Sample) {
        let cell = self.current * self.backends + backend;
        let sums = &mut self.sums;
        self.opened
            .add(cell, sample.opened, &mut sums.opened[backend]);
        self.failed
            .add(cell, sample.failed, &mut sums.failed[backend]);
        self.bytes.add(cell, sample.bytes, &mut sums.bytes[backend]);
        self.active
            .add(cell, sample.active, &mut sums.active[backend]);
    }

    /// What the window holds.
    pub(super) fn sums(&self) -> &Sums {
        &self.sums
    }

    /// Ticks that the window holds.
    pub(super) fn ticks(&self) -> u32 {
        self.ticks.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shape(window: u64, interval_ms: u64) -> Shape {
        Shape::new(
            Duration::from_secs(window),
            Duration::from_millis(interval_ms),
        )
    }

    #[test]
    fn a_minute_of_seconds_slides_by_a_second_and_an_hour_by_a_minute() {
        assert_eq!(
            shape(60, 1000),
            Shape {
                buckets: 60,
                ticks_per_bucket: 1
            }
        );
        assert_eq!(
            shape(3600, 1000),
            Shape {
                buckets: 60,
                ticks_per_bucket: 60
            }
        );
        assert_eq!(
            shape(1, 1000),
            Shape {
                buckets: 1,
                ticks_per_bucket: 1
            }
        );
        assert_eq!(
            shape(90, 1000),
            Shape {
                buckets: 45,
                ticks_per_bucket: 2
            }
        );
    }

    fn sample(n: u64) -> Sample {
        Sample {
            opened: n,
            failed: n / 2,
            bytes: n * 100,
            active: n % 7,
        }
    }

    proptest! {
        /// The sums are those of the ticks that the window spans, counted anew.
        #[test]
        fn sums_are_those_of_the_last_ticks(
            counts in proptest::collection::vec(0..1000_u64, 1..300),
            window in 1..120_u64,
        ) {
            let shape = shape(window, 1000);
            let mut window = Window::new(shape, 2);
            for (tick, n) in counts.iter().enumerate() {
                window.advance();
                window.add(0, sample(*n));
                window.add(1, sample(n + 1));
                let held = window.ticks() as usize;
                let most = shape.buckets * shape.ticks_per_bucket as usize;
                prop_assert!(held == tick + 1 || held > most - shape.ticks_per_bucket as usize);
                let last = &counts[tick + 1 - held..=tick];
                prop_assert_eq!(window.sums().opened[0], last.iter().sum::<u64>());
                prop_assert_eq!(window.sums().opened[1], last.iter().map(|n| n + 1).sum::<u64>());
                prop_assert_eq!(window.sums().active[0], last.iter().map(|n| n % 7).sum::<u64>());
                prop_assert_eq!(window.sums().bytes[0], last.iter().map(|n| n * 100).sum::<u64>());
                prop_assert_eq!(window.sums().failed[0], last.iter().map(|n| n / 2).sum::<u64>());
            }
        }
    }

    #[test]
    fn a_changed_pool_keeps_the_window_of_the_backends_that_stay() {
        let mut old = Window::new(shape(10, 1000), 3);
        for n in 0..15 {
            old.advance();
            for backend in 0..3 {
                old.add(backend, sample(n * 10 + backend as u64));
            }
        }
        let mut new = Window::inherit(&old, &[None, Some(2), Some(0)]);
        assert_eq!(
            new.sums().opened,
            [0, old.sums().opened[2], old.sums().opened[0]]
        );
        for _ in 0..10 {
            old.advance();
            new.advance();
            new.add(0, sample(1));
        }
        assert_eq!(
            new.sums().opened,
            [10, 0, 0],
            "what was inherited expires as it would have"
        );
    }
}
