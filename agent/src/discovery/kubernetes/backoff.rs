//! How long to wait before the API server is asked again: longer after each failure, and never as long as other agents.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// Longer waits, one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    /// From about `first` to about `longest`.
    pub(super) fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            failures: 0,
        }
    }

    /// It went well: the next wait is a short one.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// How long to wait now: twice as long as the last time, give or take a half, so that the agents of a cluster do not come at once.
    pub(super) fn next(&mut self) -> Duration {
        let doubled = self.first.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        doubled.min(self.longest).mul_f64(0.5 + chance())
    }
}

/// A number from 0 to 1, another one each time: the standard library seeds each hasher of its maps by chance.
fn chance() -> f64 {
    RandomState::new().hash_one(()) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_differ() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
        for expected in [1, 2, 4, 8, 16, 30, 30, 30] {
            let wait = backoff.next().as_secs_f64() / f64::from(expected);
            assert!((0.5..=1.5).contains(&wait), "{wait} of {expected}");
        }
        for _ in 0..100 {
            backoff.next();
        }
        backoff.reset();
        assert!(backoff.next() <= Duration::from_millis(1500));
        let waits: Vec<Duration> = (0..10)
            .map(|_| Backoff::new(Duration::from_secs(1), Duration::from_secs(1)).next())
            .collect();
        assert!(waits.iter().any(|wait| *wait != waits[0]), "{waits:?}");
    }
}
