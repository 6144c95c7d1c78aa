//! What the detectors promise, and the words in which they answer.

/// On which side of its tolerance a backend is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// It gets more than its expected share and the tolerance.
    Hot,
    /// It gets less than its expected share and the tolerance.
    Cold,
}

/// What is known of one signal of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Finding {
    /// Too little traffic to say anything, or shares so close to the edge of the tolerance that neither side is shown.
    Unknown,
    /// There is evidence that every share is inside its tolerance.
    Even,
    /// There is more evidence of a skew than chance gives in the square root of the promised time, but not yet enough: with
    /// ninety days of ticks of a second, what chance gives once in 46 minutes.
    Suspect,
    /// Some share is outside its tolerance. It stays so until there is evidence that all are inside again.
    Skewed,
}

/// What the tests of a pool promise. All times are in ticks.
///
/// Values without meaning (not positive, not a number) count as the nearest that has one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// How far a share may be from its expected share, as a part of that: 0.25 allows 0.75 to 1.25 times it. Above 0; from 1
    /// on no backend is ever cold.
    pub tolerance: f64,
    /// Mean time between false alarms, above 1.
    pub false_alarm_ticks: f64,
    /// Mean time until a pool that is skewed is wrongly called even, above 1.
    pub recovery_ticks: f64,
    /// Ticks with traffic before evidence counts. Meanwhile the dispersion of the pool's counts is learned.
    pub warm_up_ticks: u32,
}

/// Longer times than the universe has been there at any tick; a thousand times that, for each of many backends, still fits into
/// single precision.
const LONGEST: f64 = 1e24;

impl Terms {
    /// The terms, with every value in a range in which all of the arithmetic is finite.
    pub(super) fn checked(self) -> Self {
        Self {
            tolerance: within(self.tolerance, 1e-6, 1e6),
            false_alarm_ticks: within(self.false_alarm_ticks, 1.0 + 1e-9, LONGEST),
            recovery_ticks: within(self.recovery_ticks, 1.0 + 1e-9, LONGEST),
            warm_up_ticks: self.warm_up_ticks,
        }
    }

    /// From here on a pool is suspect, and a backend is named: the geometric middle between no evidence and an alarm.
    pub(super) fn suspicion(&self) -> f64 {
        self.false_alarm_ticks.sqrt()
    }
}

/// Not a number becomes `low`.
pub(super) fn within(value: f64, low: f64, high: f64) -> f64 {
    value.max(low).min(high)
}

/// Evidence as it is shown: its decimal logarithm, 0 when there is none.
pub(super) fn shown(statistic: f64) -> f64 {
    statistic.max(1.0).log10()
}
