//! The least delay that any detector can have.

use super::pools::{PROMISE, TOLERANCE};

/// The highest share that counts as a boundary: someone must be able to be above it.
const HIGHEST: f64 = 1.0 - 1e-3;

/// Ticks that it takes at least on average, at `rate` connections a tick: no detector whose mean time between false alarms is
/// A can have a worst-case mean delay much below `ln A / I` connections, I being the largest Kullback-Leibler divergence of a
/// share from the nearest boundary of its tolerance. (Lorden, "Procedures for reacting to a change in distribution", 1971.)
///
/// None if all shares are inside their tolerance.
pub(super) fn least_delay(weights: &[f64], loads: &[f64], rate: f64) -> Option<f64> {
    let (weight, load) = (weights.iter().sum::<f64>(), loads.iter().sum::<f64>());
    let shares = weights
        .iter()
        .map(|one| one / weight)
        .zip(loads.iter().map(|one| one / load));
    let information = shares
        .map(|(expected, share)| information(expected, share))
        .fold(0.0, f64::max);
    (information > 1e-9).then(|| PROMISE.ln() / information / rate)
}

fn information(expected: f64, share: f64) -> f64 {
    let high = (expected * (1.0 + TOLERANCE)).min(HIGHEST);
    let low = expected * (1.0 - TOLERANCE);
    if share > high {
        divergence(share, high)
    } else if share < low {
        divergence(share, low)
    } else {
        0.0
    }
}

/// Of one connection with probability `p` from one with probability `q`, in nats.
fn divergence(p: f64, q: f64) -> f64 {
    let part = |p: f64, q: f64| if p > 0.0 { p * (p / q).ln() } else { 0.0 };
    part(p, q) + part(1.0 - p, 1.0 - q)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The figures of ten backends at fifty connections a tick, by hand.
    #[test]
    fn bounds_of_ten_backends() {
        let weights = [1.0; 10];
        let bound = |load| {
            let mut loads = weights;
            loads[4] = load;
            least_delay(&weights, &loads, 50.0)
        };
        assert!((bound(2.0).unwrap() - 24.1).abs() < 0.1, "{:?}", bound(2.0));
        // All of the evidence of a dead backend is its absence: -ln(1 - 0.075) per connection.
        assert!(
            (bound(0.0).unwrap() - 4.07).abs() < 0.01,
            "{:?}",
            bound(0.0)
        );
        assert_eq!(bound(1.2), None);
    }
}
