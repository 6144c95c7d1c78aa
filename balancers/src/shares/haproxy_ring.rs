//! `HAProxy`'s `hash-type consistent` and `balance random`: a ring with few points.

use super::Slot;

/// How many points on the ring a server has for each unit of weight (`BE_WEIGHT_SCALE`).
pub const HAPROXY_POINTS_PER_WEIGHT: u64 = 16;

/// How far apart the numbers are from which two servers' points are made (`SRV_EWGHT_RANGE`).
const NUMBERS_PER_ID: u32 = 256 * 16;

/// The number of points on the whole circle.
const RING: f64 = 4_294_967_296.0;

/// `HAProxy`'s hash of a number: one of Bob Jenkins', times a prime (`full_hash` in `include/haproxy/intops.h`).
pub const fn haproxy_full_hash(number: u32) -> u32 {
    let mut a = number;
    a = a.wrapping_add(0x7ed5_5d16).wrapping_add(a << 12);
    a = (a ^ 0xc761_c23c) ^ (a >> 19);
    a = a.wrapping_add(0x1656_67b1).wrapping_add(a << 5);
    a = a.wrapping_add(0xd3a2_646c) ^ (a << 9);
    a = a.wrapping_add(0xfd70_46c5).wrapping_add(a << 3);
    a = (a ^ 0xb55a_4f09) ^ (a >> 16);
    a.wrapping_mul(3_221_225_473)
}

/// The hash of keys unless `hash-type` names another (`hash_sdbm` in `src/hash.c`).
pub fn haproxy_sdbm(key: &[u8]) -> u32 {
    key.iter().fold(0_u32, |hash, byte| {
        let shifted = (hash << 6).wrapping_add(hash << 16);
        u32::from(*byte).wrapping_add(shifted).wrapping_sub(hash)
    })
}

/// The ring of a backend, as `HAProxy` builds it of the servers that are usable.
///
/// Point number j of the server with the id i is `full_hash(4096 i + j)`, for j below 16 times its weight. A hash belongs to
/// the point that is nearest on either side, the one before it if both are equally far. (`src/lb_chash.c`)
#[derive(Clone, Debug)]
pub struct HaproxyRing {
    /// Sorted: the point, and its server's number in the list.
    points: Vec<(u32, u32)>,
    servers: usize,
}

impl HaproxyRing {
    /// The ring of servers with their ids; those that are not live have no points. `None` if it would have more than
    /// `most` points.
    pub fn new(servers: &[(u32, Slot)], most: u64) -> Option<Self> {
        let live = || servers.iter().filter(|(_, server)| server.live);
        let weights = live().map(|(_, server)| server.weight);
        let count = super::slots::total(weights).checked_mul(HAPROXY_POINTS_PER_WEIGHT)?;
        if count > most {
            return None;
        }
        let mut points = Vec::with_capacity(usize::try_from(count).ok()?);
        for (number, (id, server)) in (0_u32..).zip(servers) {
            if !server.live {
                continue;
            }
            let base = id.wrapping_mul(NUMBERS_PER_ID);
            let own = u32::try_from(server.weight * HAPROXY_POINTS_PER_WEIGHT).ok()?;
            let point = |index| (haproxy_full_hash(base.wrapping_add(index)), number);
            points.extend((0..own).map(point));
        }
        points.sort_unstable();
        Some(Self {
            points,
            servers: servers.len(),
        })
    }

    /// How many points there are.
    pub fn points(&self) -> usize {
        self.points.len()
    }

    /// The server that a hash belongs to; `None` if the ring is empty.
    pub fn server_of(&self, hash: u32) -> Option<usize> {
        let at = self.points.partition_point(|(point, _)| *point < hash);
        let next = self.points.get(at).or_else(|| self.points.first())?;
        let before = at.checked_sub(1).unwrap_or(self.points.len() - 1);
        let previous = self.points.get(before)?;
        let back = hash.wrapping_sub(previous.0) <= next.0.wrapping_sub(hash);
        Some(if back { previous.1 } else { next.1 } as usize)
    }

    /// The part of all hashes that belongs to each server: half of the arcs on both sides of its points.
    pub fn shares(&self) -> Vec<f64> {
        let mut shares = vec![0.0; self.servers];
        let count = self.points.len();
        for (index, (point, server)) in self.points.iter().enumerate() {
            let (next, other) = self.points[(index + 1) % count];
            // A single point has the whole ring.
            let arc = match next.wrapping_sub(*point) {
                0 if count == 1 => RING,
                arc => f64::from(arc),
            };
            shares[*server as usize] += arc / 2.0 / RING;
            shares[other as usize] += arc / 2.0 / RING;
        }
        shares
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(servers: &[(u32, u64)]) -> HaproxyRing {
        let slot = |weight| Slot { weight, live: true };
        let servers: Vec<_> = servers.iter().map(|(id, w)| (*id, slot(*w))).collect();
        HaproxyRing::new(&servers, 1 << 20).unwrap()
    }

    #[test]
    fn arcs_are_what_hashes_fall_to() {
        let ring = ring(&[(1, 1), (2, 1), (3, 10)]);
        assert_eq!(ring.points(), 12 * 16);
        let mut counted = [0_u32; 3];
        let hashes = 1_u32 << 18;
        for step in 0..hashes {
            counted[ring.server_of(step << 14).unwrap()] += 1;
        }
        for (count, share) in counted.into_iter().zip(ring.shares()) {
            let counted = f64::from(count) / f64::from(hashes);
            assert!((counted - share).abs() < 1e-3, "{counted} {share}");
        }
    }

    #[test]
    fn small_weights_are_uneven_and_large_ones_less() {
        let spread = |weight| {
            let servers: Vec<_> = (1..=10).map(|id| (id, weight)).collect();
            let shares = ring(&servers).shares();
            assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            shares.into_iter().fold(0.0, f64::max) * 10.0
        };
        assert!(spread(1) > 1.2, "{}", spread(1));
        assert!(spread(100) < 1.1, "{}", spread(100));
    }

    #[test]
    fn rings_are_bounded() {
        let slot = |weight, live| Slot { weight, live };
        assert!(HaproxyRing::new(&[(1, slot(u64::MAX, true))], 1 << 20).is_none());
        let none = HaproxyRing::new(&[(1, slot(1, false))], 1 << 20).unwrap();
        assert_eq!((none.server_of(7), none.shares()), (None, vec![0.0]));
    }
}
