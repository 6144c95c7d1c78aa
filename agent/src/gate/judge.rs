//! Counts, expected shares and limits in; a judgement out. Pure.
//!
//! Each limit is decided by a test of its own: *skewed* if the counts are too unlikely for shares within the limit, *pass* if
//! they are too unlikely for shares beyond it, else *inconclusive*. "Too unlikely" is `1 - confidence`. The formulas are in
//! docs/gate.md.

use evenkeel_skew::{Expected, Measures, Meter};

use super::binomial::{at_least, at_most, highest, lowest};
use super::dispersion::Dispersion;
use super::gini;
use super::limits::{Limit, Limits};
use super::needed;
use super::noise::Noise;
use crate::model::Algorithm;

/// What was observed of one pool.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// What each backend should get.
    pub expected: &'a Expected,
    /// How the balancer chooses.
    pub algorithm: Algorithm,
    /// How many workers choose independently of each other, each by an account of its own; at least 1.
    pub schedulers: u32,
    /// Whether the loads are single connections or requests, so that chance alone says how much they vary. Bytes and open
    /// connections are not: how much they vary is known from `ticks` alone.
    pub countable: bool,
    /// The load of each backend, in the order of `expected`.
    pub loads: &'a [f64],
    /// The same for each tick of the run.
    pub ticks: &'a [Vec<f64>],
    /// Connection attempts that failed, over all backends.
    pub failed: u64,
}

/// What a limit, a pool or a gate comes to; the worst is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Within the limits, proven.
    Pass,
    /// Neither can be told.
    Inconclusive,
    /// Beyond a limit, proven.
    Skewed,
}

impl Outcome {
    /// The name that users read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Skewed => "skewed",
        }
    }
}

/// On which side a backend is outside of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It gets too much.
    Hot,
    /// It gets too little.
    Cold,
}

/// What came of one limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// The limit.
    pub limit: Limit,
    /// What was observed, in the unit of the limit.
    pub observed: f64,
    /// What it comes to.
    pub outcome: Outcome,
    /// The backends that are beyond it, proven.
    pub beyond: Vec<(usize, Side)>,
    /// About how many connections would be enough to tell; only where the outcome is open and a number is known.
    pub needed: Option<u64>,
}

/// What a pool is found to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// In the order of the limits.
    pub checks: Vec<Check>,
    /// How the load is spread; `None` if there was none.
    pub measures: Option<Measures>,
    /// Within which bounds the true share of each backend is, at the confidence; `None` if nothing is known of the noise.
    pub bounds: Vec<Option<(f64, f64)>>,
    /// How many times the load the same backends would carry if it were even, as far as it is proven to be uneven: the ratio
    /// of the hottest backend to the mean, and the least that it can be. `None` if it may be even.
    pub wasted: Option<Wasted>,
    /// What varies how much.
    pub noise: Noise,
}

/// Capacity that is wasted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wasted {
    /// The same backends would carry so many times the load.
    pub factor: f64,
    /// At the confidence, it is at least this; above 1.
    pub at_least: f64,
}

impl Judgement {
    /// The worst of all limits.
    pub fn outcome(&self) -> Outcome {
        worst(&self.checks)
    }

    /// The most connections that any open decision needs.
    pub fn needed(&self) -> Option<u64> {
        self.checks.iter().filter_map(|check| check.needed).max()
    }
}

/// The worst of all; what was not checked at all is open.
pub(super) fn worst(checks: &[Check]) -> Outcome {
    let worst = checks.iter().map(|check| check.outcome).max();
    worst.unwrap_or(Outcome::Inconclusive)
}

/// Judges a pool.
pub fn judge(observation: &Observation<'_>, limits: &Limits) -> Judgement {
    let trial = Trial::new(observation, limits);
    Judgement {
        checks: trial.checks(limits),
        measures: trial.measures,
        bounds: (0..observation.loads.len())
            .map(|index| trial.bounds(index))
            .collect(),
        wasted: trial.wasted(),
        noise: trial.noise,
    }
}

/// An observation, with what is known of its noise.
pub(super) struct Trial<'a> {
    pub(super) observation: &'a Observation<'a>,
    pub(super) measures: Option<Measures>,
    pub(super) noise: Noise,
    /// How likely a wrong decision may be.
    pub(super) risk: f64,
    pub(super) total: f64,
}

impl<'a> Trial<'a> {
    pub(super) fn new(observation: &'a Observation<'a>, limits: &Limits) -> Self {
        let risk = 1.0 - limits.confidence;
        let backends = observation.loads.len();
        let total = observation.loads.iter().sum();
        let found = Dispersion::of(observation.ticks, backends);
        let measures = Meter::new()
            .measure_levels(observation.expected, observation.loads, total)
            .ok()
            .flatten();
        Self {
            observation,
            measures,
            noise: Noise::of(observation, found, risk / (2.0 * backends as f64)),
            risk,
            total,
        }
    }

