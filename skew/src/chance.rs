//! The Gini coefficient that a fair random balancer shows by chance.
//!
//! Let n connections each choose backend i with probability `w_i`. The expected Gini coefficient is the sum over all
//! pairs of `1/2 w_i w_j E|r_i - r_j|`, where `r_i - r_j` is a random walk of n steps: `1 / (n w_i)` up with probability
//! `w_i`, `1 / (n w_j)` down with probability `w_j`, else nothing. After one step `E|r_i - r_j|` is 2; [`remaining`] says
//! how much of it is left after n.
//!
//! *Equal weights.* All pairs are the same lazy walk, solved exactly for small n and by its Poisson limit with a
//! correction for large n.
//!
//! *Unequal weights.* A pair behaves like an equal one of some probability p between the two. Two facts fix it: after two
//! steps the part `1 - min(w_i, w_j)` remains, so p starts at the smaller one; by the central limit theorem `E|r_i - r_j|`
//! tends to `sqrt(2/pi) sqrt((1/w_i + 1/w_j) / n)`, so p ends at their harmonic mean. Pairs of similar harmonic mean are
//! merged into a [`PairClass`] once per pool, so that asking costs the same for ten and for ten thousand backends.

use crate::bessel::scaled_i0_i1;

/// Similar weights are grouped so that no pool has more distinct weights than this (and one). Within a group they differ
/// by at most the 128th root of the pool's largest over its smallest weight, and the group's mean stands for them.
const WEIGHT_GROUPS: f64 = 128.0;

/// Pairs whose harmonic means differ by less than this factor are in one class. No ratio of whole weights is e, so that
/// rounding does not decide in which class a pair is.
const CLASS_WIDTH: f64 = std::f64::consts::E;

/// Up to this many connections the walk is computed exactly, beyond by its corrected Poisson limit.
const EXACT_UP_TO: f64 = 32.0;

/// What remains to be known of a pool to say what is expected by chance.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chance {
    classes: Vec<PairClass>,
}

/// Pairs of backends that behave alike.
#[derive(Debug, Clone, Copy, PartialEq)]
struct PairClass {
    /// Sum of `w_i w_j` over the ordered pairs: the Gini coefficient they contribute after one connection.
    mass: f64,
    /// The probability p of the equal pair they behave like after few connections: the mean of `min(w_i, w_j)`.
    few: f64,
    /// The same after many: the harmonic mean of the two weights, averaged so that 1 / sqrt(p) is exact.
    many: f64,
}

impl Chance {
    pub(crate) fn new(shares: &[f64]) -> Self {
        let mut pairs = pairs(&weight_groups(shares));
        pairs.sort_unstable_by(|a, b| a.many.total_cmp(&b.many));
        let classes = runs(&pairs, |pair| pair.many, CLASS_WIDTH)
            .map(PairClass::merge)
            .collect();
        Self { classes }
    }

    /// The expected Gini coefficient after n connections; n need not be whole.
    pub(crate) fn gini(&self, n: f64) -> f64 {
        self.classes.iter().fold(0.0, |sum, class| {
            sum + class.mass * remaining(n, class.probability(n))
        })
    }
}

impl PairClass {
    /// Backends of weights `low` <= `high`, in `count` ordered pairs.
    fn new(low: f64, high: f64, count: f64) -> Self {
        Self {
            mass: count * low * high,
            few: low,
            many: 2.0 * low * high / (low + high),
        }
    }

    fn merge(pairs: &[Self]) -> Self {
        let mass: f64 = pairs.iter().map(|pair| pair.mass).sum();
        let few: f64 = pairs.iter().map(|pair| pair.mass * pair.few).sum();
        let inverse_root: f64 = pairs.iter().map(|pair| pair.mass / pair.many.sqrt()).sum();
        Self {
            mass,
            few: few / mass,
            many: (mass / inverse_root).powi(2),
        }
    }

    /// The probability of the equal pair that these behave like after n connections. The change from `few` to `many`
    /// happens when the smaller backend expects about half a connection; its shape was fitted to exact values.
    fn probability(&self, n: f64) -> f64 {
        let expected = n * self.few;
        self.many + (self.few - self.many) / (1.0 + 3.0 * expected * expected)
    }
}

