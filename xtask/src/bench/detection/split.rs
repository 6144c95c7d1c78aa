//! A Poisson number of events a tick, each to a backend by its load: many ticks, little work for each.

use super::random::{Random, Table};

/// How the events of a tick are drawn; the distribution is the same either way.
#[derive(Clone, Debug)]
pub(super) enum Split {
    /// A number for each backend: the table of each, and the tables.
    Each(Vec<usize>, Vec<Table>),
    /// Their number, then where each goes: cheaper where most backends get none.
    OneByOne { number: Table, which: Table },
}

impl Split {
    /// `rate` events a tick over backends with these loads, in any unit.
    pub(super) fn new(rate: f64, loads: &[f64]) -> Self {
        if rate < loads.len() as f64 {
            return Self::OneByOne {
                number: Table::poisson(rate),
                which: Table::new(0, loads),
            };
        }
        let total: f64 = loads.iter().sum();
        let mut different: Vec<f64> = loads.to_vec();
        different.sort_unstable_by(f64::total_cmp);
        different.dedup();
        let table = |load: &f64| different.partition_point(|other| other < load);
        let tables = loads.iter().map(table).collect();
        let poisson = |load: &f64| Table::poisson(rate * load / total);
        Self::Each(tables, different.iter().map(poisson).collect())
    }

    /// Tells the backends that have events, and how many. A backend can come more than once.
    #[inline]
    pub(super) fn draw(
        &self,
        random: &mut Random,
        mut tell: impl FnMut(&mut Random, usize, usize),
    ) {
        match self {
            Self::Each(of, tables) => {
                for (backend, &table) in of.iter().enumerate() {
                    let number = tables[table].draw(random);
                    tell(random, backend, number);
                }
            }
            Self::OneByOne { number, which } => {
                for _ in 0..number.draw(random) {
                    let backend = which.draw(random);
                    tell(random, backend, 1);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Means and variances of Poisson numbers, no covariance, and the same either way.
    #[test]
    fn both_ways_draw_independent_poisson_numbers() {
        for rate in [2.0, 60.0] {
            let split = Split::new(rate, &[3.0, 2.0, 1.0]);
            assert_eq!(matches!(split, Split::Each(..)), rate > 3.0);
            let mut random = Random::new(5, 0);
            let ticks = 100_000;
            let (mut sums, mut squares, mut product) = ([0.0; 3], [0.0; 3], 0.0);
            for _ in 0..ticks {
                let mut counts = [0.0; 3];
                split.draw(&mut random, |_, backend, number| {
                    counts[backend] += number as f64;
                });
                for (backend, count) in counts.iter().enumerate() {
                    sums[backend] += count;
                    squares[backend] += count * count;
                }
                product += counts[0] * counts[1];
            }
            let mean = |sum: f64| sum / f64::from(ticks);
            for (backend, expected) in [rate / 2.0, rate / 3.0, rate / 6.0].into_iter().enumerate()
            {
                let found = mean(sums[backend]);
                assert!(
                    (found / expected - 1.0).abs() < 0.02,
                    "{found}, not {expected}"
                );
                let variance = mean(squares[backend]) - found * found;
                assert!(
                    (variance / expected - 1.0).abs() < 0.03,
                    "{variance}, not {expected}"
                );
            }
            let covariance = mean(product) - mean(sums[0]) * mean(sums[1]);
            assert!(covariance.abs() < 0.02 * rate, "{covariance}");
        }
    }
}
