//! Evidence that a share is outside its tolerance.
//!
//! For backend i with c of n new connections, boundary b (the highest or lowest share that the tolerance allows) and an
//! alternative beyond it whose odds are f times those of b, the logarithm of the likelihood ratio is
//!
//! ```text
//! L = [c ln f - n ln(1 + b (f - 1))] / phi
//! ```
//!
//! which is `c ln(a/b) + (n - c) ln((1-a)/(1-b))` with a written by its odds. As long as the true share is on the inner side of b,
//! the mean of e^L is at most 1. (Lindon and Malek, "Anytime-valid inference for multinomial count data", 2022.)

use super::by_share::ByShare;
use super::running_sum::{RunningSum, single};
use super::terms::{Side, Terms};

/// Odds of the alternatives, over those of the boundary: from just outside to a backend that gets nearly nothing or
/// nearly everything.
const HOT: [f64; 5] = [1.15, 1.5, 2.0, 3.0, 6.0];
const COLD: [f64; 4] = [0.85, 0.6, 0.3, 0.02];
/// The parts that they have in a backend's statistic. An alternative costs the logarithm of its part in evidence, so those have the
/// most that matter most: a little too much, about twice the share, and next to nothing.
const PART_HOT: [f64; HOT.len()] = [0.21, 0.28, 0.09, 0.05, 0.03];
const PART_COLD: [f64; COLD.len()] = [0.08, 0.06, 0.05, 0.15];

/// The highest share that a boundary may be: someone must be able to be above it.
const HIGHEST: f64 = 1.0 - 1e-3;

/// Evidence is not gathered beyond this many times what an alarm takes, so that it is lost in time when shares change.
const CAP: f64 = 1e3;

/// The shares that the tolerance allows a backend. A side on which nothing can be outside has no boundary.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) low: Option<f64>,
    pub(super) high: Option<f64>,
}

impl Bounds {
    pub(super) fn new(share: f64, tolerance: f64) -> Self {
        let high = (share * (1.0 + tolerance)).min(HIGHEST);
        let low = share * (1.0 - tolerance);
        // The only backend of a pool has all of it.
        let alone = share >= 1.0;
        Self {
            low: (low > 0.0 && !alone).then_some(low),
            high: (high > share).then_some(high),
        }
    }
}

/// The evidence of all backends.
#[derive(Debug, Clone)]
pub(super) struct Outside {
    backends: Vec<Backend>,
    costs: ByShare<Costs>,
    log_odds_hot: [f64; HOT.len()],
    log_odds_cold: [f64; COLD.len()],
    /// The parts of all alternatives together.
    parts: f64,
    /// The sum over all of them, each times its part.
    total: f64,
    cap: f32,
    alarm: f64,
}

#[derive(Debug, Clone)]
struct Backend {
    hot: [RunningSum; HOT.len()],
    cold: [RunningSum; COLD.len()],
    /// Observations until it may be cold.
    wait: u32,
}

/// ln(1 + b (f - 1)) of each alternative. Infinite where there is no boundary: then the evidence stays 0.
#[derive(Debug, Clone)]
struct Costs {
    hot: [f64; HOT.len()],
    cold: [f64; COLD.len()],
}

impl Outside {
    pub(super) fn new(shares: &[f64], terms: &Terms) -> Self {
        let backend = Backend {
            hot: Default::default(),
            cold: Default::default(),
            wait: 0,
        };
        let mut outside = Self {
            backends: vec![backend; shares.len()],
            costs: ByShare::default(),
            log_odds_hot: HOT.map(f64::ln),
            log_odds_cold: COLD.map(f64::ln),
            parts: 0.0,
            total: 0.0,
            cap: 0.0,
            alarm: terms.false_alarm_ticks,
        };
        outside.expect(shares, terms.tolerance);
        outside
    }

    pub(super) fn len(&self) -> usize {
        self.backends.len()
    }

    /// Moves the boundaries and keeps the evidence.
    pub(super) fn expect(&mut self, shares: &[f64], tolerance: f64) {
        self.costs.expect(shares, |share| {
            let bounds = Bounds::new(share, tolerance);
            Costs {
                hot: costs(bounds.high, HOT),
                cold: costs(bounds.low, COLD),
            }
        });
        let (hot, cold): (f64, f64) = (PART_HOT.iter().sum(), PART_COLD.iter().sum());
        let parts = shares.iter().map(|&share| {
            let bounds = Bounds::new(share, tolerance);
            bounds.high.map_or(0.0, |_| hot) + bounds.low.map_or(0.0, |_| cold)
        });
        self.parts = parts.sum();
        if self.parts <= 0.0 {
            self.parts = 1.0;
        }
        let smallest = PART_HOT
            .iter()
            .chain(&PART_COLD)
            .copied()
            .fold(1.0, f64::min);
        self.cap = single(CAP * self.alarm * self.parts / smallest);
    }

