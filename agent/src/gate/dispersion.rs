//! How much more, or less, than independent connections a pool's counts vary: phi.
//!
//! The run is cut into blocks of equal time. Two adjacent blocks are compared by Pearson's chi-square for "both have the same
//! shares"; phi is the sum of these over what independent connections would give. Round robin deals cards and gives far less
//! than 1, a lot is 1, clients that open ten connections at once give about 10. No long-run shares enter, so a shift of
//! shares in the middle of the run disturbs one pair of blocks and not all.

/// Blocks that a run is cut into, if it has so many ticks with connections.
const BLOCKS: usize = 20;
/// Fewer tell nothing.
const FEWEST_BLOCKS: usize = 4;
/// A block has at least so many connections per backend on average: with fewer, the least unevenness is that of whole numbers.
const FEWEST_PER_BACKEND: f64 = 1.0;
/// Each block is in two comparisons, so that these are not independent; so much of their degrees of freedom is left. For
/// sums of squares of adjacent differences: 2 (B - 1)^2 / (3 B - 4) over B - 1, at large B.
const OVERLAP: f64 = 2.0 / 3.0;

/// An estimate of phi.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Dispersion {
    /// The estimate.
    pub(super) phi: f64,
    /// Its degrees of freedom.
    pub(super) freedom: f64,
}

impl Dispersion {
    /// Estimates it from the counts of each tick, one per backend; `None` if the run was too short or too sparse.
    pub(super) fn of(ticks: &[Vec<f64>], backends: usize) -> Option<Self> {
        if backends < 2 {
            return None;
        }
        let whole: f64 = ticks.iter().flatten().sum();
        let per_block = FEWEST_PER_BACKEND * backends as f64;
        let most = whole / per_block;
        let blocks = (FEWEST_BLOCKS..=BLOCKS)
            .rev()
            .find(|blocks| *blocks as f64 <= most)?;
        let fine = Self::between(&blocks_of(ticks, backends, blocks))?;
        // Clumps that last longer than a block show in larger ones; what is certain of them counts.
        let coarse = Self::between(&blocks_of(ticks, backends, blocks / 2)).map_or(0.0, |coarse| {
            coarse.phi / (1.0 + 2.0 * (2.0 / coarse.freedom).sqrt())
        });
        Some(Self {
            phi: fine.phi.max(coarse),
            ..fine
        })
    }

    fn between(blocks: &[Vec<f64>]) -> Option<Self> {
        let (mut square, mut freedom) = (0.0, 0.0);
        for pair in blocks.windows(2) {
            if let Some((found, expected)) = compare(&pair[0], &pair[1]) {
                square += found;
                freedom += expected;
            }
        }
        (blocks.len() >= FEWEST_BLOCKS && freedom > 0.0).then(|| Self {
            phi: square / freedom,
            freedom: (freedom * OVERLAP).max(1.0),
        })
    }
}

/// Neighbouring ticks with connections, in as many groups, or in fewer if there are fewer ticks.
fn blocks_of(ticks: &[Vec<f64>], backends: usize, blocks: usize) -> Vec<Vec<f64>> {
    let busy: Vec<&Vec<f64>> = ticks
        .iter()
        .filter(|tick| tick.iter().sum::<f64>() > 0.0)
        .collect();
    let blocks = blocks.min(busy.len()).max(1);
    (0..blocks)
        .map(|block| {
            let part = &busy[busy.len() * block / blocks..busy.len() * (block + 1) / blocks];
            let mut sums = vec![0.0; backends];
            for tick in part {
                for (sum, load) in sums.iter_mut().zip(*tick) {
                    *sum += load;
                }
            }
            sums
        })
        .collect()
}

/// The chi-square of two blocks, and the mean of that of independent connections: exactly (k - 1) N / (N - 1), given the
/// sums over both. (Haldane, "The mean and variance of chi-squared", 1940.)
fn compare(first: &[f64], second: &[f64]) -> Option<(f64, f64)> {
    let (a, b): (f64, f64) = (first.iter().sum(), second.iter().sum());
    if a < 1.0 || b < 1.0 {
        return None;
    }
    let (up, down) = ((b / a).sqrt(), (a / b).sqrt());
    let (mut square, mut columns) = (0.0, 0.0);
    for (x, y) in first.iter().zip(second) {
        if x + y > 0.0 {
            square += (x * up - y * down).powi(2) / (x + y);
            columns += 1.0;
        }
    }
    Some((square, (columns - 1.0) * (a + b) / (a + b - 1.0)))
}

#[cfg(test)]
mod tests {
    use super::super::simulation::{Random, clumps, independent, rotation};
    use super::*;

    fn mean(make: impl Fn(&mut Random) -> Vec<Vec<f64>>) -> f64 {
        let mut random = Random::new(7);
        let runs = 200;
        let sum: f64 = (0..runs)
            .map(|_| Dispersion::of(&make(&mut random), 5).unwrap().phi)
            .sum();
        sum / f64::from(runs)
    }

    #[test]
    fn it_is_that_of_the_traffic() {
        let even = [0.2; 5];
        let alone = mean(|random| independent(random, &even, 100, 40));
        assert!((0.95..1.1).contains(&alone), "{alone}");
        let eights = mean(|random| clumps(random, &even, 8, 100, 40));
        assert!((7.0..9.5).contains(&eights), "{eights}");
        let dealt = mean(|_| rotation(&even, 1, 100, 41));
        assert!(dealt < 0.05, "{dealt}");
    }

    #[test]
    fn a_shift_in_the_middle_is_no_dispersion() {
        let mut random = Random::new(3);
        let mut ticks = independent(&mut random, &[0.2; 5], 50, 100);
        ticks.extend(independent(
            &mut random,
            &[0.6, 0.1, 0.1, 0.1, 0.1],
            50,
            100,
        ));
        let found = Dispersion::of(&ticks, 5).unwrap();
        assert!(found.phi < 15.0, "{found:?}");
    }

    #[test]
    fn little_traffic_tells_nothing() {
        let mut random = Random::new(3);
        assert_eq!(Dispersion::of(&[], 5), None);
        let burst = independent(&mut random, &[0.2; 5], 2, 1000);
        assert_eq!(Dispersion::of(&burst, 5), None);
        let few = independent(&mut random, &[0.2; 5], 15, 1);
        assert_eq!(Dispersion::of(&few, 5), None);
    }
}
