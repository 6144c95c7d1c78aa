//! `gini_by_chance` against all outcomes of few connections, and against simulated balancers for many.

use super::support::{Random, measure};
use evenkeel_skew::{Expected, Meter};

/// The expected Gini coefficient of n connections, from all k^n ways to place them.
fn by_enumeration(weights: &[f64], n: u32) -> f64 {
    let sum: f64 = weights.iter().sum();
    let k = weights.len();
    let mut expectation = 0.0;
    for mut outcome in 0..k.pow(n) {
        let mut counts = vec![0; k];
        let mut probability = 1.0;
        for _ in 0..n {
            counts[outcome % k] += 1;
            probability *= weights[outcome % k] / sum;
            outcome /= k;
        }
        expectation += probability * measure(weights, &counts).gini;
    }
    expectation
}

/// Mean and standard error of the Gini coefficient over `rounds` of n connections each. They come in clumps, whose sizes
/// `clump` draws, and each clump goes to one backend by weight.
fn by_simulation(
    weights: &[f64],
    n: u64,
    rounds: u32,
    clump: impl Fn(&mut Random) -> u64,
) -> (f64, f64) {
    let expected = Expected::from_weights(weights).expect("weights are positive");
    let bounds: Vec<f64> = expected
        .shares()
        .iter()
        .scan(0.0, |bound, share| {
            *bound += share;
            Some(*bound)
        })
        .collect();
    let mut random = Random(n ^ weights.len() as u64);
    let mut meter = Meter::new();
    let (mut sum, mut square) = (0.0, 0.0);
    for _ in 0..rounds {
        let mut counts = vec![0; weights.len()];
        let mut left = n;
        while left > 0 {
            let size = clump(&mut random).min(left);
            let point = random.unit();
            let place = bounds
                .partition_point(|bound| *bound <= point)
                .min(weights.len() - 1);
            counts[place] += size;
            left -= size;
        }
        let gini = meter
            .measure(&expected, &counts)
            .expect("one count per weight")
            .expect("n > 0")
            .gini;
        sum += gini;
        square += gini * gini;
    }
    let rounds = f64::from(rounds);
    let mean = sum / rounds;
    (
        mean,
        ((square / rounds - mean * mean).max(0.0) / rounds).sqrt(),
    )
}

fn by_chance(weights: &[f64], n: u64, dispersion: f64) -> f64 {
    Expected::from_weights(weights)
        .expect("weights are positive")
        .gini_by_chance(n as f64, dispersion)
}

fn one_to(last: u8) -> Vec<f64> {
    (1..=last).map(f64::from).collect()
}

#[test]
fn equal_weights_and_few_connections_are_exact() {
    for (k, most) in [(1, 3), (2, 12), (3, 7), (4, 6), (5, 5), (8, 4)] {
        let weights = vec![1.0; k];
        for n in 1..=most {
            let (ours, exact) = (
                by_chance(&weights, u64::from(n), 1.0),
                by_enumeration(&weights, n),
            );
            assert!(
                (ours - exact).abs() < 1e-12,
                "n = {n}, k = {k}: {ours} and {exact}"
            );
        }
    }
}

#[test]
fn unequal_weights_and_few_connections_are_as_close_as_documented() {
    let pools = [
        (one_to(4), 1..=6, 0.04),
        (vec![1.0, 1.0, 1.0, 1.0, 10.0], 1..=5, 0.04),
        (vec![1.0, 2.0, 4.0, 8.0, 16.0], 1..=5, 0.04),
        (vec![1.0, 1.0, 3.0, 3.0], 1..=6, 0.04),
        (one_to(3), 1..=8, 0.10),
        (vec![1.0, 3.0, 10.0], 1..=8, 0.10),
        (vec![1.0, 2.0], 1..=14, 0.16),
        (vec![1.0, 3.0], 1..=14, 0.16),
        (vec![1.0, 10.0], 1..=14, 0.16),
        // One connection is exact in any pool.
        (vec![1.0, 2.0], 1..=1, 1e-12),
        (vec![1.0, 10.0, 100.0], 1..=1, 1e-12),
    ];
    for (weights, range, bound) in pools {
        for n in range {
            let (ours, exact) = (
                by_chance(&weights, u64::from(n), 1.0),
                by_enumeration(&weights, n),
            );
            assert!(
                (ours / exact - 1.0).abs() < bound,
                "n = {n}, {weights:?}: {ours} and {exact}"
            );
        }
    }
}

