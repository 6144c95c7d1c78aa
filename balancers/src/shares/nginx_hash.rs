//! nginx' `hash KEY` without `consistent`.

use super::Slot;
use super::nginx_ip_hash::spread;
use super::slots::residues;

/// How many hash values there are: 15 bits of a CRC-32.
pub const NGINX_HASHES: u64 = 32_768;

/// The shares of keys that each server gets, if keys are many: `((crc32(key) >> 16) & 0x7fff) % W`.
///
/// W is the sum of all weights, those of servers that are down included. A key that falls to such a server is hashed again,
/// with a number before it, and the values are added: what falls to them is spread over the others by weight, up to the
/// unevenness of the sum's range. (`src/http/modules/ngx_http_upstream_hash_module.c`)
pub fn nginx_hash(servers: &[Slot]) -> Vec<f64> {
    let mut shares = residues(NGINX_HASHES, servers.iter().map(|server| server.weight));
    let mut left = 0.0;
    for (server, share) in servers.iter().zip(&mut shares) {
        if !server.live {
            left += std::mem::take(share);
        }
    }
    spread(servers, left, &mut shares);
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_weights_starve_the_last() {
        let slot = Slot {
            weight: 10_000,
            live: true,
        };
        let shares = nginx_hash(&[slot; 4]);
        let expected = [10_000.0, 10_000.0, 10_000.0, 2768.0].map(|slots| slots / 32_768.0);
        for (share, expected) in shares.iter().zip(expected) {
            assert!((share - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn what_is_down_gets_nothing() {
        let slot = |weight, live| Slot { weight, live };
        let shares = nginx_hash(&[slot(1, true), slot(2, false), slot(3, true)]);
        assert!((shares[0] - 0.25).abs() < 1e-4 && (shares[2] - 0.75).abs() < 1e-4);
        assert_eq!(shares[1].to_bits(), 0);
    }
}
