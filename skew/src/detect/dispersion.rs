//! How much more than independent connections a pool's counts vary.
//!
//! Connections come in clumps: a client opens ten at once, a worker retries, hashing sticks. Then n connections carry as
//! much information as n / phi independent ones, and evidence must be divided by phi, or it is a false alarm.
//! (Wedderburn, "Quasi-likelihood functions", 1974.)
//!
//! Phi is Pearson's chi-square for "two adjacent blocks of ticks have the same shares" over its degrees of freedom, averaged.
//! No long-run shares enter, so a lasting skew is not taken for dispersion: it disturbs the one pair of blocks it begins
//! in. Blocks of one to 360 ticks see clumps that last less or more; the largest phi is in force.
//!
//! When connections suddenly come in clumps, that average lags, and evidence would run ahead of it. So the last few pairs
//! are averaged too, and what is certain of them counts at once. What remains: when connections that were independent begin
//! to come in clumps that last many ticks, blocks of one tick do not see it, and with many backends or little traffic that may
//! be a false alarm, once. `examples/simulate.rs` says how often (`surprises`).

use super::limits::chi_square_at;

/// Assumed before anything was seen, and worth this many degrees of freedom.
const FIRST_GUESS: f64 = 2.5;
const GUESS_FREEDOM: f64 = 20.0;
/// How much is remembered: at least so many pairs of blocks, so that the one in which a skew begins hardly counts, and at
/// least so many degrees of freedom, so that the standard error of phi, sqrt(2 / freedom), is below a tenth.
const LONG: Memory = Memory {
    pairs: 60.0,
    freedom: 300.0,
};
/// The last few pairs; and the deviate of the lower limit up to which they count.
const RECENT: Memory = Memory {
    pairs: 5.0,
    freedom: 30.0,
};
const CERTAIN: f64 = 2.0;
/// A pair counts for no more than so many standard deviations: what dispersion hardly ever reaches is a skew that begins.
const MOST: f64 = 5.0;
/// A block is so many of the next smaller one: 1, 10, 60 and 360 ticks. Of clumps that last as long as a block, it shows two thirds of
/// the variance; of those that last a sixth of it, nearly all.
const BLOCKS: [u32; 4] = [1, 10, 6, 6];
/// Phi that grows so much from one scale to the next is no chance; and it grows by no more than the square of how many blocks make
/// the next one.
const CLEAR_GROWTH: f64 = 1.3;
const MOST_GROWTH: f64 = 36.0;
/// An estimate is taken for smaller by its standard error, but by no more than this part: the largest of several would otherwise be
/// above what all of them estimate.
const MOST_DISCOUNT: f64 = 0.1;

/// The dispersion of one pool.
#[derive(Debug, Clone)]
pub(super) struct Dispersion {
    scales: [Scale; BLOCKS.len()],
}

impl Dispersion {
    pub(super) fn new(backends: usize) -> Self {
        Self {
            scales: BLOCKS.map(|blocks| Scale::new(blocks, backends)),
        }
    }

    /// What was learned, for a pool of other backends.
    pub(super) fn inherit(&self, backends: usize) -> Self {
        let mut heir = Self::new(backends);
        for (new, old) in heir.scales.iter_mut().zip(&self.scales) {
            new.long = old.long;
            new.recent = old.recent;
        }
        heir
    }

    /// Learns from the counts of a tick with traffic.
    pub(super) fn observe(&mut self, counts: &[u64]) {
        let phi = self.phi();
        let [tick, ten, sixty, most] = &mut self.scales;
        if let Some(block) = tick.push(counts.iter().map(|&count| count as f64), phi)
            && let Some(block) = ten.push(block.iter().copied(), phi)
            && let Some(block) = sixty.push(block.iter().copied(), phi)
        {
            most.push(block.iter().copied(), phi);
        }
    }

    /// Shares have changed for good: the blocks in which they did are compared with no other.
    pub(super) fn interrupt(&mut self) {
        for scale in &mut self.scales {
            scale.interrupt();
        }
    }

    /// Phi, at least 1. Each scale leans on the smaller ones until it has seen enough itself: on the last one's phi, or if that
    /// is clearly above the one before, because clumps last longer than these blocks, on what grows as much again.
    pub(super) fn phi(&self) -> f64 {
        let (mut prior, mut before, mut largest) = (FIRST_GUESS, None, 1.0_f64);
        for scale in &self.scales {
            let phi = scale.long.value(prior);
            let growth = before.map_or(1.0, |before: f64| phi / before);
            let discount = scale.long.error().min(MOST_DISCOUNT);
            largest = largest
                .max(phi * (1.0 - discount))
                .max(scale.recent.certain());
            prior = if growth > CLEAR_GROWTH {
                phi * growth.min(MOST_GROWTH)
            } else {
                phi
            };
            before = Some(phi);
        }
        largest
    }
}

