//! nginx' `hash KEY consistent`: the ring of ketama.

use std::collections::HashMap;

use super::Slot;
use super::crc32::{Crc32, crc32};

/// How many points on the ring a server has for each unit of weight.
pub const NGINX_POINTS_PER_WEIGHT: u64 = 160;

/// How many points in a row nginx tries before it falls back to rotation.
const TRIES: usize = 21;

/// A point on the ring in the upper half, the first server with its name in the lower: one word sorts faster than two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Point(u64);

impl Point {
    fn new(hash: u32, group: u32) -> Self {
        Self(u64::from(hash) << 32 | u64::from(group))
    }

    fn hash(self) -> u32 {
        u32::try_from(self.0 >> 32).unwrap_or(u32::MAX)
    }

    fn group(self) -> usize {
        usize::try_from(self.0 & u64::from(u32::MAX)).unwrap_or(usize::MAX)
    }
}

/// The ring of an upstream, as nginx builds it.
///
/// Points are `crc32(HOST \0 PORT PREVIOUS)`, where PREVIOUS is the last point, in little-endian order. A key belongs to
/// the first point at or after its CRC-32. Servers written alike, and all addresses of one name, share their points and take
/// turns. (`src/http/modules/ngx_http_upstream_hash_module.c`)
#[derive(Clone, Debug)]
pub struct NginxRing {
    /// Sorted by point, and no point twice.
    points: Vec<Point>,
    /// For each server, the first with the same name.
    group: Vec<u32>,
    servers: Vec<Slot>,
}

impl NginxRing {
    /// The ring of servers with their names as written; `None` if it would have more than `most` points.
    pub fn new(servers: &[(&str, Slot)], most: u64) -> Option<Self> {
        let weights = servers.iter().map(|(_, server)| server.weight);
        let points = super::slots::total(weights).checked_mul(NGINX_POINTS_PER_WEIGHT)?;
        if points > most {
            return None;
        }
        let mut first = HashMap::new();
        let mut ring = Self {
            points: Vec::with_capacity(usize::try_from(points).ok()?),
            group: Vec::with_capacity(servers.len()),
            servers: servers.iter().map(|(_, server)| *server).collect(),
        };
        for (index, (name, server)) in servers.iter().enumerate() {
            let index = u32::try_from(index).ok()?;
            let group = *first.entry(*name).or_insert(index);
            ring.group.push(group);
            ring.add(name, server.weight, group);
        }
        ring.points.sort_unstable();
        ring.points.dedup_by_key(|point| point.hash());
        Some(ring)
    }

    fn add(&mut self, name: &str, weight: u64, group: u32) {
        let (host, port) = host_and_port(name);
        let base = Crc32::new()
            .with(host.as_bytes())
            .with(b"\0")
            .with(port.as_bytes());
        let mut previous = 0_u32;
        for _ in 0..weight * NGINX_POINTS_PER_WEIGHT {
            previous = base.with(&previous.to_le_bytes()).get();
            self.points.push(Point::new(previous, group));
        }
    }

    /// How many points there are.
    pub fn points(&self) -> usize {
        self.points.len()
    }

    /// The server of a key, if it is up; the first of those that share a name.
    pub fn server_of(&self, key: &[u8]) -> Option<usize> {
        let hash = crc32(key);
        let at = self.points.partition_point(|point| point.hash() < hash);
        let point = self.points.get(at).or_else(|| self.points.first())?;
        Some(point.group())
    }

    /// The shares of keys that each server gets, if keys are many: the arcs before its points, and those before the points
    /// of servers that are down and followed by its own.
    pub fn shares(&self) -> Vec<f64> {
        let (arcs, left) = self.arcs();
        let mut weights = vec![0.0; self.servers.len()];
        for (group, server) in self.group.iter().zip(&self.servers) {
            if server.live {
                weights[*group as usize] += server.weight as f64;
            }
        }
        let sum: f64 = weights.iter().sum();
        let each = self.group.iter().zip(&self.servers);
        each.map(|(group, server)| {
            if !server.live {
                return 0.0;
            }
            let (group, weight) = (*group as usize, server.weight as f64);
            arcs[group] * weight / weights[group] + left * weight / sum
        })
        .collect()
    }

