//! How many clients new connections come from.
//!
//! The hook counts every connection that this host accepts, at watched endpoints or others, in one of a few thousand
//! cells, chosen by a hash of the client's address. That two connections drawn at random share a client is then told
//! by how often they share a cell; no address leaves the kernel, and memory does not grow with clients.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use evenkeel_abi::{CELL_PAIRS, CELLS, Seed};

use super::mapped::Mapped;
use crate::model::Clients;

/// How often the cells are read.
const EVERY: Duration = Duration::from_secs(5);

/// What is told reaches back this far at most, and at least half as far once the agent has run so long.
const PERIOD: Duration = Duration::from_secs(60);

/// Fewer connections tell nothing.
const FEWEST: u64 = 20;

/// A seed for the hash, another each time. The standard library draws the keys of its hash maps from the system.
pub(super) fn seed() -> Seed {
    let random = RandomState::new();
    Seed {
        mask: random.hash_one(0),
        factor: random.hash_one(1) | 1,
    }
}

/// The cells at one moment: connections counted in each since the hook was loaded. The even cell is the lower half
/// of an element, the odd one the upper half, and the one may have run over into the other.
#[derive(Debug)]
struct Reading {
    at: Instant,
    pairs: Vec<u64>,
}

impl Reading {
    fn nothing(at: Instant) -> Self {
        Self {
            at,
            pairs: vec![0; CELL_PAIRS],
        }
    }
}

/// Compares the cells with what they were some time ago. Three readings are kept: what is told reaches from the first to
/// the last, and the one between them becomes the first when it is half a period old.
#[derive(Debug)]
pub(super) struct ClientBook {
    first: Reading,
    between: Reading,
    last: Reading,
    clients: Option<Clients>,
}

impl ClientBook {
    /// Of a hook that has counted nothing yet.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            first: Reading::nothing(now),
            between: Reading::nothing(now),
            last: Reading::nothing(now),
            clients: None,
        }
    }

    /// How many clients there were lately; reads the cells first if it is time.
    pub(super) fn read(&mut self, cells: &Mapped<u64>, now: Instant) -> Option<Clients> {
        if now.duration_since(self.last.at) >= EVERY {
            self.last.at = now;
            for (number, pair) in self.last.pairs.iter_mut().enumerate() {
                *pair = cells.get(number).unwrap_or(0);
            }
            self.compare();
        }
        self.clients
    }

    /// Tells what came between the first reading and the last, and moves on.
    fn compare(&mut self) {
        let both = self.last.pairs.iter().zip(&self.first.pairs);
        // What ran over is in both halves of the difference as if it had not.
        let came = both.map(|(last, first)| last.wrapping_sub(*first));
        self.clients =
            clients(came.flat_map(|pair| [(pair & 0xffff_ffff) as u32, (pair >> 32) as u32]));
        if self.last.at.duration_since(self.between.at) >= PERIOD / 2 {
            std::mem::swap(&mut self.first, &mut self.between);
            self.between.at = self.last.at;
            self.between.pairs.clone_from(&self.last.pairs);
        }
    }
}

