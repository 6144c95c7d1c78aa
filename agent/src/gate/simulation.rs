//! Traffic of known shares, for the tests: independent, in clumps, or dealt in turn.

/// Numbers that look random and are the same each time. (Steele, Lea, Flood, "Fast splittable pseudorandom number
/// generators", 2014.)
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// In 0 to 1.
    pub(super) fn part(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn pick(&mut self, shares: &[f64]) -> usize {
        let mut left = self.part();
        for (index, share) in shares.iter().enumerate() {
            left -= share;
            if left < 0.0 {
                return index;
            }
        }
        shares.len() - 1
    }
}

/// Ticks of so many connections, each placed by lot.
pub(super) fn independent(
    random: &mut Random,
    shares: &[f64],
    ticks: usize,
    each: usize,
) -> Vec<Vec<f64>> {
    clumps(random, shares, 1, ticks, each)
}

/// The same in clumps: `size` connections at once go to the same backend.
pub(super) fn clumps(
    random: &mut Random,
    shares: &[f64],
    size: usize,
    ticks: usize,
    each: usize,
) -> Vec<Vec<f64>> {
    (0..ticks)
        .map(|_| {
            let mut counts = vec![0.0; shares.len()];
            for _ in 0..each / size {
                counts[random.pick(shares)] += size as f64;
            }
            counts
        })
        .collect()
}

/// Dealt in turn by `workers` that each keep their own account (smooth weighted round robin), one connection after the other.
pub(super) fn rotation(shares: &[f64], workers: usize, ticks: usize, each: usize) -> Vec<Vec<f64>> {
    let mut current = vec![vec![0.0; shares.len()]; workers];
    let mut turn = 0;
    (0..ticks)
        .map(|_| {
            let mut counts = vec![0.0; shares.len()];
            for _ in 0..each {
                let account = &mut current[turn % workers];
                turn += 1;
                let mut best = 0;
                for (index, share) in shares.iter().enumerate() {
                    account[index] += share;
                    if account[index] > account[best] + 1e-12 {
                        best = index;
                    }
                }
                account[best] -= 1.0;
                counts[best] += 1.0;
            }
            counts
        })
        .collect()
}

/// The sum over all ticks.
pub(super) fn totals(ticks: &[Vec<f64>]) -> Vec<f64> {
    let mut sums = vec![0.0; ticks.first().map_or(0, Vec::len)];
    for tick in ticks {
        for (sum, count) in sums.iter_mut().zip(tick) {
            *sum += count;
        }
    }
    sums
}
