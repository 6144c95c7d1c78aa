//! Sliding windows: what each backend of a pool did within the last minute, say.
//!
//! A window consists of at most [`MOST_BUCKETS`] buckets and slides by one bucket: by one tick if the window has no more
//! ticks than that, by a sixtieth of the window otherwise. The memory of a pool is given once, when it is
//! made: a tick writes into one row and, when it enters a bucket, takes the oldest row out of the sums.

use std::time::Duration;

use super::cells::{Cell, Cells};

/// Enough that a step is not seen on a graph, few enough that ten thousand backends fit into seven megabytes.
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

    /// Ticks in all buckets but one, when they are full.
    fn ticks_of_other_buckets(self) -> u32 {
        let others = u32::try_from(self.buckets - 1).unwrap_or(u32::MAX);
        others.saturating_mul(self.ticks_per_bucket)
    }
}

/// The window of one pool.
#[derive(Clone, Debug)]
pub(super) struct Window {
    shape: Shape,
    /// The bucket that is being filled, and whether this tick has entered it.
    current: usize,
    entered: bool,
    /// Ticks in that bucket, and in all of them.
    in_current: u32,
    in_all: u32,
    sums: Sums,
    /// Bucket by bucket, one cell a backend.
    cells: Cells,
}

impl Sums {
    fn zeros(backends: usize) -> Self {
        let zeros = || vec![0; backends];
        Self {
            opened: zeros(),
            failed: zeros(),
            bytes: zeros(),
            active: zeros(),
        }
    }

    fn add(&mut self, backend: usize, added: Sample) {
        self.opened[backend] += added.opened;
        self.failed[backend] += added.failed;
        self.bytes[backend] += added.bytes;
        self.active[backend] += added.active;
    }

    fn remove(&mut self, backend: usize, expired: Cell) {
        self.opened[backend] -= u64::from(expired.opened);
        self.failed[backend] -= u64::from(expired.failed);
        self.bytes[backend] -= expired.bytes;
        self.active[backend] -= u64::from(expired.active);
    }
}

impl Window {
    /// An empty window for `backends` backends.
    pub(super) fn new(shape: Shape, backends: usize) -> Self {
        Self {
            shape,
            current: 0,
            entered: false,
            in_current: 0,
            in_all: 0,
            sums: Sums::zeros(backends),
            cells: Cells::zeros(shape.buckets * backends),
        }
    }

    /// An empty window, but for the backends that `old` has a window of: `origin` gives each backend's place there.
    pub(super) fn inherit(old: &Self, origin: &[Option<usize>]) -> Self {
        let mut window = Self::new(old.shape, origin.len());
        window.current = old.current;
        (window.in_current, window.in_all) = (old.in_current, old.in_all);
        for (to, from) in origin.iter().enumerate() {
            let Some(from) = *from else { continue };
            for bucket in 0..old.shape.buckets {
                let cell = old.cells.get(bucket * old.backends() + from);
                window.cells.set(bucket * origin.len() + to, cell);
            }
            window.sums.opened[to] = old.sums.opened[from];
            window.sums.failed[to] = old.sums.failed[from];
            window.sums.bytes[to] = old.sums.bytes[from];
            window.sums.active[to] = old.sums.active[from];
        }
        window
    }

    /// Begins a tick; a sample of each backend must follow.
    pub(super) fn advance(&mut self) {
        self.entered = self.in_current == self.shape.ticks_per_bucket;
        if self.entered {
            self.current = (self.current + 1) % self.shape.buckets;
            self.in_current = 0;
            self.in_all = self.in_all.min(self.shape.ticks_of_other_buckets());
        }
        self.in_current += 1;
        self.in_all += 1;
    }

    /// Adds what a backend did in this tick; when the tick has entered a bucket, what stood there expires.
    pub(super) fn add(&mut self, backend: usize, sample: Sample) {
        let place = self.current * self.backends() + backend;
        let mut cell = self.cells.get(place);
        if self.entered {
            self.sums.remove(backend, std::mem::take(&mut cell));
        }
        self.sums.add(backend, cell.add(sample));
        self.cells.set(place, cell);
    }

    fn backends(&self) -> usize {
        self.sums.opened.len()
    }

    /// What the window holds.
    pub(super) fn sums(&self) -> &Sums {
        &self.sums
    }

    /// Ticks that the window holds.
    pub(super) fn ticks(&self) -> u32 {
        self.in_all
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
            new.advance();
            new.add(0, sample(1));
            new.add(1, Sample::default());
            new.add(2, Sample::default());
        }
        assert_eq!(
            new.sums().opened,
            [10, 0, 0],
            "what was inherited expires as it would have"
        );
    }
}
