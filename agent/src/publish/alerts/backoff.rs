//! How long to leave a receiver alone that does not work.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::{Duration, Instant};

/// The longest pause after the first failure.
const FIRST: Duration = Duration::from_secs(1);

/// The longest pause of all.
const LAST: Duration = Duration::from_secs(30);

/// Pauses that double with every failure and are cut at random, so that many agents do not all come back at the same moment.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    until: Option<Instant>,
}

impl Backoff {
    /// The receiver works.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// The receiver has failed (again). `most` bounds the pause beside [`LAST`].
    pub(super) fn failed(&mut self, now: Instant, most: Duration) {
        let longest = ceiling(self.failures, most);
        self.failures += 1;
        self.until = Some(now + longest.mul_f64(chance()));
    }

    /// Until when to leave the receiver alone, if it does not work.
    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }
}

fn ceiling(failures: u32, most: Duration) -> Duration {
    let doubled = FIRST.saturating_mul(2_u32.saturating_pow(failures));
    doubled.min(LAST).min(most)
}

/// A random number from 0 to 1.
fn chance() -> f64 {
    // The hasher's keys are random; that is all that is needed here.
    let bits = RandomState::new().build_hasher().finish();
    bits as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_last() {
        let minute = Duration::from_secs(60);
        let ceilings = (0..8).map(|failures| ceiling(failures, minute).as_secs());
        assert!(ceilings.eq([1, 2, 4, 8, 16, 30, 30, 30]));
        assert_eq!(ceiling(u32::MAX, minute), LAST);
        assert_eq!(ceiling(9, FIRST), FIRST, "no longer than asked for");
    }

    #[test]
    fn pauses_are_spread_over_the_whole_range() {
        let chances: Vec<f64> = (0..1000).map(|_| chance()).collect();
        assert!(chances.iter().all(|chance| (0.0..=1.0).contains(chance)));
        for tenth in 0..10 {
            let from = f64::from(tenth) / 10.0;
            let within = chances.iter().filter(|c| (from..from + 0.1).contains(*c));
            assert!(within.count() > 30, "too few in tenth {tenth}");
        }
    }
}
