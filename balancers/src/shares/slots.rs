//! Hash values of a small range, taken modulo the sum of weights.

/// How much of the hash values `0..range` falls to each server, if a value belongs to slot `value % sum` and each server has
/// as many slots in a row as its weight.
///
/// Even only if the sum of weights is far below the range: otherwise the first slots get one value more than the last,
/// and slots from `range` on get none.
pub(super) fn residues(range: u64, weights: impl Iterator<Item = u64> + Clone) -> Vec<f64> {
    let sum = total(weights.clone());
    if sum == 0 {
        return weights.map(|_| 0.0).collect();
    }
    let (rounds, rest) = (range / sum, range % sum);
    let mut begin = 0_u64;
    weights
        .map(|weight| {
            let end = begin.saturating_add(weight);
            let extra = end.min(rest) - begin.min(rest);
            begin = end;
            // At most `range`, since `rounds` times the sum of all weights is.
            (rounds * weight + extra) as f64 / range as f64
        })
        .collect()
}

/// The sum of weights, the largest number if it is larger.
pub(super) fn total(weights: impl Iterator<Item = u64>) -> u64 {
    weights.fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn as_if_counted(range in 1_u64..700, weights in prop::collection::vec(1_u64..300, 1..6)) {
            let sum: u64 = weights.iter().sum();
            let mut counted = vec![0_u64; weights.len()];
            for value in 0..range {
                let mut slot = value % sum;
                for (count, weight) in counted.iter_mut().zip(&weights) {
                    if slot < *weight {
                        *count += 1;
                        break;
                    }
                    slot -= weight;
                }
            }
            let expected: Vec<f64> = counted.iter().map(|count| *count as f64 / range as f64).collect();
            prop_assert_eq!(residues(range, weights.iter().copied()), expected);
        }
    }

    #[test]
    fn sums_may_be_huge() {
        let shares = residues(6271, [u64::MAX, u64::MAX].into_iter());
        assert_eq!(shares, [1.0, 0.0]);
    }
}
