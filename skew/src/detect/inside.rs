//! Evidence that every share is inside its tolerance: the same machinery turned round.
//!
//! For each backend and side the null hypothesis is that its share is at the boundary or beyond; the alternatives are
//! inside. Only when every one of these null hypotheses is refuted is the pool even. If it is not, at least one of them is
//! true, and refuting that one alone takes the promised mean time: no correction for their number is needed. (Berger,
//! "Multiparameter hypothesis testing and acceptance sampling", 1982, on intersection-union tests.)

use super::outside::Bounds;
use super::running_sum::next;
use super::terms::Terms;

/// Alternatives: how far from the expected share to the boundary.
const POINTS: [f64; 3] = [0.0, 0.5, 0.85];

/// Evidence is not gathered beyond this many times what is needed, so that it is lost in time when shares change.
const CAP: f64 = 10.0;

/// The evidence of all backends and sides.
#[derive(Debug, Clone)]
pub(super) struct Inside {
    sides: Vec<[Boundary; 2]>,
    /// Whether there is any boundary: a single backend has none, and nothing can be shown of it.
    tested: bool,
    least: f64,
    cap: f64,
}

/// One boundary of one backend.
#[derive(Debug, Clone, Copy, Default)]
struct Boundary {
    sums: [f64; POINTS.len()],
    /// ln f, with f the odds of the alternative over those of the boundary.
    log_odds: [f64; POINTS.len()],
    /// ln(1 + b (f - 1)). Infinitely negative where there is no boundary: nothing is to be shown then.
    cost: [f64; POINTS.len()],
}

impl Inside {
    pub(super) fn new(shares: &[f64], terms: &Terms) -> Self {
        let mut inside = Self {
            sides: vec![Default::default(); shares.len()],
            tested: false,
            least: 0.0,
            cap: CAP * terms.recovery_ticks * POINTS.len() as f64,
        };
        inside.expect(shares, terms.tolerance);
        inside
    }

    /// Moves the boundaries and keeps the evidence.
    pub(super) fn expect(&mut self, shares: &[f64], tolerance: f64) {
        self.tested = false;
        for ([above, below], &share) in self.sides.iter_mut().zip(shares) {
            let bounds = Bounds::new(share, tolerance);
            self.tested |= bounds.high.is_some() || bounds.low.is_some();
            above.expect(share, bounds.high);
            below.expect(share, bounds.low);
        }
    }

    /// A tick with `total` > 0 new connections.
    pub(super) fn observe(&mut self, counts: &[u64], total: f64, phi: f64) {
        let weight = phi.recip();
        let total = total * weight;
        let cap = self.cap;
        let mut least = if self.tested { cap } else { 0.0 };
        for (sides, &count) in self.sides.iter_mut().zip(counts) {
            let count = count as f64 * weight;
            for side in sides {
                least = least.min(side.observe(count, total, cap));
            }
        }
        self.least = least;
    }

    /// Forgets all evidence.
    pub(super) fn reset(&mut self) {
        for side in self.sides.iter_mut().flatten() {
            side.sums = Default::default();
        }
        self.least = 0.0;
    }

    /// The least evidence of all backends and sides.
    pub(super) fn statistic(&self) -> f64 {
        self.least
    }
}

impl Boundary {
    fn expect(&mut self, share: f64, boundary: Option<f64>) {
        let Some(boundary) = boundary else {
            self.log_odds = Default::default();
            self.cost = [f64::NEG_INFINITY; POINTS.len()];
            return;
        };
        for (i, point) in POINTS.iter().enumerate() {
            let inside = share + point * (boundary - share);
            let odds = inside * (1.0 - boundary) / (boundary * (1.0 - inside));
            self.log_odds[i] = odds.ln();
            self.cost[i] = (boundary * (odds - 1.0)).ln_1p();
        }
    }

    /// The mean over the alternatives.
    #[inline]
    fn observe(&mut self, count: f64, total: f64, cap: f64) -> f64 {
        let mut mean = 0.0;
        for i in 0..POINTS.len() {
            let log_ratio = count * self.log_odds[i] - total * self.cost[i];
            self.sums[i] = next(self.sums[i], log_ratio, cap);
            mean += self.sums[i] / POINTS.len() as f64;
        }
        mean
    }
}
