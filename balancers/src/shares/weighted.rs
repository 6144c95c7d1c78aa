//! Shares in proportion to weights.

/// `w_i / W`: rotation by weight, draws by weight, and what algorithms that look at the load strive for in the number of
/// open connections.
///
/// A weight of 0 stands for a server that is not in rotation. Weights are finite and not negative; all shares are 0 if
/// all weights are.
pub fn by_weight(weights: &[f64]) -> Vec<f64> {
    let largest = weights.iter().copied().fold(0.0, f64::max);
    if largest <= 0.0 {
        return vec![0.0; weights.len()];
    }
    // Dividing by the largest first keeps the sum finite.
    let sum: f64 = weights.iter().map(|weight| weight / largest).sum();
    weights
        .iter()
        .map(|weight| weight / largest / sum)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::by_weight;

    #[test]
    fn in_proportion() {
        assert_eq!(by_weight(&[8.0, 1.0, 1.0, 0.0]), [0.8, 0.1, 0.1, 0.0]);
        assert_eq!(by_weight(&[0.0, 0.0]), [0.0, 0.0]);
        assert_eq!(by_weight(&[f64::MAX, f64::MAX]), [0.5, 0.5]);
    }
}
