//! Seeded randomness that is fast enough for hundreds of millions of ticks: whatever is drawn often comes from a table.

/// The `SplitMix64` generator (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// The stream number `index` of `seed`.
    pub(super) fn new(seed: u64, index: u64) -> Self {
        let mut mixer = Self(seed);
        Self(mixer.bits() ^ index.wrapping_mul(GAMMA).rotate_left(32))
    }

    #[inline]
    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// Evenly distributed between 0 and 1, never either.
    #[inline]
    pub(super) fn unit(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// One of `0..end`, and how far into it the draw was, in parts of 2^64. `end` is above 0.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the upper half of a product of 64 bits each, below `end`, and its lower half"
    )]
    pub(super) fn below(&mut self, end: usize) -> (usize, u64) {
        let product = u128::from(self.bits()) * end as u128;
        ((product >> 64) as usize, product as u64)
    }

    pub(super) fn exponential(&mut self, mean: f64) -> f64 {
        -self.unit().ln() * mean
    }

    /// By Box and Muller.
    pub(super) fn normal(&mut self) -> f64 {
        let (radius, angle) = (self.exponential(2.0).sqrt(), self.unit());
        radius * (std::f64::consts::TAU * angle).cos()
    }
}

/// A number rounded down; 0 if it is negative.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rounding down is meant, and the cast saturates"
)]
pub(super) fn whole(number: f64) -> usize {
    number as usize
}

/// A distribution over `first..`, drawn from in constant time. (Walker 1977; Vose, "A linear algorithm for generating random
/// numbers with a given distribution", 1991.)
#[derive(Clone, Debug)]
pub(super) struct Table {
    first: usize,
    cells: Vec<Cell>,
}

/// Its own value below the threshold, another one from there on.
#[derive(Clone, Copy, Debug)]
struct Cell {
    threshold: u64,
    other: usize,
}

impl Table {
    /// Of values with these weights; at least one is positive.
    pub(super) fn new(first: usize, weights: &[f64]) -> Self {
        let scale = weights.len() as f64 / weights.iter().sum::<f64>();
        let mut left: Vec<f64> = weights.iter().map(|weight| weight * scale).collect();
        let mut cells: Vec<Cell> = (0..left.len())
            .map(|other| Cell {
                threshold: u64::MAX,
                other,
            })
            .collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..left.len()).partition(|&value| left[value] < 1.0);
        while let (Some(&giver), Some(taker)) = (large.last(), small.pop()) {
            cells[taker] = Cell {
                threshold: parts(left[taker]),
                other: giver,
            };
            left[giver] -= 1.0 - left[taker];
            if left[giver] < 1.0 {
                large.pop();
                small.push(giver);
            }
        }
        Self { first, cells }
    }

    /// The Poisson distribution, up to where its tails are below 1e-30.
    pub(super) fn poisson(mean: f64) -> Self {
        let spread = 12.0 * mean.sqrt() + 30.0;
        let (first, mode) = (whole(mean - spread), whole(mean));
        let last = mode + whole(spread);
        let mut weights = vec![1.0; last - first + 1];
        for value in mode + 1..=last {
            weights[value - first] = weights[value - first - 1] * mean / value as f64;
        }
        for value in (first..mode).rev() {
            weights[value - first] = weights[value - first + 1] * (value + 1) as f64 / mean;
        }
        Self::new(first, &weights)
    }

    /// The geometric distribution over 1, 2, ... with this mean, above 1.
    pub(super) fn geometric(mean: f64) -> Self {
        let again = 1.0 - 1.0 / mean;
        let length = whole(70.0 * mean);
        let weights: Vec<f64> = std::iter::successors(Some(1.0), |weight| Some(weight * again))
            .take(length)
            .collect();
        Self::new(1, &weights)
    }

    #[inline]
    pub(super) fn draw(&self, random: &mut Random) -> usize {
        let (index, part) = random.below(self.cells.len());
        let cell = self.cells[index];
        self.first
            + if part < cell.threshold {
                index
            } else {
                cell.other
            }
    }
}

/// A part of 1 as parts of 2^64.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative, and 1 saturates"
)]
fn parts(part: f64) -> u64 {
    (part * 2.0_f64.powi(64)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(mut draw: impl FnMut(&mut Random) -> f64) -> (f64, f64) {
        let mut random = Random::new(1, 0);
        let values: Vec<f64> = (0..200_000).map(|_| draw(&mut random)).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let squares = values.iter().map(|value| (value - mean).powi(2));
        (mean, squares.sum::<f64>() / values.len() as f64)
    }

    /// Within five standard errors of the mean, and about as near with the variance.
    fn assert_moments((mean, variance): (f64, f64), (true_mean, true_variance): (f64, f64)) {
        let error = (true_variance / 200_000.0).sqrt();
        assert!(
            (mean - true_mean).abs() < 5.0 * error,
            "mean {mean}, not {true_mean}"
        );
        assert!(
            (variance / true_variance - 1.0).abs() < 0.05,
            "variance {variance}, not {true_variance}"
        );
    }

    #[test]
    fn poisson_has_its_moments_at_any_mean() {
        for mean in [0.01, 0.7, 5.0, 80.0, 5_000.0] {
            let table = Table::poisson(mean);
            assert_moments(moments(|random| table.draw(random) as f64), (mean, mean));
        }
        assert_eq!(Table::poisson(0.0).draw(&mut Random::new(1, 1)), 0);
    }

    #[test]
    fn others_have_their_moments() {
        let table = Table::geometric(8.0);
        assert_moments(moments(|random| table.draw(random) as f64), (8.0, 56.0));
        assert_moments(moments(|random| random.exponential(3.0)), (3.0, 9.0));
        assert_moments(moments(Random::normal), (0.0, 1.0));
        assert_moments(moments(Random::unit), (0.5, 1.0 / 12.0));
        let table = Table::new(3, &[1.0, 0.0, 3.0]);
        assert_moments(moments(|random| table.draw(random) as f64), (4.5, 0.75));
    }

    #[test]
    fn streams_repeat_and_differ() {
        let first = |seed, index| Random::new(seed, index).bits();
        assert_eq!(first(1, 2), first(1, 2));
        assert_ne!(first(1, 2), first(1, 3));
        assert_ne!(first(1, 2), first(2, 2));
    }
}
