//! Envoy's `ring_hash`.

use twox_hash::XxHash64;

use super::murmur2;

/// The hash of points on the ring; keys of requests are always hashed by xxHash64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EnvoyHash {
    /// xxHash64 with seed 0, the default.
    #[default]
    XxHash,
    /// `MurmurHash2`, as `std::hash` of `libstdc++`.
    Murmur2,
}

/// The ring of one priority level, as Envoy builds it.
///
/// Each host has points `hash(KEY_0)`, `hash(KEY_1)`, ... in number proportional to its weight, so that the lightest has a
/// whole number of them and all together at least the minimum, at most the maximum. A request belongs to the first point
/// at or after its hash. (`source/extensions/load_balancing_policies/ring_hash/ring_hash_lb.cc`)
#[derive(Clone, Debug)]
pub struct EnvoyRing {
    /// Sorted: the point, and its host.
    points: Vec<(u64, u32)>,
    entries: Vec<u64>,
}

impl EnvoyRing {
    /// The ring of hosts with their keys (addresses, as a rule) and weights, which are positive and add up to 1 at most;
    /// `None` if it would have more than `most` points.
    pub fn new(
        hosts: &[(&str, f64)],
        (minimum, maximum): (u64, u64),
        hash: EnvoyHash,
        most: u64,
    ) -> Option<Self> {
        let lightest = hosts.iter().map(|(_, weight)| *weight).fold(1.0, f64::min);
        let scale = ((lightest * minimum as f64).ceil() / lightest).min(maximum as f64);
        if scale.is_nan() || scale + hosts.len() as f64 > most as f64 {
            return None;
        }
        let mut ring = Self {
            points: Vec::new(),
            entries: Vec::with_capacity(hosts.len()),
        };
        let (mut current, mut target) = (0.0, 0.0);
        for (host, (key, weight)) in (0_u32..).zip(hosts) {
            target += scale * weight;
            let mut entry = 0_u64;
            while current < target {
                let name = format!("{key}_{entry}");
                ring.points.push((hash.of(name.as_bytes()), host));
                entry += 1;
                current += 1.0;
            }
            ring.entries.push(entry);
        }
        ring.points.sort_by_key(|(point, _)| *point);
        Some(ring)
    }

    /// How many points each host has.
    pub fn entries(&self) -> &[u64] {
        &self.entries
    }

    /// The host of a request with this hash.
    pub fn host_of(&self, hash: u64) -> Option<usize> {
        let at = self.points.partition_point(|(point, _)| *point < hash);
        let (_, host) = self.points.get(at).or_else(|| self.points.first())?;
        Some(*host as usize)
    }

    /// The share of keys that each host gets, if keys are many: the arcs before its points.
    pub fn shares(&self) -> Vec<f64> {
        const RING: f64 = 18_446_744_073_709_551_616.0;
        let mut shares = vec![0.0; self.entries.len()];
        let Some((mut before, _)) = self.points.last().copied() else {
            return shares;
        };
        let alone = self.points.len() == 1;
        for (point, host) in &self.points {
            let arc = if alone {
                RING
            } else {
                point.wrapping_sub(before) as f64
            };
            shares[*host as usize] += arc / RING;
            before = *point;
        }
        shares
    }
}

impl EnvoyHash {
    fn of(self, bytes: &[u8]) -> u64 {
        match self {
            Self::XxHash => XxHash64::oneshot(0, bytes),
            Self::Murmur2 => murmur2(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lightest_has_whole_numbers() {
        let ring =
            |hosts: &[(&str, f64)], sizes| EnvoyRing::new(hosts, sizes, EnvoyHash::XxHash, 1 << 20);
        let thirds = [("a:1", 1.0 / 3.0), ("b:1", 1.0 / 3.0), ("c:1", 1.0 / 3.0)];
        assert_eq!(
            ring(&thirds, (1024, 1 << 23)).unwrap().entries(),
            [342, 342, 342]
        );
        // Envoy's own example: six points for four hosts.
        let quarters = ["a:1", "b:1", "c:1", "d:1"].map(|name| (name, 0.25));
        assert_eq!(ring(&quarters, (6, 6)).unwrap().entries(), [2, 1, 2, 1]);
        assert!(ring(&quarters, (1 << 21, 1 << 23)).is_none());
    }
}