    /// The part of the ring that each group serves, and what is left to rotation.
    fn arcs(&self) -> (Vec<f64>, f64) {
        const RING: f64 = 4_294_967_296.0;
        let mut live = vec![false; self.servers.len()];
        for (group, server) in self.group.iter().zip(&self.servers) {
            live[*group as usize] |= server.live;
        }
        let mut arcs = vec![0.0; self.servers.len()];
        let mut left = 0.0;
        let count = self.points.len();
        // The nearest living point ahead, seen going backwards; the last points see the first.
        let is_live = |point: &Point| live[point.group()];
        let mut ahead = self.points.iter().position(is_live).map(|at| at + count);
        for (at, point) in self.points.iter().enumerate().rev() {
            if is_live(point) {
                ahead = Some(at);
            }
            let before = self.points[at.checked_sub(1).unwrap_or(count - 1)];
            // A single point has the whole ring.
            let arc = match point.hash().wrapping_sub(before.hash()) {
                0 => RING,
                arc => f64::from(arc),
            };
            match ahead.filter(|ahead| ahead - at < TRIES) {
                Some(ahead) => {
                    let nearest = self.points[ahead.checked_sub(count).unwrap_or(ahead)];
                    arcs[nearest.group()] += arc / RING;
                }
                None => left += arc / RING,
            }
        }
        (arcs, left)
    }
}

/// What nginx takes for the host and the port in a server's name.
fn host_and_port(name: &str) -> (&str, &str) {
    let unix = name
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case("unix:"));
    if unix {
        return (&name[5..], "");
    }
    match name.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
        _ => (name, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(servers: &[(&str, u64, bool)]) -> Vec<f64> {
        let servers: Vec<_> = servers
            .iter()
            .map(|(name, weight, live)| {
                let slot = Slot {
                    weight: *weight,
                    live: *live,
                };
                (*name, slot)
            })
            .collect();
        NginxRing::new(&servers, 1 << 20).unwrap().shares()
    }

    fn is_close(shares: &[f64], expected: &[f64]) {
        for (share, expected) in shares.iter().zip(expected) {
            assert!((share - expected).abs() < 5e-5, "{shares:?}");
        }
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn known_arcs() {
        let three = ["127.0.0.1:8081", "127.0.0.1:8082", "127.0.0.1:8083"];
        let weighted = |weights: [u64; 3]| shares(&[0, 1, 2].map(|i| (three[i], weights[i], true)));
        is_close(&weighted([1, 1, 1]), &[0.3420, 0.3127, 0.3453]);
        is_close(&weighted([1, 1, 10]), &[0.0882, 0.0773, 0.8345]);
    }

    #[test]
    fn the_same_name_twice_changes_nothing_but_the_turns() {
        let one = shares(&[("a:1", 1, true), ("b:1", 1, true)]);
        let two = shares(&[("a:1", 1, true), ("b:1", 1, true), ("a:1", 1, true)]);
        is_close(&[two[0] + two[2], two[1]], &one);
        is_close(&two, &[one[0] / 2.0, one[1], one[0] / 2.0]);
    }

    #[test]
    fn what_is_down_passes_its_arcs_on() {
        let up = shares(&[("a:1", 1, true), ("b:1", 1, true), ("c:1", 1, true)]);
        let down = shares(&[("a:1", 1, true), ("b:1", 1, false), ("c:1", 1, true)]);
        assert!(down[0] > up[0] && down[2] > up[2]);
        assert_eq!(down[1].to_bits(), 0);
        is_close(&down, &[down[0], 0.0, 1.0 - down[0]]);
    }

    #[test]
    fn rings_are_bounded() {
        let slot = Slot {
            weight: u64::MAX,
            live: true,
        };
        assert!(NginxRing::new(&[("a", slot), ("b", slot)], 1 << 20).is_none());
    }
}