/// Blocks of one length: the one that is being filled and the one before.
#[derive(Debug, Clone)]
pub(super) struct Scale {
    parts: u32,
    filled: u32,
    current: Vec<f64>,
    last: Vec<f64>,
    /// So many blocks, when they are full, are not compared with the one before.
    skip: u32,
    long: Ratio,
    recent: Ratio,
}

impl Scale {
    pub(super) fn new(parts: u32, backends: usize) -> Self {
        Self {
            parts,
            filled: 0,
            current: vec![0.0; backends],
            last: vec![0.0; backends],
            skip: 1,
            long: Ratio::default(),
            recent: Ratio::default(),
        }
    }

    pub(super) fn inherit(&self, backends: usize) -> Self {
        Self {
            long: self.long,
            recent: self.recent,
            ..Self::new(self.parts, backends)
        }
    }

    /// Adds to the block. When that fills it, it is compared with the one before and returned.
    /// `phi` is the dispersion in force.
    pub(super) fn push(&mut self, part: impl Iterator<Item = f64>, phi: f64) -> Option<&[f64]> {
        for (sum, count) in self.current.iter_mut().zip(part) {
            *sum += count;
        }
        self.filled += 1;
        if self.filled < self.parts {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
        } else if let Some(pair) = Pair::compare(&self.last, &self.current, phi) {
            self.long.add(pair, LONG);
            self.recent.add(pair, RECENT);
        }
        std::mem::swap(&mut self.last, &mut self.current);
        self.current.fill(0.0);
        self.filled = 0;
        Some(&self.last)
    }

    pub(super) fn interrupt(&mut self) {
        // The block that is being filled, and the one after it, which would be compared with it.
        self.skip = 2;
    }

    /// Phi at this scale alone, at least 1.
    pub(super) fn phi(&self) -> f64 {
        self.long.value(1.0).max(self.recent.certain()).max(1.0)
    }
}

/// How long is remembered, in pairs and in degrees of freedom: whichever is longer.
#[derive(Debug, Clone, Copy)]
struct Memory {
    pairs: f64,
    freedom: f64,
}

/// Chi-squares and what they were expected to be, both forgotten alike.
#[derive(Debug, Clone, Copy, Default)]
struct Ratio {
    square: f64,
    freedom: f64,
}

impl Ratio {
    /// `prior` until more is known.
    fn value(&self, prior: f64) -> f64 {
        (self.square + GUESS_FREEDOM * prior) / (self.freedom + GUESS_FREEDOM)
    }

    /// The standard error, as a part of the value.
    fn error(&self) -> f64 {
        (self.freedom + GUESS_FREEDOM).recip().sqrt()
    }

    /// What phi is at least. An average over an exponential memory is as good as one over twice its sum of weights.
    fn certain(&self) -> f64 {
        if self.freedom > 0.0 {
            2.0 * self.square / chi_square_at(2.0 * self.freedom, CERTAIN)
        } else {
            0.0
        }
    }

    fn add(&mut self, pair: Pair, memory: Memory) {
        let keep = 1.0 - (1.0 / memory.pairs).min(pair.freedom / memory.freedom);
        self.square = keep * self.square + pair.square;
        self.freedom = keep * self.freedom + pair.freedom;
    }
}

/// Two adjacent blocks, compared.
#[derive(Debug, Clone, Copy)]
struct Pair {
    square: f64,
    freedom: f64,
}

impl Pair {
    /// Given the margins of a table of 2 rows and k columns with any count, the mean of the chi-square of N independent
    /// connections is exactly (k - 1) N / (N - 1), however few they are. (Haldane, "The mean and variance of chi-squared,
    /// when used as a test of homogeneity, when expectations are small", 1940.) Of N connections in clumps, N / phi are.
    fn compare(first: &[f64], second: &[f64], phi: f64) -> Option<Self> {
        let (a, b): (f64, f64) = (first.iter().sum(), second.iter().sum());
        if a < 1.0 || b < 1.0 {
            return None;
        }
        let (up, down) = ((b / a).sqrt(), (a / b).sqrt());
        let (mut square, mut columns) = (0.0, 0.0);
        for (x, y) in first.iter().zip(second) {
            if x + y > 0.0 {
                square += (x * up - y * down).powi(2) / (x + y);
                columns += 1.0;
            }
        }
        let independent = ((a + b) / phi).max(2.0);
        let freedom = (columns - 1.0) * independent / (independent - 1.0);
        let most = phi * (freedom + MOST * (2.0 * freedom).sqrt());
        Some(Self {
            square: square.min(most),
            freedom,
        })
    }
}