#[test]
fn equal_weights_agree_with_simulation() {
    for (k, n) in [
        (2, 60),
        (2, 1000),
        (3, 33),
        (5, 500),
        (10, 20),
        (10, 50),
        (10, 3000),
        (50, 50),
        (50, 1000),
        (500, 40),
        (500, 2000),
    ] {
        let weights = vec![1.0; k];
        let (mean, error) = by_simulation(&weights, n, 600, |_| 1);
        let ours = by_chance(&weights, n, 1.0);
        assert!(
            (ours - mean).abs() < 4.0 * error + 0.01 * mean / (n as f64).sqrt(),
            "n = {n}, k = {k}: {ours}, {mean} +- {error}"
        );
    }
}

#[test]
fn unequal_weights_agree_with_simulation() {
    let harmonic: Vec<f64> = (1..=20).map(|i| 1.0 / f64::from(i)).collect();
    let two_sizes = [vec![1.0; 50], vec![100.0; 50]].concat();
    let one_large = [vec![1.0; 9], vec![10.0]].concat();
    for weights in [
        one_to(4),
        one_to(10),
        one_to(200),
        harmonic,
        two_sizes,
        one_large,
    ] {
        for n in [10, 30, 100, 300, 2000] {
            let (mean, error) = by_simulation(&weights, n, 400, |_| 1);
            let ours = by_chance(&weights, n, 1.0);
            assert!(
                (ours - mean).abs() < 4.0 * error + 0.04 * mean,
                "n = {n}, k = {}: {ours}, {mean} +- {error}",
                weights.len()
            );
        }
    }
}

#[test]
fn many_connections_follow_the_central_limit_theorem() {
    for weights in [vec![1.0; 10], one_to(30), vec![1.0, 1000.0, 1000.0]] {
        let sum: f64 = weights.iter().sum();
        let n = 1e9;
        let mut limit = 0.0;
        for a in weights.iter().map(|w| w / sum) {
            for b in weights.iter().map(|w| w / sum) {
                limit +=
                    a * b / 2.0 * (2.0 / std::f64::consts::PI * (1.0 / a + 1.0 / b) / n).sqrt();
            }
        }
        // Backends are not paired with themselves.
        for w in weights.iter().map(|w| w / sum) {
            limit -= w * w / 2.0 * (2.0 / std::f64::consts::PI * 2.0 / w / n).sqrt();
        }
        let ours = Expected::from_weights(&weights)
            .unwrap()
            .gini_by_chance(n, 1.0);
        assert!(
            (ours / limit - 1.0).abs() < 1e-3,
            "{weights:?}: {ours} and {limit}"
        );
    }
}

#[test]
fn clumps_count_as_one_connection_each() {
    for (weights, n) in [
        (vec![1.0; 10], 80),
        (vec![1.0; 10], 800),
        (vec![1.0; 50], 8000),
        (one_to(10), 800),
    ] {
        let (mean, error) = by_simulation(&weights, n, 1000, |_| 8);
        let ours = by_chance(&weights, n, 8.0);
        assert!(
            (ours - mean).abs() < 4.0 * error + 0.02 * mean,
            "n = {n}: {ours}, {mean} +- {error}"
        );
    }
}

/// Clumps of 1, 2, 3, ... with mean 8: their dispersion is mean square over mean, 15.
#[test]
fn clumps_of_random_size_are_covered_by_their_dispersion() {
    let geometric = |random: &mut Random| {
        let mut size = 1;
        while random.unit() < 7.0 / 8.0 {
            size += 1;
        }
        size
    };
    for (weights, n, bound) in [
        (vec![1.0; 10], 300, 0.03),
        (vec![1.0; 10], 3000, 0.03),
        (vec![1.0; 50], 8000, 0.03),
    ] {
        let (mean, error) = by_simulation(&weights, n, 1000, geometric);
        let ours = by_chance(&weights, n, 15.0);
        assert!(
            (ours - mean).abs() < 4.0 * error + bound * mean,
            "n = {n}: {ours}, {mean} +- {error}"
        );
    }
}

#[test]
fn a_dispersion_below_one_counts_as_one() {
    let expected = Expected::from_weights(&[1.0; 10]).unwrap();
    let independent = expected.gini_by_chance(100.0, 1.0);
    for dispersion in [0.0, -3.0, 0.5, f64::NAN] {
        assert_eq!(
            expected.gini_by_chance(100.0, dispersion).to_bits(),
            independent.to_bits()
        );
    }
}
