//! New connections as they come: independent or in clumps, steady or in bursts, spread at random, in turn or to the least
//! loaded.

use super::balancer::{Balancer, Choice, Hold};
use super::random::{Random, Table};
use super::split::Split;
use super::sticky::Sticky;

/// Connections of a clump, on average.
pub(super) const CLUMP: f64 = 8.0;

/// Bursts: this many times the rate for so many ticks on average, and less for so many between them, such that the mean stays.
const BURST: f64 = 5.0;
const BURST_TICKS: f64 = 6.25;
const CALM: f64 = 0.5;
const CALM_TICKS: f64 = 50.0;

/// Connections behind a least-connections balancer stay open for so many ticks on average.
const HOLD: f64 = 5.0;

/// How connections arrive and to which backend they go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Arrivals {
    /// Each on its own, to a backend at random.
    Independent,
    /// The same, but the rate jumps.
    Bursts,
    /// Several at once to the same backend: geometrically distributed with a mean of [`CLUMP`].
    Clumps,
    /// A client stays with a backend for so many ticks and connects once in each.
    Sticky(usize),
    /// In turn.
    InTurn,
    /// To the backend with the fewest open connections, which stay open for lognormal times.
    LeastConnections,
}

impl Arrivals {
    pub(super) fn name(self) -> String {
        match self {
            Self::Independent => "independent, at random".to_owned(),
            Self::Bursts => "in bursts, at random".to_owned(),
            Self::Clumps => "in clumps of 8".to_owned(),
            Self::Sticky(ticks) => format!("clients that stay {ticks} s"),
            Self::InTurn => "round-robin".to_owned(),
            Self::LeastConnections => "least-connections".to_owned(),
        }
    }
}

/// A pool's traffic.
#[derive(Clone, Debug)]
pub(super) struct Traffic {
    random: Random,
    arrivals: Arrivals,
    rate: f64,
    source: Source,
    counts: Vec<u64>,
}

#[derive(Clone, Debug)]
enum Source {
    Independent(Split),
    Bursts {
        calm: Split,
        burst: Split,
        bursting: bool,
    },
    Clumps(Split, Table),
    Sticky(Sticky),
    InTurn {
        number: Table,
        next: usize,
    },
    LeastConnections(Box<Balancer>),
}

impl Traffic {
    /// `rate` connections a tick over backends with these loads, in any unit. A balancer that places them itself, in turn
    /// or by connections, knows no loads.
    pub(super) fn new(random: Random, arrivals: Arrivals, rate: f64, loads: &[f64]) -> Self {
        let backends = loads.len();
        let source = match arrivals {
            Arrivals::Independent => Source::Independent(Split::new(rate, loads)),
            Arrivals::Bursts => Source::Bursts {
                calm: Split::new(rate * CALM, loads),
                burst: Split::new(rate * BURST, loads),
                bursting: false,
            },
            Arrivals::Clumps => {
                Source::Clumps(Split::new(rate / CLUMP, loads), Table::geometric(CLUMP))
            }
            Arrivals::Sticky(ticks) => Source::Sticky(Sticky::new(rate, ticks, loads)),
            Arrivals::InTurn => Source::InTurn {
                number: Table::poisson(rate),
                next: 0,
            },
            Arrivals::LeastConnections => {
                let hold = Hold::Lognormal(HOLD);
                let balancer = Balancer::new(backends, rate, Choice::Least, hold, None);
                Source::LeastConnections(Box::new(balancer))
            }
        };
        Self {
            random,
            arrivals,
            rate,
            source,
            counts: vec![0; backends],
        }
    }

    /// From now on new connections, or clients that stay, go by these loads.
    pub(super) fn set_loads(&mut self, loads: &[f64]) {
        let new = Self::new(self.random.clone(), self.arrivals, self.rate, loads).source;
        match (&mut self.source, new) {
            (Source::Sticky(old), Source::Sticky(new)) => old.go_on_as(new),
            (old, new) => *old = new,
        }
    }

