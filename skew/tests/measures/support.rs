//! What the tests of this crate share: measuring in one call, and reproducible randomness.

use evenkeel_skew::{Expected, Measures, Meter};

/// Measures counts that are known to fit and not to be all zero.
pub(crate) fn measure(weights: &[f64], counts: &[u64]) -> Measures {
    let expected = Expected::from_weights(weights).expect("weights are positive");
    Meter::new()
        .measure(&expected, counts)
        .expect("one count per weight")
        .expect("some count is positive")
}

/// The two differ by rounding at most.
pub(crate) fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs()))
}

/// `SplitMix64` (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in 0..1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }
}