/// Backends of about the same weight.
struct WeightGroup {
    weight: f64,
    count: f64,
}

fn weight_groups(shares: &[f64]) -> Vec<WeightGroup> {
    let mut sorted = shares.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let range = sorted
        .first()
        .zip(sorted.last())
        .map_or(1.0, |(low, high)| high / low);
    runs(&sorted, |weight| *weight, range.powf(1.0 / WEIGHT_GROUPS))
        .map(|run| {
            let count = run.len() as f64;
            WeightGroup {
                weight: run.iter().sum::<f64>() / count,
                count,
            }
        })
        .collect()
}

/// All pairs of different backends; the groups are in ascending order.
fn pairs(groups: &[WeightGroup]) -> Vec<PairClass> {
    let within = |group: &WeightGroup| {
        PairClass::new(
            group.weight,
            group.weight,
            group.count * (group.count - 1.0),
        )
    };
    let between = |low: &WeightGroup, high: &WeightGroup| {
        PairClass::new(low.weight, high.weight, 2.0 * low.count * high.count)
    };
    let mut pairs = Vec::with_capacity(groups.len() * (groups.len() + 1) / 2);
    for (i, low) in groups.iter().enumerate() {
        if low.count > 1.0 {
            pairs.push(within(low));
        }
        pairs.extend(groups[i + 1..].iter().map(|high| between(low, high)));
    }
    pairs
}

/// Cuts ascending `items` into runs in which no key is more than `width` times the first.
fn runs<T>(items: &[T], key: impl Fn(&T) -> f64, width: f64) -> impl Iterator<Item = &[T]> {
    let mut rest = items;
    std::iter::from_fn(move || {
        let limit = key(rest.first()?) * width;
        let (run, tail) = rest.split_at(rest.partition_point(|item| key(item) <= limit).max(1));
        rest = tail;
        Some(run)
    })
}

/// `E|S_n| / (2 n p)` for the lazy walk S with steps +1 and -1 of probability p each, 0 < p <= 1/2: the part of the
/// unevenness of one connection that remains after n. It is 1 for n <= 1 and tends to 1 / sqrt(pi n p).
fn remaining(n: f64, p: f64) -> f64 {
    if n > EXACT_UP_TO {
        remaining_after_many(n, p)
    } else if n > 1.0 {
        remaining_after_few(n, p)
    } else {
        // Also for NaN: nothing is known of the sample.
        1.0
    }
}

/// The mean of `P(S_t = 0)` over t < n, because each step away from 0 adds 2p to E|S|. The probabilities are the constant
/// terms of `(p x + (1 - 2p) + p/x)^t`, which obey a recurrence of three terms. A fraction of a step counts as that part.
fn remaining_after_few(n: f64, p: f64) -> f64 {
    let stay = 1.0 - 2.0 * p;
    let (mut before, mut at_zero) = (0.0, 1.0);
    let (mut sum, mut t) = (0.0, 0.0);
    while t < n {
        sum += at_zero * (n - t).min(1.0);
        let next = ((2.0 * t + 1.0) * stay * at_zero - t * (1.0 - 4.0 * p) * before) / (t + 1.0);
        (before, at_zero) = (at_zero, next);
        t += 1.0;
    }
    sum / n
}

