//! Caddy's `weighted_round_robin`.

use super::by_weight;

/// The share of each upstream that is available, of `upstreams` in the pool's order, by the weights of the policy.
///
/// `WeightedRoundRobinSelection.Select` in `modules/caddyhttp/reverseproxy/selectionpolicies.go`: the weights above 0 choose
/// an index by a counter; the index is into the list of upstreams that are available and whose own weight is above 0, and
/// starts over at its end. So the weights belong to upstreams by position only while all are available. With fewer than two
/// weights the first upstream gets all, available or not.
///
/// `None`: Caddy would look for a weight that is not there, and ends the connection.
pub fn caddy_weighted(weights: &[u64], available: &[bool]) -> Option<Vec<f64>> {
    let mut shares = vec![0.0; available.len()];
    if weights.len() < 2 {
        if let Some(first) = shares.first_mut() {
            *first = 1.0;
        }
        return Some(shares);
    }
    let positive: Vec<f64> = weights
        .iter()
        .filter(|weight| **weight > 0)
        .map(|weight| *weight as f64)
        .collect();
    let mut taken = Vec::new();
    for (index, available) in available.iter().enumerate() {
        if *available && *weights.get(index)? > 0 {
            taken.push(index);
            if taken.len() == positive.len() {
                break;
            }
        }
    }
    if !taken.is_empty() {
        for (index, share) in by_weight(&positive).into_iter().enumerate() {
            shares[taken[index % taken.len()]] += share;
        }
    }
    Some(shares)
}

#[cfg(test)]
mod tests {
    use super::caddy_weighted;

    #[test]
    fn by_position() {
        let all = [true; 3];
        assert_eq!(caddy_weighted(&[8, 1, 1], &all), Some(vec![0.8, 0.1, 0.1]));
        assert_eq!(
            caddy_weighted(&[0, 3, 1], &all),
            Some(vec![0.0, 0.75, 0.25])
        );
        assert_eq!(caddy_weighted(&[8], &all), Some(vec![1.0, 0.0, 0.0]));
        assert_eq!(caddy_weighted(&[3, 1], &all), Some(vec![0.75, 0.25, 0.0]));
        // The fourth weight falls to the first upstream.
        assert_eq!(
            caddy_weighted(&[1, 1, 1, 1], &all),
            Some(vec![0.5, 0.25, 0.25])
        );
    }

    #[test]
    fn of_what_is_available() {
        let without_first = [false, true, true];
        assert_eq!(
            caddy_weighted(&[8, 1, 1], &without_first),
            Some(vec![0.0, 0.9, 0.1])
        );
        assert_eq!(caddy_weighted(&[8, 1], &without_first), None);
        assert_eq!(caddy_weighted(&[8, 1], &[false; 2]), Some(vec![0.0, 0.0]));
    }
}