    /// The counts of one more tick.
    #[inline]
    pub(super) fn tick(&mut self) -> &[u64] {
        let (random, counts) = (&mut self.random, &mut self.counts);
        counts.fill(0);
        match &mut self.source {
            Source::Independent(split) => add(split, random, counts),
            Source::Bursts {
                calm,
                burst,
                bursting,
            } => {
                let (split, ticks) = if *bursting {
                    (burst, BURST_TICKS)
                } else {
                    (calm, CALM_TICKS)
                };
                add(split, random, counts);
                *bursting ^= random.unit() * ticks < 1.0;
            }
            Source::Clumps(starts, size) => starts.draw(random, |random, backend, number| {
                for _ in 0..number {
                    counts[backend] += size.draw(random) as u64;
                }
            }),
            Source::Sticky(sticky) => sticky.tick(random, counts),
            Source::InTurn { number, next } => in_turn(number.draw(random), next, counts),
            Source::LeastConnections(balancer) => balancer.tick(random, counts),
        }
        &self.counts
    }
}

fn add(split: &Split, random: &mut Random, counts: &mut [u64]) {
    split.draw(random, |_, backend, number| {
        counts[backend] += number as u64;
    });
}

fn in_turn(number: usize, next: &mut usize, counts: &mut [u64]) {
    let backends = counts.len();
    let (rounds, rest) = (number / backends, number % backends);
    for count in &mut *counts {
        *count = rounds as u64;
    }
    for place in 0..rest {
        counts[(*next + place) % backends] += 1;
    }
    *next = (*next + rest) % backends;
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Arrivals; 7] = [
        Arrivals::Independent,
        Arrivals::Bursts,
        Arrivals::Clumps,
        Arrivals::Sticky(10),
        Arrivals::Sticky(60),
        Arrivals::InTurn,
        Arrivals::LeastConnections,
    ];

    fn totals(traffic: &mut Traffic, ticks: u32) -> Vec<f64> {
        let mut totals = vec![0.0; traffic.counts.len()];
        for _ in 0..ticks {
            for (total, count) in totals.iter_mut().zip(traffic.tick()) {
                *total += *count as f64;
            }
        }
        totals
    }

    #[test]
    fn all_come_at_the_rate_and_fair() {
        for arrivals in ALL {
            for rate in [0.5, 40.0] {
                let mut traffic = Traffic::new(Random::new(1, 0), arrivals, rate, &[1.0; 4]);
                let totals = totals(&mut traffic, 100_000);
                let sum = totals.iter().sum::<f64>();
                assert!(
                    (sum / 100_000.0 / rate - 1.0).abs() < 0.1,
                    "{arrivals:?}: {totals:?}"
                );
                for total in &totals {
                    assert!(
                        (total / sum - 0.25).abs() < 0.05,
                        "{arrivals:?}: {totals:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn loads_are_followed_and_change() {
        for arrivals in &ALL[..5] {
            let mut traffic = Traffic::new(Random::new(1, 0), *arrivals, 20.0, &[3.0, 1.0]);
            let before = totals(&mut traffic, 20_000);
            traffic.set_loads(&[0.0, 1.0]);
            totals(&mut traffic, 60);
            let after = totals(&mut traffic, 100);
            assert!(
                (before[0] / before[1] - 3.0).abs() < 0.3,
                "{arrivals:?}: {before:?}"
            );
            assert!(after[0] < 0.5 && after[1] > 0.0, "{arrivals:?}: {after:?}");
        }
    }

    /// The variance of a backend's counts in blocks of ticks, over that of independent connections.
    fn dispersion(arrivals: Arrivals, block: u32) -> f64 {
        let mut traffic = Traffic::new(Random::new(2, 0), arrivals, 10.0, &[1.0; 2]);
        totals(&mut traffic, 100);
        let differences = (0..2_000).map(|_| {
            let block = totals(&mut traffic, block);
            (block[0] - block[1]).powi(2)
        });
        differences.sum::<f64>() / 2_000.0 / (10.0 * f64::from(block))
    }

    /// Geometric clumps: (mean of squares) / mean = 2 * 8 - 1. A client that stays is a clump over a long time.
    #[test]
    fn clumps_vary_as_they_should() {
        for (arrivals, block, expected, error) in [
            (Arrivals::Independent, 1, 1.0, 0.15),
            (Arrivals::Clumps, 1, 15.0, 2.5),
            (Arrivals::Sticky(10), 1, 1.0, 0.3),
            (Arrivals::Sticky(10), 200, 9.7, 1.5),
            (Arrivals::InTurn, 20, 0.0, 0.01),
        ] {
            let found = dispersion(arrivals, block);
            assert!(
                (found - expected).abs() < error,
                "{arrivals:?} over {block}: {found}"
            );
        }
    }
}
