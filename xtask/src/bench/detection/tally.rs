//! False alarms counted, and what they say about a promise.

use super::interval::poisson_interval;
use super::random::whole;
use crate::bench::report::thousands;

/// What came of watching one pool.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) days: f64,
    pub(super) alarms: u64,
    /// Of them in the first hour.
    pub(super) early: u64,
}

impl Run {
    pub(super) fn new(days: f64) -> Self {
        Self {
            days,
            alarms: 0,
            early: 0,
        }
    }

    /// Counts an alarm in this tick.
    pub(super) fn alarm(&mut self, tick: u64) {
        self.alarms += 1;
        self.early += u64::from(tick < 3_600);
    }
}

/// Many runs that were promised the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tally {
    pub(super) days: f64,
    pub(super) alarms: u64,
    early: u64,
    /// Days between false alarms, at least.
    promise: f64,
}

impl Tally {
    pub(super) fn of(runs: impl Iterator<Item = Run>, promise: f64) -> Self {
        let nothing = Self {
            days: 0.0,
            alarms: 0,
            early: 0,
            promise,
        };
        runs.fold(nothing, |sum, run| Self {
            days: sum.days + run.days,
            alarms: sum.alarms + run.alarms,
            early: sum.early + run.early,
            promise,
        })
    }

    /// How many the promise allows.
    fn allowed(&self) -> f64 {
        self.days / self.promise
    }

    /// Whether no more came than the promise allows.
    pub(super) fn kept(&self) -> bool {
        self.alarms as f64 <= self.allowed()
    }

    /// Days, alarms, and those in the first hour as cells of a table; in bold if it is as good as certain that the promise is
    /// broken.
    pub(super) fn cells(&self) -> String {
        let text = format!(
            "{} ({:.1})",
            thousands(whole(self.alarms as f64)),
            self.allowed()
        );
        let broken = poisson_interval(self.alarms).0 > self.allowed();
        let text = if broken { format!("**{text}**") } else { text };
        let days = thousands(whole(self.days.round()));
        format!("{days} | {text} | {}", self.early)
    }

    /// Alarms, what was allowed, and the rate with its certainty.
    pub(super) fn summary(&self) -> String {
        let (low, high) = poisson_interval(self.alarms);
        let rate = |alarms: f64| alarms / self.allowed();
        format!(
            "{} where {:.0} were allowed: {:.3} of the promised rate (95 % certain: {:.3}–{:.3})",
            self.alarms,
            self.allowed(),
            rate(self.alarms as f64),
            rate(low),
            rate(high)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(alarms: u64) -> Tally {
        let run = Run {
            alarms,
            ..Run::new(450.0)
        };
        Tally::of([run, run].into_iter(), 90.0)
    }

    #[test]
    fn a_promise_is_kept_or_broken() {
        assert!(tally(5).kept() && !tally(6).kept());
        assert_eq!(tally(0).cells(), "900 | 0 (10.0) | 0");
        assert_eq!(tally(6).cells(), "900 | 12 (10.0) | 0");
        assert_eq!(tally(20).cells(), "900 | **40 (10.0)** | 0");
        assert_eq!(
            tally(0).summary(),
            "0 where 10 were allowed: 0.000 of the promised rate (95 % certain: 0.000–0.369)"
        );
    }
}
