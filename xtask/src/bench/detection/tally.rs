//! False alarms counted, and what they say about a promise.

use super::interval::poisson_interval;
use super::pools::DAY;
use super::random::whole;
use crate::bench::report::thousands;

/// Ticks from the start of a pool in which its dispersion is hardly known.
const FIRST_HOUR: u64 = 3_600;

/// What came of watching one pool, or many.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Run {
    ticks: u64,
    /// In a false incident.
    in_incident: u64,
    pub(super) alarms: u64,
    /// Of them in the first hour.
    early: u64,
    skewed: bool,
}

impl Run {
    /// One more tick, at the end of which the pool counts as skewed or not.
    #[inline]
    pub(super) fn tick(&mut self, skewed: bool) {
        if skewed {
            let begins = u64::from(!self.skewed);
            self.alarms += begins;
            self.early += if self.ticks < FIRST_HOUR { begins } else { 0 };
            self.in_incident += 1;
        }
        self.skewed = skewed;
        self.ticks += 1;
    }

    pub(super) fn days(&self) -> f64 {
        self.ticks as f64 / DAY
    }

    fn and(self, other: Self) -> Self {
        Self {
            ticks: self.ticks + other.ticks,
            in_incident: self.in_incident + other.in_incident,
            alarms: self.alarms + other.alarms,
            early: self.early + other.early,
            skewed: false,
        }
    }
}

/// Many runs that were promised the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tally {
    sum: Run,
    /// Ticks between false alarms, at least.
    promise: f64,
}

impl Tally {
    pub(super) fn of(runs: impl Iterator<Item = Run>, promise: f64) -> Self {
        Self {
            sum: runs.fold(Run::default(), Run::and),
            promise,
        }
    }

    /// Pool-days in whole numbers.
    pub(super) fn days(&self) -> String {
        thousands(whole(self.sum.days().round()))
    }

    /// How many alarms the promise comes to, in the time that a pool was not in an incident anyway.
    fn allowed(&self) -> f64 {
        (self.sum.ticks - self.sum.in_incident) as f64 / self.promise
    }

    /// Whether no more came than the promise allows.
    pub(super) fn kept(&self) -> bool {
        self.sum.alarms as f64 <= self.allowed()
    }

    /// As cells of a table: days, alarms, those in the first hour, and the part of the time in false incidents. In bold if it
    /// is as good as certain that the promise is broken.
    pub(super) fn cells(&self) -> String {
        let Run { alarms, early, .. } = self.sum;
        let count = thousands(whole(alarms as f64));
        let text = format!("{count} ({:.1})", self.allowed());
        let broken = poisson_interval(alarms).0 > self.allowed();
        let text = if broken { format!("**{text}**") } else { text };
        let part = self.sum.in_incident as f64 / self.sum.ticks.max(1) as f64;
        format!("{} | {text} | {early} | {:.2} %", self.days(), part * 100.0)
    }

    /// Alarms, what was allowed, and the rate with its certainty.
    pub(super) fn summary(&self) -> String {
        let (low, high) = poisson_interval(self.sum.alarms);
        let rate = |alarms: f64| alarms / self.allowed();
        format!(
            "{} where {:.1} were allowed: {:.2} of the promised rate (95 % certain: {:.2}–{:.2})",
            self.sum.alarms,
            self.allowed(),
            rate(self.sum.alarms as f64),
            rate(low),
            rate(high)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many days with so many incidents of an hour each.
    fn run(days: u64, incidents: u64) -> Run {
        let mut run = Run::default();
        for tick in 0..days * 86_400 {
            run.tick(tick / 7_200 < incidents && tick % 7_200 >= 3_600);
        }
        run
    }

    fn tally(incidents: u64) -> Tally {
        Tally::of([run(5, 0), run(5, incidents)].into_iter(), DAY)
    }

    #[test]
    fn incidents_count_once_and_take_time() {
        assert_eq!(tally(0).cells(), "10 | 0 (10.0) | 0 | 0.00 %");
        assert_eq!(tally(12).cells(), "10 | 12 (9.5) | 0 | 5.00 %");
        assert_eq!(tally(24).cells(), "10 | **24 (9.0)** | 0 | 10.00 %");
        let mut early = Run::default();
        for skewed in [true, true, false, true] {
            early.tick(skewed);
        }
        assert_eq!((early.alarms, early.early), (2, 2));
    }

    #[test]
    fn a_promise_is_kept_or_broken() {
        assert!(tally(9).kept() && !tally(10).kept());
        assert_eq!(
            tally(0).summary(),
            "0 where 10.0 were allowed: 0.00 of the promised rate (95 % certain: 0.00–0.37)"
        );
    }
}
