//! Traefik's `hrw` and `highestRandomWeight`: rendezvous hashing by weight.

use super::by_weight;

/// How many addresses are tried.
const ADDRESSES: u32 = 4096;

/// The share of addresses that each server gets, by its name and its weight above 0; `None` if the budget, in bytes to hash, does
/// not suffice. Of equal names only the one with the largest weight gets any.
///
/// `getNodeScore` in `pkg/server/service/loadbalancer/hrw/hrw.go`: the server with the highest `weight / -ln(hash / 2^64)` of
/// address and name. By a good hash that is the weight's part. The hash is FNV-1a, in which the last few bytes hardly reach
/// the upper bits: names that differ there alone have nearly the same hash, and the heaviest of them gets all, or of
/// equal weights the one that a few lower bits of the hash prefer. So servers are counted over addresses, and shares are
/// those by weight only if the count does not deny it.
pub fn traefik_hrw(servers: &[(&str, f64)], budget: &mut u64) -> Option<Vec<f64>> {
    let weights: Vec<f64> = servers.iter().map(|(_, weight)| *weight).collect();
    let shares = by_weight(&weights);
    let live = weights.iter().filter(|weight| **weight > 0.0).count();
    if live < 2 {
        return Some(shares);
    }
    let bytes: u64 = servers.iter().map(|(name, _)| name.len() as u64 + 16).sum();
    *budget = budget.checked_sub(bytes.saturating_mul(u64::from(ADDRESSES)))?;
    let mut counts = vec![0_u32; servers.len()];
    for number in 0..ADDRESSES {
        if let Some(chosen) = traefik_hrw_of(&address(number), servers) {
            counts[chosen] += 1;
        }
    }
    if is_by_chance(&counts, &shares) {
        return Some(shares);
    }
    let part = |count: &u32| f64::from(*count) / f64::from(ADDRESSES);
    Some(counts.iter().map(part).collect())
}

/// The server that an address gets, by its index.
pub fn traefik_hrw_of(address: &str, servers: &[(&str, f64)]) -> Option<usize> {
    let begun = fnv1a(0xcbf2_9ce4_8422_2325, address);
    let mut best = (None, 0.0);
    for (index, (name, weight)) in servers.iter().enumerate() {
        let part = fnv1a(begun, name) as f64 / 2_f64.powi(64);
        let score = weight / -part.ln();
        if score > best.1 {
            best = (Some(index), score);
        }
    }
    best.0
}

/// FNV-1a of 64 bits, going on from a hash.
fn fnv1a(hash: u64, text: &str) -> u64 {
    text.bytes().fold(hash, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

/// Addresses all over IPv4, each once.
fn address(number: u32) -> String {
    let [a, b, c, d] = number.wrapping_mul(0x9e37_79b1).to_be_bytes();
    format!("{a}.{b}.{c}.{d}")
}

/// Pearson's statistic against its mean and five standard deviations more.
fn is_by_chance(counts: &[u32], shares: &[f64]) -> bool {
    let (mut statistic, mut classes) = (0.0, 0.0);
    for (count, share) in counts.iter().zip(shares) {
        let expected = share * f64::from(ADDRESSES);
        if expected > 0.0 {
            classes += 1.0;
            statistic += (f64::from(*count) - expected).powi(2) / expected;
        }
    }
    let freedom: f64 = classes - 1.0;
    statistic <= freedom + 5.0 * (2.0 * freedom).sqrt()
}

#[cfg(test)]
mod tests {
    use super::traefik_hrw;

    fn shares(servers: &[(&str, f64)]) -> Vec<f64> {
        traefik_hrw(servers, &mut 100_000_000).unwrap()
    }

    #[test]
    fn by_weight_if_names_differ_early() {
        let servers = [
            ("http://192.0.2.1:8080", 3.0),
            ("http://192.0.2.2:8080", 1.0),
        ];
        assert_eq!(shares(&servers), [0.75, 0.25]);
        assert_eq!(shares(&[("a", 0.0), ("b", 2.0)]), [0.0, 1.0]);
        assert_eq!(shares(&[("http://192.0.2.1:8080", 1.0); 2]), [1.0, 0.0]);
    }

    #[test]
    fn by_the_last_letters_if_they_differ_late() {
        assert_eq!(
            shares(&[("http://192.0.2.1", 3.0), ("http://192.0.2.2", 1.0)]),
            [1.0, 0.0]
        );
        let three = shares(&[
            ("http://192.0.2.1", 1.0),
            ("http://192.0.2.2", 1.0),
            ("http://192.0.2.3", 1.0),
        ]);
        let expected = [0.5, 0.25, 0.25];
        for (share, expected) in three.iter().zip(expected) {
            assert!((share - expected).abs() < 0.03, "{three:?}");
        }
    }

    #[test]
    fn within_the_budget() {
        let mut budget = 10_000;
        assert_eq!(traefik_hrw(&[("a", 1.0), ("b", 1.0)], &mut budget), None);
        assert_eq!(budget, 10_000);
    }
}
