//! One series of one agent, as its samples come: what it grew by between two instants.
//!
//! Agents are scraped at different moments, and the fleet compares them at the same ones: between two samples a counter is taken to
//! have grown evenly. What it grew by is rounded down, and what is rounded off counts at the next instant, so that nothing is lost
//! or counted twice.

use std::collections::VecDeque;

/// A counter, in milliseconds since the epoch.
#[derive(Clone, Debug, Default)]
pub(super) struct Counter {
    /// The last sample as it was exported.
    raw: f64,
    /// The first sample, until it is known whether what was before it counts.
    first: Option<f64>,
    /// Growth since the first sample, at the samples from the one before the last instant on.
    points: VecDeque<(u64, f64)>,
    taken: u64,
}

/// What a sample did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// It is known already, or is none.
    Nothing,
    /// It was taken over.
    Sample,
    /// So it was, and the counter had begun anew.
    Reset,
}

impl Counter {
    /// Takes a sample over if it is newer than the last. A counter that fell has begun anew, at 0.
    pub(super) fn add(&mut self, at: u64, value: f64) -> Added {
        let Some((newest, grown)) = self.points.back().copied() else {
            if value.is_finite() {
                (self.raw, self.first) = (value, Some(value));
                self.points.push_back((at, 0.0));
            }
            return Added::Sample;
        };
        if at <= newest || !value.is_finite() {
            return Added::Nothing;
        }
        let fell = value < self.raw;
        let growth = if fell { value } else { value - self.raw };
        self.raw = value;
        self.points.push_back((at, grown + growth));
        if fell { Added::Reset } else { Added::Sample }
    }

    /// Decides on the first sample: whether the counter is known to have been 0 at a moment, so that the sample itself is growth.
    pub(super) fn settle(&mut self, began: impl FnOnce(u64) -> Option<u64>) {
        let (Some(first), Some((at, _))) = (self.first.take(), self.points.front().copied()) else {
            return;
        };
        if let Some(zero) = began(at) {
            for (_, grown) in &mut self.points {
                *grown += first;
            }
            self.points
                .push_front((zero.min(at.saturating_sub(1)), 0.0));
        }
    }

    /// What it grew by since it was last asked, up to an instant that is later than that.
    pub(super) fn take(&mut self, at: u64) -> u64 {
        let grown = self.grown(at);
        let growth = grown.saturating_sub(self.taken);
        self.taken += growth;
        // The point before the instant is needed for the next one.
        while self.points.get(1).is_some_and(|(time, _)| *time <= at) {
            self.points.pop_front();
        }
        growth
    }

    /// Growth up to an instant; up to the last sample if that is earlier.
    fn grown(&self, at: u64) -> u64 {
        let after = self.points.iter().position(|(time, _)| *time > at);
        let grown = match after {
            Some(0) => 0.0,
            Some(place) => {
                let ((t0, v0), (t1, v1)) = (self.points[place - 1], self.points[place]);
                v0 + (v1 - v0) * ((at - t0) as f64 / (t1 - t0) as f64)
            }
            None => self.points.back().map_or(0.0, |(_, grown)| *grown),
        };
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "rounded down on purpose; counters are far below 2^53"
        )]
        let whole = grown as u64;
        whole
    }
}

/// A number that goes up and down.
#[derive(Clone, Debug, Default)]
pub(super) struct Gauge(VecDeque<(u64, u64)>);