    /// Decides each of the limits.
    pub(super) fn checks(&self, limits: &Limits) -> Vec<Check> {
        let wanted = [
            limits.max_to_mean.map(Limit::MaxToMean),
            limits.gini.map(Limit::Gini),
            limits.tolerance.map(Limit::Tolerance),
            limits.no_failed.then_some(Limit::NoFailed),
        ];
        let wanted = wanted.into_iter().flatten();
        wanted.map(|limit| self.check(limit)).collect()
    }

    fn check(&self, limit: Limit) -> Check {
        let (observed, outcome, beyond) = match limit {
            Limit::NoFailed => {
                let failed = self.observation.failed;
                let outcome = if failed > 0 {
                    Outcome::Skewed
                } else {
                    Outcome::Pass
                };
                (failed as f64, outcome, Vec::new())
            }
            Limit::Gini(most) => {
                let (excess, outcome) = gini::decide(self, most);
                (excess, outcome, Vec::new())
            }
            Limit::MaxToMean(_) | Limit::Tolerance(_) => self.shares(limit),
        };
        let open = outcome == Outcome::Inconclusive;
        Check {
            limit,
            observed,
            outcome,
            beyond,
            needed: open.then(|| needed::of(self, limit)).flatten(),
        }
    }

    /// Decides a limit on single shares.
    fn shares(&self, limit: Limit) -> (f64, Outcome, Vec<(usize, Side)>) {
        let measures = self.measures.as_ref();
        let observed = match limit {
            Limit::MaxToMean(_) => measures.map_or(0.0, |all| all.max_to_mean),
            _ => measures.map_or(0.0, |all| {
                (all.max_to_mean - 1.0).max(1.0 - all.min_to_mean)
            }),
        };
        let (Some(range), Some(phi)) = (limit.of_share(), self.noise.phi) else {
            return (observed, Outcome::Inconclusive, Vec::new());
        };
        let mut within = self.total > 0.0;
        let mut beyond = Vec::new();
        for (index, &expected) in self.observation.expected.shares().iter().enumerate() {
            for (side, end) in range.ends() {
                let (outside, inside) = self.one(index, side, expected * end, phi);
                // Each of many backends may look outside by chance; that one that is outside looks inside may happen but to it.
                if outside < self.risk / self.tests(range.low.is_some()) {
                    beyond.push((index, side));
                }
                within &= inside < self.risk;
            }
        }
        let outcome = match (beyond.is_empty(), within) {
            (false, _) => Outcome::Skewed,
            (true, true) => Outcome::Pass,
            (true, false) => Outcome::Inconclusive,
        };
        (observed, outcome, beyond)
    }

    /// How many tests are made at once.
    fn tests(&self, both_sides: bool) -> f64 {
        let sides = if both_sides { 2.0 } else { 1.0 };
        sides * self.observation.loads.len() as f64
    }

    /// How likely the count of a backend is, if its share were at the limit: counts so far outside, and so far inside.
    fn one(&self, index: usize, side: Side, limit: f64, phi: f64) -> (f64, f64) {
        // A share is not above 1, so it cannot leave such a limit.
        if limit >= 1.0 && side == Side::Hot {
            return (1.0, 0.0);
        }
        let (count, slack, sample) = self.effective(index, phi);
        match side {
            Side::Hot => (
                at_least(count - slack, sample, limit),
                at_most(count + slack, sample, limit),
            ),
            Side::Cold => (
                at_most(count + slack, sample, limit),
                at_least(count - slack, sample, limit),
            ),
        }
    }

    /// Count, slack and sample in independent connections.
    fn effective(&self, index: usize, phi: f64) -> (f64, f64, f64) {
        let phi = phi.max(self.total / LARGEST_SAMPLE);
        (
            self.observation.loads[index] / phi,
            self.noise.slack / phi,
            self.total / phi,
        )
    }

    fn bounds(&self, index: usize) -> Option<(f64, f64)> {
        let phi = self.noise.phi?;
        if self.total <= 0.0 {
            return None;
        }
        let (count, slack, sample) = self.effective(index, phi);
        let each = self.risk / 2.0;
        Some((
            lowest(count - slack, sample, each),
            highest(count + slack, sample, each),
        ))
    }

    fn wasted(&self) -> Option<Wasted> {
        let phi = self.noise.phi?;
        let factor = self.measures.as_ref()?.max_to_mean;
        let risk = self.risk / self.tests(false);
        let shares = self.observation.expected.shares().iter().enumerate();
        let least = shares.map(|(index, expected)| {
            let (count, slack, sample) = self.effective(index, phi);
            lowest(count - slack, sample, risk) / expected
        });
        let at_least = least.fold(0.0, f64::max);
        (at_least > 1.0).then_some(Wasted { factor, at_least })
    }
}

/// More independent connections are not told from so many.
const LARGEST_SAMPLE: f64 = 1e6;
