//! What a fair share is: weights, checked and normalised once per pool.

use std::error::Error;
use std::fmt;

use crate::chance::Chance;

/// The smallest share a backend may have of its pool.
///
/// Below it, a relative load says nothing: one connection would be a million million times too many. The largest weight
/// that balancers take is 2^32 - 1, which leaves room.
pub const MIN_SHARE: f64 = 1e-12;

/// The expected shares of a pool: one per backend, each positive, with sum 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    shares: Vec<f64>,
    equal: bool,
    chance: Chance,
}

impl Expected {
    /// Normalises weights to shares. The weights' scale has no meaning: `[1, 2]` and `[10, 20]` are the same pool.
    ///
    /// Takes O(k log k) for k backends and allocates; make it when the pool changes, not on every measurement.
    pub fn from_weights(weights: &[f64]) -> Result<Self, WeightError> {
        if let Some((index, &weight)) = weights
            .iter()
            .enumerate()
            .find(|(_, w)| !(w.is_finite() && **w > 0.0))
        {
            return Err(WeightError::NotPositive { index, weight });
        }
        let largest = weights
            .iter()
            .copied()
            .reduce(f64::max)
            .ok_or(WeightError::Empty)?;
        // Dividing by the largest first keeps the sum finite whatever the weights are.
        let sum: f64 = weights.iter().map(|w| w / largest).sum();
        let shares: Vec<f64> = weights.iter().map(|w| w / largest / sum).collect();
        if let Some((index, &share)) = shares
            .iter()
            .enumerate()
            .find(|(_, share)| **share < MIN_SHARE)
        {
            return Err(WeightError::Negligible {
                index,
                weight: weights[index],
                share,
            });
        }
        Ok(Self {
            equal: weights.iter().all(|w| w.total_cmp(&weights[0]).is_eq()),
            chance: Chance::new(&shares),
            shares,
        })
    }

    /// The expected share of each backend, in the order of the weights.
    pub fn shares(&self) -> &[f64] {
        &self.shares
    }

    /// The number of backends: at least 1.
    #[expect(
        clippy::len_without_is_empty,
        reason = "a pool without backends cannot be made"
    )]
    pub fn len(&self) -> usize {
        self.shares.len()
    }

    /// Whether all backends have the same weight.
    pub fn is_equal(&self) -> bool {
        self.equal
    }

    /// The Gini coefficient to expect when `sample_size` connections are spread at random by these shares: what a fair
    /// balancer shows by chance. Range 0 to `1 - sum w_i^2`; it falls as 1 / sqrt(`sample_size`).
    ///
    /// `dispersion` is the variance of the counts over that of independent connections: 1 if every connection is placed
    /// on its own, 8 if they come in clumps of eight. n connections in clumps carry as much information as n / dispersion
    /// independent ones. For large n this multiplies the result by sqrt(dispersion); for small n the result stays within
    /// its range. Values below 1 and NaN count as 1.
    ///
    /// With equal weights it is exact up to a sample of 32 (over the dispersion) and within a relative 1e-4 beyond; with
    /// two backends within 0.26 / `sample_size`, because the sample's being even or odd is smoothed out. With unequal
    /// weights it is exact for a sample of one and in the limit of large ones, and an approximation in between: usually
    /// within 2 %, in the worst pools that were tried within 10 %, with two backends within 16 %. A sample of at most 1, or
    /// NaN, gives the value for a single connection.
    pub fn gini_by_chance(&self, sample_size: f64, dispersion: f64) -> f64 {
        self.chance.gini(sample_size / dispersion.max(1.0))
    }
}

/// Weights from which no shares can be made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum WeightError {
    /// There is no weight at all.
    Empty,
    /// A weight is zero, negative, infinite or not a number.
    NotPositive {
        /// Position of the weight.
        index: usize,
        /// Its value.
        weight: f64,
    },
    /// A weight is so small beside the others that its share is below [`MIN_SHARE`].
    Negligible {
        /// Position of the weight.
        index: usize,
        /// Its value.
        weight: f64,
        /// The share it would have.
        share: f64,
    },
}

impl fmt::Display for WeightError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "a pool needs at least one weight"),
            Self::NotPositive { index, weight } => {
                write!(
                    f,
                    "weight {weight} at index {index} is not a positive finite number; leave out backends that get no traffic"
                )
            }
            Self::Negligible {
                index,
                weight,
                share,
            } => {
                write!(
                    f,
                    "weight {weight} at index {index} is a share of {share:e}, below {MIN_SHARE:e}; raise it or leave the backend out"
                )
            }
        }
    }
}

impl Error for WeightError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_sum_to_one_and_keep_the_order() {
        let expected = Expected::from_weights(&[3.0, 1.0, 4.0]).unwrap();
        assert_eq!(expected.shares(), [0.375, 0.125, 0.5]);
        assert_eq!(expected.len(), 3);
        assert!(!expected.is_equal());
    }

    #[test]
    fn equality_is_of_all_weights() {
        assert!(Expected::from_weights(&[7.0]).unwrap().is_equal());
        assert!(Expected::from_weights(&[0.1; 1000]).unwrap().is_equal());
        assert!(!Expected::from_weights(&[1.0, 1.0, 1.5]).unwrap().is_equal());
    }

    #[test]
    fn only_ratios_matter_up_to_the_largest_floats() {
        let small = Expected::from_weights(&[1.0, 2.0, 1.0]).unwrap();
        let large = Expected::from_weights(&[f64::MAX / 2.0, f64::MAX, f64::MAX / 2.0]).unwrap();
        assert_eq!(small, large);
    }

    #[test]
    fn errors_name_the_place_and_the_value() {
        assert_eq!(Expected::from_weights(&[]), Err(WeightError::Empty));
        for bad in [0.0, -1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            let error = Expected::from_weights(&[1.0, 1.0, bad]).unwrap_err();
            assert!(
                matches!(error, WeightError::NotPositive { index: 2, .. }),
                "{error:?}"
            );
            assert!(
                error
                    .to_string()
                    .contains(&format!("weight {bad} at index 2")),
                "{error}"
            );
        }
        let error = Expected::from_weights(&[1e300, 1.0]).unwrap_err();
        assert!(
            matches!(error, WeightError::Negligible { index: 1, .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains("weight 1 at index 1"), "{error}");
    }
}
