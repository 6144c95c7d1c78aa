//! nginx' `ip_hash`.

use super::Slot;
use super::slots::{residues, total};

/// How many hash values there are: 0 to 6270.
pub const NGINX_IP_HASHES: u64 = 6271;

/// How many slots nginx tries before it falls back to rotation.
const TRIES: usize = 21;

/// What the octets of the address are multiplied by.
const FACTOR: u64 = 113;
/// The hash value before the first octet.
const START: u64 = 89;

/// The shares of client networks (the first three octets of IPv4 addresses) that each server gets, if networks are many.
///
/// The hash value is taken modulo the sum of all weights, those of servers that are down included. If the slot is that of
/// a server that is down, the same octets are hashed again, on top of the last value. For three octets the next value
/// depends on the last one alone: `h' = h (113^3 + 1) - 89 * 113^3`, modulo 6271, because both rounds add the same
/// polynomial of the octets. Hash values are taken as equally frequent, which they are over all networks to within half
/// a percent of a server's share. (`src/http/modules/ngx_http_upstream_ip_hash_module.c`)
pub fn nginx_ip_hash(servers: &[Slot]) -> Vec<f64> {
    if servers.iter().all(|server| server.live) {
        return residues(NGINX_IP_HASHES, servers.iter().map(|server| server.weight));
    }
    let ends = ends(servers);
    let mut shares = vec![0.0; servers.len()];
    let mut left = 0.0;
    for first in 0..NGINX_IP_HASHES {
        let tried = std::iter::successors(Some(first), |hash| Some(again(*hash)));
        let chosen = tried
            .take(TRIES)
            .filter_map(|hash| slot(&ends, hash))
            .find(|server| servers[*server].live);
        match chosen {
            Some(server) => shares[server] += 1.0 / NGINX_IP_HASHES as f64,
            None => left += 1.0 / NGINX_IP_HASHES as f64,
        }
    }
    spread(servers, left, &mut shares);
    shares
}

/// The hash value of a network, from its three octets: what decides if no server is down.
pub fn nginx_ip_hash_of(octets: [u8; 3]) -> u64 {
    octets.into_iter().fold(START, |hash, octet| {
        (hash * FACTOR + u64::from(octet)) % NGINX_IP_HASHES
    })
}

/// The value of the next round over the same octets.
fn again(hash: u64) -> u64 {
    const CUBE: u64 = FACTOR * FACTOR * FACTOR % NGINX_IP_HASHES;
    (hash * (CUBE + 1) + (NGINX_IP_HASHES - START * CUBE % NGINX_IP_HASHES)) % NGINX_IP_HASHES
}

/// Where the slots of each server end.
fn ends(servers: &[Slot]) -> Vec<u64> {
    let mut sum = 0_u64;
    let end = |server: &Slot| {
        sum = sum.saturating_add(server.weight);
        sum
    };
    servers.iter().map(end).collect()
}

/// The server that a hash value falls to.
fn slot(ends: &[u64], hash: u64) -> Option<usize> {
    let slot = hash.checked_rem(*ends.last()?)?;
    Some(ends.partition_point(|end| *end <= slot))
}

/// Adds what is left to those that live, by weight.
pub(super) fn spread(servers: &[Slot], left: f64, shares: &mut [f64]) {
    let live = || servers.iter().filter(|server| server.live);
    let sum = total(live().map(|server| server.weight)) as f64;
    for (server, share) in servers.iter().zip(shares) {
        if server.live {
            *share += left * server.weight as f64 / sum;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(servers: &[(u64, bool)]) -> Vec<f64> {
        let slot = |(weight, live): &(u64, bool)| Slot {
            weight: *weight,
            live: *live,
        };
        nginx_ip_hash(&servers.iter().map(slot).collect::<Vec<_>>())
    }

    #[test]
    fn large_weights_starve_the_last() {
        let heavy = shares(&[(5000, true); 3]);
        assert!((heavy[0] - 5000.0 / 6271.0).abs() < 1e-12);
        assert!((heavy[1] - 1271.0 / 6271.0).abs() < 1e-12);
        assert_eq!(heavy[2].to_bits(), 0);
        let thousand = shares(&[(1000, true); 3]);
        assert!((thousand[0] - 0.3622).abs() < 1e-3, "{thousand:?}");
    }

    /// Over all networks, by the loop of the product.
    #[test]
    fn a_server_that_is_down_passes_its_networks_on_as_nginx_does() {
        let servers = [(2, true), (3, false), (1, true)];
        let mut counted = [0_u32; 3];
        for network in (0..1_u32 << 24).step_by(7) {
            let [_, a, b, c] = network.to_be_bytes();
            let mut hash = START;
            let chosen = loop {
                for octet in [a, b, c] {
                    hash = (hash * FACTOR + u64::from(octet)) % NGINX_IP_HASHES;
                }
                match hash % 6 {
                    0 | 1 => break 0,
                    5 => break 2,
                    _ => {}
                }
            };
            counted[chosen] += 1;
        }
        let sum: u32 = counted.iter().sum();
        for (share, count) in shares(&servers).iter().zip(counted) {
            let observed = f64::from(count) / f64::from(sum);
            assert!((share - observed).abs() < 5e-3, "{share} {observed}");
        }
    }

    #[test]
    fn all_down_gets_nothing() {
        assert!(
            shares(&[(1, false), (2, false)])
                .iter()
                .all(|share| *share < 1e-12)
        );
    }
}
