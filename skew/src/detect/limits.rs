//! Limits of a Poisson mean, and quantiles of the normal and chi-square distributions.
//!
//! All by the cube root of Wilson and Hilferty: if G is gamma distributed with shape s, the cube root of G / s is nearly normal
//! with mean `1 - 1/(9 s)` and variance `1/(9 s)`. ("The distribution of chi-square", 1931.) It is within a few per cent in the
//! tail probability even for shapes near 1.

use std::f64::consts::{PI, TAU};

/// A boundary of a Poisson mean, prepared for being compared with many counts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mean {
    root: f64,
}

impl Mean {
    pub(super) fn new(mean: f64) -> Self {
        Self { root: mean.cbrt() }
    }

    /// The same boundary, when there is `factor` times as much of everything; given the cube root of it.
    pub(super) fn times(self, root_of_factor: f64) -> Self {
        Self {
            root: self.root * root_of_factor,
        }
    }
}

/// Standard normal deviates by which a count speaks for a mean above `mean`: as unlikely as such a deviate is a count
/// so high if the mean is not. The count need not be whole.
///
/// The lower limit of the mean at a probability is the quantile of a gamma distribution of shape `count`.
pub(super) fn above(count: f64, mean: Mean) -> f64 {
    let spread = 3.0 * count.sqrt();
    // Multiplied out, so that it is minus infinity for a count of 0.
    spread - 1.0 / spread - 3.0 * count.cbrt().sqrt() * mean.root
}

/// Standard normal deviates by which a count speaks for a mean below `mean`.
///
/// The upper limit of the mean is the quantile of a gamma distribution of shape `count + 1`.
pub(super) fn below(count: f64, mean: Mean) -> f64 {
    -above(count + 1.0, mean)
}

/// The deviate that is exceeded with this probability, at most 1/2; its error is below 4.5e-4. (Abramowitz and Stegun,
/// "Handbook of mathematical functions", 1964, 26.2.23.)
pub(super) fn normal_deviate(probability: f64) -> f64 {
    let t = (-2.0 * probability.clamp(f64::MIN_POSITIVE, 0.5).ln()).sqrt();
    t - (2.515_517 + t * (0.802_853 + t * 0.010_328))
        / (1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308)))
}

/// Natural logarithm of the probability that a positive deviate is exceeded; the probability is at most 6 % too large. By a
/// bound of Mills' ratio that is exact at 0 and at infinity. (Pollak, "A remark on 'Elementary inequalities for Mills'
/// ratio'", 1956.)
pub(super) fn log_probability(deviate: f64) -> f64 {
    let z = deviate.max(0.0);
    let mills = 2.0 / (z + (z * z + 8.0 / PI).sqrt());
    -0.5 * z * z + (mills / TAU.sqrt()).ln()
}

/// The chi-square with this many degrees of freedom, above 0, that is exceeded with this probability, at most 1/2.
pub(super) fn chi_square(freedom: f64, probability: f64) -> f64 {
    chi_square_at(freedom, normal_deviate(probability))
}

/// The same for the probability with which the normal deviate is exceeded.
pub(super) fn chi_square_at(freedom: f64, deviate: f64) -> f64 {
    let variance = 2.0 / (9.0 * freedom);
    freedom * (1.0 - variance + deviate * variance.sqrt()).powi(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (probability, deviate) in [
            (0.5, 0.0),
            (0.05, 1.644_854),
            (0.01, 2.326_348),
            (1e-7, 5.199_338),
        ] {
            assert!(
                (normal_deviate(probability) - deviate).abs() < 5e-4,
                "{probability}"
            );
        }
        for (freedom, expected) in [(1.0, 6.635), (4.0, 13.277), (9.0, 21.666), (99.0, 134.642)] {
            let found = chi_square(freedom, 0.01);
            assert!((found / expected - 1.0).abs() < 0.01, "{freedom}: {found}");
        }
    }

    #[test]
    fn tails_of_the_normal_distribution() {
        for (deviate, probability) in [
            (0.0, 0.5_f64),
            (1.0, 0.158_655),
            (3.0, 1.349_898e-3),
            (6.0, 9.865_876e-10),
        ] {
            let found = log_probability(deviate).exp();
            assert!(
                (found / probability - 1.0).abs() < 0.06,
                "{deviate}: {found}"
            );
        }
    }

    /// Exact limits of a Poisson mean at 0.025: Garwood, "Fiducial limits for the Poisson distribution", 1936.
    #[test]
    fn limits_are_those_of_garwood() {
        for (count, low, high) in [
            (1.0, 0.0253, 5.572),
            (5.0, 1.624, 11.668),
            (20.0, 12.217, 30.888),
            (100.0, 81.36, 121.63),
        ] {
            assert!((above(count, Mean::new(low)) - 1.96).abs() < 0.2, "{count}");
            assert!(
                (below(count, Mean::new(high)) - 1.96).abs() < 0.01,
                "{count}"
            );
        }
        assert!((below(0.0, Mean::new(3.689)) - 1.96).abs() < 0.02);
    }

    #[test]
    fn no_count_is_no_evidence_for_more() {
        assert!(above(0.0, Mean::new(3.0)) < -1e9);
        assert!(above(0.0, Mean::new(0.0)) < -1e9);
    }
}
