//! Envoy's `maglev`.

use twox_hash::XxHash64;

/// The size of the table if none is configured.
pub const ENVOY_MAGLEV_TABLE: u64 = 65_537;

const EMPTY: u32 = u32::MAX;

/// The table of one priority level, as Envoy builds it.
///
/// Hosts take turns, in the order of their keys and as often as their weight, to take the next free entry of a permutation
/// of their own. A request belongs to the entry `hash % size`.
/// (`source/extensions/load_balancing_policies/maglev/maglev_lb.cc`)
#[derive(Clone, Debug)]
pub struct EnvoyMaglev {
    table: Vec<u32>,
    entries: Vec<u64>,
}

struct Turn {
    host: u32,
    weight: f64,
    target: f64,
    at: u64,
    skip: u64,
}

impl EnvoyMaglev {
    /// The table of hosts with their keys (addresses, as a rule) and weights, which are positive and add up to 1 at most;
    /// `None` if `size` is no prime above 1, or if it would take more than `most` steps.
    pub fn new(hosts: &[(&str, f64)], size: u64, most: u64) -> Option<Self> {
        if size > most || !is_prime(size) {
            return None;
        }
        let mut maglev = Self {
            table: vec![EMPTY; usize::try_from(size).ok()?],
            entries: vec![0; hosts.len()],
        };
        let heaviest = hosts.iter().map(|(_, weight)| *weight).fold(0.0, f64::max);
        if heaviest <= 0.0 {
            maglev.table.clear();
            return Some(maglev);
        }
        let mut turns = turns(hosts, size);
        let (mut filled, mut steps) = (0, 0_u64);
        for iteration in 1_u32.. {
            for turn in &mut turns {
                steps += 1;
                if f64::from(iteration) * turn.weight < turn.target {
                    continue;
                }
                turn.target += heaviest;
                steps += maglev.take(turn, size);
                filled += 1;
                if filled == size {
                    return Some(maglev);
                }
            }
            if steps > most.saturating_mul(16) {
                return None;
            }
        }
        None
    }

    /// Takes the next free entry; how many were passed.
    fn take(&mut self, turn: &mut Turn, size: u64) -> u64 {
        let mut passed = 0;
        #[allow(clippy::cast_possible_truncation, reason = "below the table's length")]
        while self.table[turn.at as usize] != EMPTY {
            turn.advance(size);
            passed += 1;
        }
        #[allow(clippy::cast_possible_truncation, reason = "below the table's length")]
        let at = turn.at as usize;
        self.table[at] = turn.host;
        turn.advance(size);
        self.entries[turn.host as usize] += 1;
        passed
    }

    /// How many entries each host has.
    pub fn entries(&self) -> &[u64] {
        &self.entries
    }

    /// The host of a request with this hash.
    pub fn host_of(&self, hash: u64) -> Option<usize> {
        let size = self.table.len() as u64;
        let at = usize::try_from(hash.checked_rem(size)?).ok()?;
        self.table.get(at).map(|host| *host as usize)
    }

    /// The share of keys that each host gets, if keys are many.
    pub fn shares(&self) -> Vec<f64> {
        let size = self.table.len().max(1) as f64;
        self.entries
            .iter()
            .map(|entries| *entries as f64 / size)
            .collect()
    }
}

impl Turn {
    /// Goes on to the next entry: both are below the size.
    fn advance(&mut self, size: u64) {
        let next = self.at + self.skip;
        self.at = if next < size { next } else { next - size };
    }
}

/// The hosts in the order of their keys.
fn turns(hosts: &[(&str, f64)], size: u64) -> Vec<Turn> {
    let mut sorted: Vec<(u32, &(&str, f64))> = (0..).zip(hosts).collect();
    sorted.sort_by_key(|(_, (key, _))| *key);
    let turn = |(host, (key, weight)): (u32, &(&str, f64))| Turn {
        host,
        weight: *weight,
        target: 0.0,
        at: XxHash64::oneshot(0, key.as_bytes()) % size,
        skip: XxHash64::oneshot(1, key.as_bytes()) % (size - 1) + 1,
    };
    sorted.into_iter().map(turn).collect()
}

fn is_prime(number: u64) -> bool {
    let divisors = (2..).take_while(|divisor| divisor * divisor <= number);
    number > 1
        && divisors
            .into_iter()
            .all(|divisor| !number.is_multiple_of(divisor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_follow_weights() {
        let maglev = EnvoyMaglev::new(
            &[("a:1", 0.5), ("b:1", 0.25), ("c:1", 0.25)],
            65_537,
            1 << 22,
        );
        let entries = maglev.unwrap().entries().to_vec();
        assert_eq!(entries.iter().sum::<u64>(), 65_537);
        assert!(
            entries[0].abs_diff(32_768) <= 1 && entries[1].abs_diff(16_384) <= 1,
            "{entries:?}"
        );
        let more: Vec<String> = (0..7).map(|host| format!("{host}:1")).collect();
        let more: Vec<(&str, f64)> = more.iter().map(|key| (key.as_str(), 1.0 / 7.0)).collect();
        let small = EnvoyMaglev::new(&more, 5, 1 << 22).unwrap();
        assert_eq!(
            small
                .entries()
                .iter()
                .filter(|entries| **entries == 0)
                .count(),
            2
        );
        assert!(EnvoyMaglev::new(&more, 6, 1 << 22).is_none());
    }
}
