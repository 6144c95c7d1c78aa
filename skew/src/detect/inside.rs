//! Evidence that every share is inside its tolerance: the same machinery turned round.
//!
//! For each backend and side the null hypothesis is that its share is at the boundary or beyond; the alternatives are
//! inside. Only when every one of these null hypotheses is refuted is the pool even. If it is not, at least one of them is
//! true, and refuting that one alone takes the promised mean time: no correction for their number is needed. (Berger,
//! "Multiparameter hypothesis testing and acceptance sampling", 1982, on intersection-union tests.)

use super::by_share::ByShare;
use super::outside::Bounds;
use super::running_sum::{next, single};
use super::terms::Terms;

/// Alternatives: how far from the expected share to the boundary.
const POINTS: [f64; 3] = [0.0, 0.5, 0.85];

/// Evidence is not gathered beyond this many times what is needed, so that it is lost in time when shares change.
const CAP: f64 = 10.0;

/// The evidence of all backends and sides.
#[derive(Debug, Clone)]
pub(super) struct Inside {
    /// Above and below, of each backend.
    sums: Vec<[Sums; 2]>,
    boundaries: ByShare<[Boundary; 2]>,
    /// Whether there is any boundary: a single backend has none, and nothing can be shown of it.
    tested: bool,
    least: f64,
    cap: f32,
}

/// The evidence of each alternative.
type Sums = [f32; POINTS.len()];

/// One boundary of a backend.
#[derive(Debug, Clone, Copy)]
struct Boundary {
    /// ln f, with f the odds of the alternative over those of the boundary.
    log_odds: [f64; POINTS.len()],
    /// ln(1 + b (f - 1)). Infinitely negative where there is no boundary: nothing is to be shown then.
    cost: [f64; POINTS.len()],
}

impl Inside {
    pub(super) fn new(shares: &[f64], terms: &Terms) -> Self {
        let mut inside = Self {
            sums: vec![Default::default(); shares.len()],
            boundaries: ByShare::default(),
            tested: false,
            least: 0.0,
            cap: single(CAP * terms.recovery_ticks * POINTS.len() as f64),
        };
        inside.expect(shares, terms.tolerance);
        inside
    }

    /// Moves the boundaries and keeps the evidence.
    pub(super) fn expect(&mut self, shares: &[f64], tolerance: f64) {
        let bounds = |share| Bounds::new(share, tolerance);
        let tested = |bounds: Bounds| bounds.high.is_some() || bounds.low.is_some();
        self.tested = shares.iter().any(|&share| tested(bounds(share)));
        self.boundaries.expect(shares, |share| {
            let Bounds { low, high } = bounds(share);
            [high, low].map(|boundary| Boundary::new(share, boundary))
        });
    }

    /// A tick with `total` > 0 new connections.
    pub(super) fn observe(&mut self, counts: &[u64], total: f64, phi: f64) {
        let weight = phi.recip();
        let total = total * weight;
        let cap = self.cap;
        let mut least = if self.tested { cap } else { 0.0 };
        let backends = self.sums.iter_mut().zip(self.boundaries.iter());
        for ((sums, boundaries), &count) in backends.zip(counts) {
            let count = count as f64 * weight;
            for (sums, boundary) in sums.iter_mut().zip(boundaries) {
                least = least.min(boundary.observe(sums, count, total, cap));
            }
        }
        self.least = least.into();
    }

    /// Forgets all evidence.
    pub(super) fn reset(&mut self) {
        self.sums.fill(Default::default());
        self.least = 0.0;
    }

    /// The least evidence of all backends and sides.
    pub(super) fn statistic(&self) -> f64 {
        self.least
    }
}

impl Boundary {
    fn new(share: f64, boundary: Option<f64>) -> Self {
        let Some(boundary) = boundary else {
            return Self {
                log_odds: Default::default(),
                cost: [f64::NEG_INFINITY; POINTS.len()],
            };
        };
        let odds = POINTS.map(|point| {
            let inside = share + point * (boundary - share);
            inside * (1.0 - boundary) / (boundary * (1.0 - inside))
        });
        Self {
            log_odds: odds.map(f64::ln),
            cost: odds.map(|odds| (boundary * (odds - 1.0)).ln_1p()),
        }
    }

    /// The mean over the alternatives.
    #[inline]
    fn observe(&self, sums: &mut Sums, count: f64, total: f64, cap: f32) -> f32 {
        let mut mean = 0.0;
        for ((sum, odds), cost) in sums.iter_mut().zip(self.log_odds).zip(self.cost) {
            *sum = next(*sum, count * odds - total * cost, cap);
            mean += *sum / POINTS.len() as f32;
        }
        mean
    }
}