    /// Makes a backend new: it cannot be cold for so many observations.
    pub(super) fn wait(&mut self, backend: usize, observations: u32) {
        if let Some(backend) = self.backends.get_mut(backend) {
            backend.wait = observations;
        }
    }

    /// How many observations it still cannot be cold.
    pub(super) fn waits(&self, backend: usize) -> u32 {
        self.backends.get(backend).map_or(0, |backend| backend.wait)
    }

    /// A tick with `total` > 0 new connections, `elapsed` ticks after the last such one.
    pub(super) fn observe(&mut self, counts: &[u64], total: f64, phi: f64, elapsed: f32) {
        let weight = phi.recip();
        let hot = self.log_odds_hot.map(|log| log * weight);
        let cold = self.log_odds_cold.map(|log| log * weight);
        let total = total * weight;
        let mut sum = 0.0;
        let backends = self.backends.iter_mut().zip(self.costs.iter());
        for ((backend, costs), &count) in backends.zip(counts) {
            let count = count as f64;
            for ((term, cost), log) in backend.hot.iter_mut().zip(costs.hot).zip(hot) {
                term.observe(count * log - total * cost, elapsed, self.cap);
            }
            sum += weighted(&backend.hot, &PART_HOT);
            if backend.wait > 0 {
                backend.wait -= 1;
                continue;
            }
            for ((term, cost), log) in backend.cold.iter_mut().zip(costs.cold).zip(cold) {
                term.observe(count * log - total * cost, elapsed, self.cap);
            }
            sum += weighted(&backend.cold, &PART_COLD);
        }
        self.total = sum;
    }

    /// Forgets all evidence.
    pub(super) fn reset(&mut self) {
        for backend in &mut self.backends {
            backend.hot = Default::default();
            backend.cold = Default::default();
        }
        self.total = 0.0;
    }

    /// The pool's statistic: the mean over all backends and alternatives, by their parts.
    pub(super) fn statistic(&self) -> f64 {
        self.total / self.parts
    }

    /// What a backend contributes to the statistic: (hot, cold).
    pub(super) fn of(&self, backend: usize) -> (f64, f64) {
        self.backends.get(backend).map_or((0.0, 0.0), |backend| {
            (
                weighted(&backend.hot, &PART_HOT) / self.parts,
                weighted(&backend.cold, &PART_COLD) / self.parts,
            )
        })
    }

    /// Ticks since the onset, by the alternatives of the backend and side that contribute most. None without evidence.
    pub(super) fn age(&self) -> Option<f64> {
        let (sum, weighted) = (0..self.backends.len())
            .flat_map(|backend| {
                [Side::Hot, Side::Cold].map(|side| self.weighted_age(backend, side))
            })
            .max_by(|a, b| a.0.total_cmp(&b.0))?;
        (sum > 0.0).then(|| weighted / sum)
    }

    /// The evidence of a side, and its age times that.
    fn weighted_age(&self, backend: usize, side: Side) -> (f64, f64) {
        let backend = &self.backends[backend];
        let (terms, parts): (&[RunningSum], &[f64]) = match side {
            Side::Hot => (&backend.hot, &PART_HOT),
            Side::Cold => (&backend.cold, &PART_COLD),
        };
        let both = terms.iter().zip(parts);
        both.fold((0.0, 0.0), |(sum, aged), (term, part)| {
            let evidence = term.sum() * part;
            (sum + evidence, aged + evidence * term.age())
        })
    }
}

/// The sum of terms, each times its part.
fn weighted(terms: &[RunningSum], parts: &[f64]) -> f64 {
    terms
        .iter()
        .zip(parts)
        .map(|(term, part)| term.sum() * part)
        .sum()
}

fn costs<const N: usize>(boundary: Option<f64>, odds: [f64; N]) -> [f64; N] {
    match boundary {
        Some(boundary) => odds.map(|odds| (boundary * (odds - 1.0)).ln_1p()),
        None => [f64::INFINITY; N],
    }
}