/// If n were Poisson, the two counts would be independent, their difference Skellam's, and the result
/// `e^(-2 n p) (I0(2 n p) + I1(2 n p))`. That is too small by a relative 1 / (8 n); the term with I0 - I1 is the first one
/// of the de-Poissonisation, -n/2 times the second derivative by n, and leaves an error of order 1 / n^2.
fn remaining_after_many(n: f64, p: f64) -> f64 {
    let (i0, i1) = scaled_i0_i1(2.0 * n * p);
    i0 + i1 + p * (i0 - i1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    /// `E|S_n|` is 1/pi times the integral over 0..pi of `(1 - (1 - 2p (1 - cos t))^n) / (1 - cos t) dt`. The midpoint rule
    /// is exact here as soon as it has more than n points.
    fn remaining_by_integral(n: i32, p: f64) -> f64 {
        let steps = n + 8;
        let sum: f64 = (0..steps)
            .map(|i| {
                let t = PI * (f64::from(i) + 0.5) / f64::from(steps);
                let versine = 2.0 * (t / 2.0).sin().powi(2);
                (1.0 - (1.0 - 2.0 * p * versine).powi(n)) / versine
            })
            .sum();
        sum / f64::from(steps) / (2.0 * f64::from(n) * p)
    }

    #[test]
    fn few_connections_are_exact() {
        for backends in [2, 3, 4, 5, 10, 100, 10_000] {
            let p = 1.0 / f64::from(backends);
            for n in 1..=32 {
                let (ours, exact) = (remaining(f64::from(n), p), remaining_by_integral(n, p));
                assert!(
                    (ours - exact).abs() < 1e-11,
                    "n = {n}, k = {backends}: {ours} and {exact}"
                );
            }
        }
    }

    #[test]
    fn many_connections_are_within_the_documented_error() {
        for backends in [2, 3, 4, 5, 10, 100, 1000, 10_000] {
            let p = 1.0 / f64::from(backends);
            for n in [33, 40, 64, 100, 333, 1000, 10_000, 100_000] {
                let (ours, exact) = (remaining(f64::from(n), p), remaining_by_integral(n, p));
                let bound = if backends == 2 {
                    0.26 / f64::from(n)
                } else {
                    1e-4
                };
                assert!(
                    (ours / exact - 1.0).abs() < bound,
                    "n = {n}, k = {backends}: {ours} and {exact}"
                );
            }
        }
    }

    #[test]
    fn fractions_of_a_connection_lie_between() {
        for p in [0.5, 0.1, 0.001] {
            let mut last = f64::INFINITY;
            for quarter in 2..=4 * 40 {
                let now = remaining(f64::from(quarter) / 4.0, p);
                // At p = 1/2 every other step changes the sum, and the limit smooths that out: 1 / (4 n).
                assert!(
                    now <= last * (1.0 + 0.01),
                    "p = {p}, n = {quarter}/4: {now} after {last}"
                );
                last = now;
            }
        }
    }

    #[test]
    fn extreme_samples_are_finite() {
        let chance = Chance::new(&[0.1, 0.2, 0.7]);
        let one = 1.0 - 0.01 - 0.04 - 0.49;
        for n in [f64::NEG_INFINITY, -1.0, 0.0, 0.3, 1.0, f64::NAN] {
            assert!(
                (chance.gini(n) - one).abs() < 1e-12,
                "n = {n}: {}",
                chance.gini(n)
            );
        }
        assert!(chance.gini(1e300) < 1e-149);
        assert_eq!(chance.gini(f64::INFINITY).to_bits(), 0);
        assert_eq!(Chance::new(&[1.0]).gini(10.0).to_bits(), 0);
    }

    /// Grouping loses almost nothing, even for thousands of distinct weights over six orders of magnitude.
    #[test]
    fn grouped_weights_agree_with_all_pairs() {
        for (backends, range) in [(300_i32, 10.0_f64), (2000, 100.0), (2000, 1e6)] {
            let weights: Vec<f64> = (0..backends)
                .map(|i| range.powf((f64::from(i) / f64::from(backends)).powi(2)))
                .collect();
            let sum: f64 = weights.iter().sum();
            let shares: Vec<f64> = weights.iter().map(|w| w / sum).collect();
            let chance = Chance::new(&shares);
            assert!(weight_groups(&shares).len() <= 129);

            let (mut once, mut limit) = (0.0, 0.0);
            for (i, a) in shares.iter().enumerate() {
                for b in &shares[..i] {
                    once += 2.0 * a * b;
                    limit += a * b * (2.0 / PI * (1.0 / a + 1.0 / b)).sqrt();
                }
            }
            let n: f64 = 1e16;
            let ours = (chance.gini(1.0), chance.gini(n) * n.sqrt());
            assert!((ours.0 / once - 1.0).abs() < 1e-4, "{} and {once}", ours.0);
            assert!(
                (ours.1 / limit - 1.0).abs() < 1e-3,
                "{} and {limit}",
                ours.1
            );
        }
    }
}
