//! How much traffic it takes to see a doubling: what a pool's evidence can do at best.

use super::outside::Bounds;

/// Connections per unit of evidence (ln A), when a backend of median share gets twice what it should while the others get
/// what they should: a share of `2 w / (1 + w)`.
///
/// No detector whose mean time between false alarms is A can have a worst-case mean delay much below `ln A / I`
/// connections, with I the Kullback-Leibler divergence per connection of the changed share from the boundary. (Lorden,
/// "Procedures for reacting to a change in distribution", 1971.) Infinite if a doubling is within the tolerance.
#[derive(Debug, Clone)]
pub(super) struct DetectionTime {
    divergence: f64,
    scratch: Vec<f64>,
}

impl DetectionTime {
    pub(super) fn new(shares: &[f64], tolerance: f64) -> Self {
        let mut time = Self {
            divergence: 0.0,
            scratch: Vec::with_capacity(shares.len()),
        };
        time.expect(shares, tolerance);
        time
    }

    pub(super) fn expect(&mut self, shares: &[f64], tolerance: f64) {
        self.scratch.clear();
        self.scratch.extend_from_slice(shares);
        let middle = shares.len() / 2;
        let (_, &mut median, _) = self.scratch.select_nth_unstable_by(middle, f64::total_cmp);
        let doubled = 2.0 * median / (1.0 + median);
        self.divergence = match Bounds::new(median, tolerance).high {
            Some(high) if doubled > high => divergence(doubled, high),
            _ => 0.0,
        };
    }

    /// Connections until the natural logarithm of the evidence is `evidence`, at dispersion `phi`.
    pub(super) fn connections(&self, evidence: f64, phi: f64) -> f64 {
        evidence * phi / self.divergence
    }
}

/// Kullback-Leibler divergence of one connection with probability `p` from one with probability `q`, in nats.
fn divergence(p: f64, q: f64) -> f64 {
    p * (p / q).ln() + (1.0 - p) * ((-p).ln_1p() - (-q).ln_1p())
}