impl Gauge {
    /// Takes a sample over if it is newer than the last.
    pub(super) fn add(&mut self, at: u64, value: f64) {
        if self.0.back().is_none_or(|(newest, _)| at > *newest) && value.is_finite() {
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "saturates; what is counted is whole"
            )]
            self.0.push_back((at, value.round() as u64));
        }
    }

    /// The last value at an instant, before which none is asked for any longer.
    pub(super) fn take(&mut self, at: u64) -> u64 {
        while self.0.get(1).is_some_and(|(time, _)| *time <= at) {
            self.0.pop_front();
        }
        match self.0.front() {
            Some((time, value)) if *time <= at => *value,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counter(samples: &[(u64, f64)]) -> Counter {
        let mut counter = Counter::default();
        for (at, value) in samples {
            counter.add(*at, *value);
        }
        counter.settle(|_| None);
        counter
    }

    #[test]
    fn growth_is_spread_evenly_between_samples() {
        let mut counter = counter(&[(1000, 50.0), (16_000, 80.0), (31_000, 95.0)]);
        assert_eq!(counter.take(1000), 0);
        assert_eq!(counter.take(8500), 15);
        assert_eq!(counter.take(16_000), 15);
        assert_eq!(counter.take(23_500), 7, "rounded down");
        assert_eq!(counter.take(38_500), 8, "what was rounded off comes later");
    }

    #[test]
    fn a_missed_scrape_leaves_a_gap_that_the_next_one_fills() {
        let mut counter = counter(&[(0, 0.0), (15_000, 30.0)]);
        assert_eq!(counter.take(30_000), 30);
        assert_eq!(counter.take(45_000), 0, "nothing is invented");
        counter.add(60_000, 120.0);
        assert_eq!(counter.take(60_000), 90);
    }

    #[test]
    fn a_counter_that_fell_has_begun_anew() {
        let mut counter = counter(&[(0, 100.0), (15_000, 130.0)]);
        assert_eq!(counter.add(30_000, 5.0), Added::Reset);
        assert_eq!(counter.add(30_000, 700.0), Added::Nothing, "known already");
        assert_eq!(counter.add(15_000, 1.0), Added::Nothing, "too late");
        assert_eq!(counter.add(45_000, f64::NAN), Added::Nothing);
        assert_eq!(counter.take(30_000), 35);
    }

    #[test]
    fn the_first_sample_counts_only_if_the_counter_is_known_to_have_begun() {
        let mut known = Counter::default();
        known.add(15_000, 40.0);
        known.add(30_000, 50.0);
        let mut unknown = known.clone();
        known.settle(|_| Some(5000));
        unknown.settle(|_| None);
        assert_eq!(known.take(10_000), 20);
        assert_eq!(known.take(30_000), 30);
        assert_eq!(unknown.take(30_000), 10);
    }

    #[test]
    fn a_gauge_shows_the_last_value() {
        let mut gauge = Gauge::default();
        gauge.add(10, 5.0);
        gauge.add(20, 7.0);
        assert_eq!((gauge.take(5), gauge.take(10), gauge.take(19)), (0, 5, 5));
        assert_eq!((gauge.take(20), gauge.take(99)), (7, 7));
    }

    proptest! {
        /// However samples and instants lie, all growth is counted once.
        #[test]
        fn nothing_is_lost_or_counted_twice(
            samples in proptest::collection::vec((1..40_000_u64, 0..500_u32, any::<bool>()), 1..40),
            instants in proptest::collection::vec(1..30_000_u64, 1..40),
        ) {
            let (mut at, mut raw, mut truth) = (0, 0.0, 0.0);
            let mut counter = Counter::default();
            counter.add(0, 0.0);
            counter.settle(|_| None);
            let (mut now, mut sum) = (0, 0);
            let mut instants = instants.into_iter();
            for (pause, growth, restarted) in samples {
                at += pause;
                // A restart that does not make the counter fall is not seen.
                let restarted = restarted && f64::from(growth) < raw;
                raw = if restarted { 0.0 } else { raw } + f64::from(growth);
                truth += f64::from(growth);
                counter.add(at, raw);
                counter.add(at, raw);
                if let Some(step) = instants.next() {
                    now += step;
                    sum += counter.take(now);
                    prop_assert!(sum as f64 <= truth);
                }
            }
            sum += counter.take(at.max(now + 1));
            prop_assert!((sum as f64 - truth).abs() < 1e-6 || sum as f64 + 1.0 >= truth && sum as f64 <= truth);
        }
    }
}
