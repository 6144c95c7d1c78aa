//! What pools are judged by.

use std::time::Duration;

use evenkeel_skew::Terms;

use crate::model::{Detection, Pool, Signal};

/// Mean time after which a pool that is still skewed is wrongly called even.
const RECOVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// What all pools are judged by, unless they say otherwise.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rules {
    pub(super) detection: Detection,
    pub(super) interval: Duration,
    pub(super) window: Duration,
}

impl Rules {
    /// The tolerance of a pool.
    pub(super) fn tolerance(&self, pool: &Pool) -> f64 {
        pool.spec.tolerance.unwrap_or(self.detection.tolerance)
    }

    /// How many ticks a time is.
    pub(super) fn ticks(&self, time: Duration) -> f64 {
        time.as_secs_f64() / self.interval.as_secs_f64().max(1e-3)
    }

    /// The same, rounded up, at least 1.
    pub(super) fn whole_ticks(&self, time: Duration) -> u32 {
        // From a finite, positive number; the cast saturates.
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates"
        )]
        let ticks = self.ticks(time).ceil().max(1.0) as u32;
        ticks
    }

    /// The terms of a pool's tests.
    pub(super) fn terms(&self, pool: &Pool) -> Terms {
        Terms {
            tolerance: self.tolerance(pool),
            false_alarm_ticks: self.ticks(self.detection.false_alarm_every).max(2.0),
            recovery_ticks: self.ticks(RECOVERY).max(2.0),
            warm_up_ticks: self.whole_ticks(self.window),
        }
    }

    /// Whether shares of a signal are judged in a pool.
    pub(super) fn judges(&self, signal: Signal, pool: &Pool) -> bool {
        pool.endpoints.len() > 1
            && self.detection.signals.contains(&signal)
            && pool.spec.algorithm.is_judged_by(signal)
    }
}
