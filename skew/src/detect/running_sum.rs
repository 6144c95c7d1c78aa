//! The statistic of Shiryaev and Roberts: evidence that something changed, at a time that is not known.
//!
//! Let `e_s` be the likelihood ratio of what was seen in tick s between an alternative and the boundary of the null
//! hypothesis; under the null its mean is at most 1. The statistic is the sum, over all ticks at which the change may have
//! happened, of the ratio of everything since:
//!
//! ```text
//! M_n = sum_(s <= n) e_s e_(s+1) ... e_n        M <- (M + 1) e
//! ```
//!
//! `M_n - n` is a supermartingale under the null, so that the mean time until M reaches A is at least A, and so it is for a
//! mean of several such sums. (Shiryaev 1963; Roberts 1966; Shin, Ramdas, Rinaldo, "E-detectors: a nonparametric framework
//! for sequential change detection", 2022.) It is kept as it is, without logarithms: the only transcendental function per
//! step is the exponential that makes e.
//!
//! There are many of them for each backend, so they are kept in single precision: a pass over all of them costs as much as its
//! way through memory. Rounding to nearest is as often up as down, by 6e-8 of M a step.

/// No single tick counts for more than e to this power. Less evidence than there was keeps the promise; an alarm takes a few
/// ticks at any rate of traffic; and one clump of connections to one backend is none, however large it is.
pub(super) const MOST_PER_TICK: f64 = 4.0;

/// A sum that also knows how long ago the change was, if there was one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RunningSum {
    /// M.
    sum: f32,
    /// Ticks from the change until now: the mean over s, weighted by the products above. In the words of Bayes, the mean of
    /// the change's time given what was seen, when before it every tick was as likely as any other.
    age: f32,
}

impl RunningSum {
    /// One more observation, `elapsed` ticks after the last one. `log_ratio` is ln e.
    ///
    /// The age needs no e: all of the products are multiplied by it, and their weights stay. Only the new one, of age 0 and
    /// weight 1, comes in.
    #[inline]
    pub(super) fn observe(&mut self, log_ratio: f64, elapsed: f32, cap: f32) {
        self.age = (self.age + elapsed) * (self.sum / (self.sum + 1.0));
        self.sum = next(self.sum, log_ratio, cap);
    }

    /// M.
    #[inline]
    pub(super) fn sum(self) -> f64 {
        self.sum.into()
    }

    /// How many ticks ago the change was, if there was one.
    #[inline]
    pub(super) fn age(self) -> f64 {
        self.age.into()
    }
}

/// The next M. Capped, so that evidence which took an hour to gather does not take an hour to lose.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "between minus infinity, of which the exponential is 0, and the most per tick"
)]
pub(super) fn next(sum: f32, log_ratio: f64, cap: f32) -> f32 {
    ((sum + 1.0) * (log_ratio.min(MOST_PER_TICK) as f32).exp()).min(cap)
}

/// A bound of sums, in their precision.
#[expect(
    clippy::cast_possible_truncation,
    reason = "rounded; one that is too large is infinite"
)]
pub(super) fn single(bound: f64) -> f32 {
    bound as f32
}