/// The clients behind connections that were counted in `cells`; `None` if there were too few.
///
/// With parts `q` of the clients in the connections, `sum(q^2)` is the chance that two connections drawn at random are of
/// one client; counts `n` of a sample of `N` estimate it without bias by `sum(n (n - 1)) / (N (N - 1))` (Simpson,
/// "Measurement of Diversity", Nature 163, 1949). Two clients share one of `m` cells with the chance `1 / m`, so
/// that of cells `c` is expected to be `c = s + (1 - s) / m` where that of clients is `s`: solved for `s`.
fn clients(cells: impl Iterator<Item = u32>) -> Option<Clients> {
    let (mut connections, mut same) = (0_u64, 0.0);
    for count in cells {
        connections += u64::from(count);
        same += f64::from(count) * (f64::from(count) - 1.0);
    }
    if connections < FEWEST {
        return None;
    }
    let total = connections as f64;
    let collision = 1.0 / CELLS as f64;
    let same_cell = same / (total * (total - 1.0));
    let same_client = (same_cell - collision) / (1.0 - collision);
    // Where next to no two connections share a client, chance may leave nothing, or less: then each has its own.
    let effective = 1.0 / same_client.max(1.0 / total);
    Some(Clients {
        effective,
        connections,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cells after the connections of `clients`, each given by what stands for its address.
    fn cells(clients: impl Iterator<Item = (u64, u32)>, seed: Seed) -> Vec<u32> {
        let mut cells = vec![0; CELLS];
        for (client, connections) in clients {
            cells[evenkeel_abi::cell(client, seed) as usize] += connections;
        }
        cells
    }

    /// The mean of the estimates under many seeds.
    fn mean(clients_of: impl Fn() -> Vec<(u64, u32)>) -> f64 {
        let seeds = 200;
        let estimates = (0..seeds).map(|number| {
            let seed = Seed {
                mask: 0x1234_5678_9abc_def1_u64.wrapping_mul(number + 3),
                factor: 0xfedc_ba98_7654_3211_u64.wrapping_mul(2 * number + 1) | 1,
            };
            let cells = cells(clients_of().into_iter(), seed);
            clients(cells.into_iter()).unwrap().effective
        });
        estimates.sum::<f64>() / seeds as f64
    }

    fn neighbours(count: u64, step: u64, connections: u32) -> Vec<(u64, u32)> {
        (1..=count)
            .map(|number| (0xffff_0000_0000_0000 + number * step, connections))
            .collect()
    }

    #[test]
    fn clients_that_connect_equally_often_are_counted() {
        // IPv4 addresses that differ in the last byte (the highest of the word), in the first, and in two.
        for step in [1 << 24, 1, 0x0101_0000] {
            for count in [1, 2, 16, 100, 200] {
                let estimate = mean(|| neighbours(count, step, 2_000));
                let error = estimate / count as f64 - 1.0;
                assert!(
                    error.abs() < 0.01,
                    "step {step:#x}: {count} clients, {estimate}"
                );
            }
        }
    }

    #[test]
    fn more_clients_than_cells_are_told() {
        let estimate = mean(|| neighbours(20_000, 0x0001_0001, 1_000));
        assert!((estimate / 20_000.0 - 1.0).abs() < 0.05, "{estimate}");
    }

    #[test]
    fn one_that_dominates_counts_for_nearly_all() {
        let mut mixed = neighbours(10, 1 << 24, 10);
        mixed[0].1 = 900;
        let truth = 1.0 / ((900.0_f64 / 990.0).powi(2) + 9.0 * (10.0_f64 / 990.0).powi(2));
        let estimate = mean(|| mixed.clone());
        assert!(
            (estimate / truth - 1.0).abs() < 0.01,
            "{estimate} for {truth}"
        );
    }

    #[test]
    fn there_are_never_more_clients_than_connections_and_never_less_than_one() {
        let seed = seed();
        let single = cells([(7, 20)].into_iter(), seed);
        let Clients {
            effective,
            connections,
        } = clients(single.into_iter()).unwrap();
        assert!((effective - 1.0).abs() < 1e-9 && connections == 20);
        let each_another = (0..CELLS).map(|cell| u32::from(cell < 30));
        assert!((clients(each_another).unwrap().effective - 30.0).abs() < 1e-9);
        assert_eq!(
            clients(cells([(7, 19)].into_iter(), seed).into_iter()),
            None
        );
    }

    #[test]
    fn what_is_told_reaches_back_half_a_period_to_a_whole_one() {
        let start = Instant::now();
        let mut book = ClientBook::new(start);
        // Ten connections a second of one client.
        for second in (5_u64..=300).step_by(5) {
            book.last.at = start + Duration::from_secs(second);
            book.last.pairs[3] = second * 10;
            book.compare();
            let seconds = book.clients.unwrap().connections / 10;
            if second <= 60 {
                assert_eq!(seconds, second);
            } else {
                assert!((35..=60).contains(&seconds), "{seconds} s at {second} s");
            }
        }
        // Both cells of an element run over between two readings.
        book.first.pairs[3] = u64::MAX - 9;
        book.last.pairs[3] = 90 + (50 << 32);
        book.compare();
        assert_eq!(book.clients.unwrap().connections, 150);
    }
}
