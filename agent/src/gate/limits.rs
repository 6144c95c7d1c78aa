//! What a pool is held to.

use super::judge::Side;

/// The limits of a gate; those that are `None` are not judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// The most that the hottest backend may get of what it should get, above 1.
    pub max_to_mean: Option<f64>,
    /// The most that the Gini coefficient may be above what chance alone makes of it, in 0 to 1.
    pub gini: Option<f64>,
    /// The part by which each share may differ from the expected one, above 0.
    pub tolerance: Option<f64>,
    /// Whether no connection attempt may fail.
    pub no_failed: bool,
    /// How sure each decision is, in 0.5 to 1: it is wrong with the rest of the probability at most.
    pub confidence: f64,
}

impl Limits {
    /// How sure a decision is if nobody says otherwise.
    pub const CONFIDENCE: f64 = 0.99;
}

/// One thing that a pool is held to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// No backend gets more than so many times its expected share.
    MaxToMean(f64),
    /// The Gini coefficient, less what is by chance, is not above this.
    Gini(f64),
    /// No share differs from the expected one by more than this part.
    Tolerance(f64),
    /// No connection attempt failed.
    NoFailed,
}

impl Limit {
    /// Its name on the command line, without dashes in front.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MaxToMean(_) => "max-to-mean",
            Self::Gini(_) => "gini",
            Self::Tolerance(_) => "tolerance",
            Self::NoFailed => "no-failed",
        }
    }

    /// The number that is not to be exceeded.
    pub const fn value(self) -> f64 {
        match self {
            Self::MaxToMean(limit) | Self::Gini(limit) | Self::Tolerance(limit) => limit,
            Self::NoFailed => 0.0,
        }
    }

    /// The largest and the least that a share may be, as multiples of the expected share; `None` if it is no limit on single
    /// shares.
    pub(super) fn of_share(self) -> Option<Range> {
        match self {
            Self::MaxToMean(limit) => Some(Range {
                high: limit,
                low: None,
            }),
            Self::Tolerance(part) => Some(Range {
                high: 1.0 + part,
                low: (part < 1.0).then_some(1.0 - part),
            }),
            Self::Gini(_) | Self::NoFailed => None,
        }
    }
}

/// What a share may be, in multiples of the expected one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    pub(super) high: f64,
    pub(super) low: Option<f64>,
}

impl Range {
    /// Its ends, with the side on which a share leaves it.
    pub(super) fn ends(self) -> impl Iterator<Item = (Side, f64)> {
        let low = self.low.map(|low| (Side::Cold, low));
        std::iter::once((Side::Hot, self.high)).chain(low)
    }
}
