//! A seeded stream of numbers: the same plan makes the same traffic on any number of threads.

/// The `SplitMix64` generator: <https://prng.di.unimi.it/splitmix64.c>.
pub(crate) struct Random(u64);

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// The stream that belongs to connection number `index` of a plan with `seed`.
    pub(crate) fn new(seed: u64, index: u64) -> Self {
        let mut mixer = Self(seed);
        Self(mixer.next() ^ index.wrapping_mul(GAMMA))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A number in `0..end`, evenly distributed up to a bias of `end / 2^64`; 0 when `end` is 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        // The upper half of a 128-bit product always fits into 64 bits.
        u64::try_from((u128::from(self.next()) * u128::from(end)) >> 64).unwrap_or_default()
    }

    /// The index of one of `weights`, drawn in proportion; 0 when they are all zero.
    pub(crate) fn weighted(&mut self, weights: impl Iterator<Item = u32> + Clone) -> usize {
        let total = weights.clone().map(u64::from).sum();
        let mut ticket = self.below(total);
        for (index, weight) in weights.enumerate() {
            match ticket.checked_sub(u64::from(weight)) {
                Some(rest) => ticket = rest,
                None => return index,
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn draws_follow_weights_and_repeat() {
        let draw = || {
            let mut hits = [0_u32; 3];
            for index in 0..10_000 {
                hits[Random::new(7, index).weighted([1, 0, 3].into_iter())] += 1;
            }
            hits
        };
        let hits = draw();
        assert_eq!(hits, draw());
        assert_eq!(hits[1], 0);
        assert!((2_300..2_700).contains(&hits[0]), "{hits:?}");
    }
}
