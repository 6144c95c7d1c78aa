//! Made-up traffic: reproducible, and as uneven as asked for.

/// `SplitMix64` (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in 0..1, never 0.
    pub(crate) fn unit(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Poisson distributed, by counting exponential waiting times in one tick.
    pub(crate) fn poisson(&mut self, mean: f64) -> u64 {
        let (mut time, mut events) = (0.0, 0);
        loop {
            time -= self.unit().ln();
            if time > mean {
                return events;
            }
            events += 1;
        }
    }

    /// An index, with probability proportional to its weight.
    pub(crate) fn choose(&mut self, weights: &[f64]) -> usize {
        let mut left = self.unit() * weights.iter().sum::<f64>();
        for (index, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return index;
            }
        }
        weights.len() - 1
    }
}

/// How connections arrive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Arrivals {
    /// Each is placed on its own.
    Independent,
    /// In turn, as round-robin does. Only for equal weights.
    InTurn,
    /// So many at once to the same backend.
    Clumps(u64),
    /// Clumps of random size with this mean, geometrically distributed.
    RandomClumps(f64),
    /// Clumps of this size that arrive one connection per tick.
    SlowClumps(u64),
}

/// A source of counts.
pub(crate) struct Traffic {
    pub(crate) random: Random,
    pub(crate) arrivals: Arrivals,
    /// Connections per tick.
    pub(crate) rate: f64,
    /// Load of each backend, in any unit.
    pub(crate) loads: Vec<f64>,
    turn: usize,
    /// Clumps under way: backend and connections left.
    under_way: Vec<(usize, u64)>,
    counts: Vec<u64>,
}

impl Traffic {
    pub(crate) fn new(seed: u64, arrivals: Arrivals, rate: f64, loads: Vec<f64>) -> Self {
        Self {
            random: Random(seed),
            arrivals,
            rate,
            counts: vec![0; loads.len()],
            loads,
            turn: 0,
            under_way: Vec::new(),
        }
    }

    /// The counts of one more tick.
    pub(crate) fn tick(&mut self) -> &[u64] {
        self.counts.fill(0);
        let clump = match self.arrivals {
            Arrivals::Independent | Arrivals::InTurn => 1.0,
            Arrivals::Clumps(size) | Arrivals::SlowClumps(size) => size as f64,
            Arrivals::RandomClumps(mean) => mean,
        };
        for _ in 0..self.random.poisson(self.rate / clump) {
            self.arrive();
        }
        for (backend, left) in &mut self.under_way {
            self.counts[*backend] += 1;
            *left -= 1;
        }
        self.under_way.retain(|(_, left)| *left > 0);
        &self.counts
    }

    fn arrive(&mut self) {
        let backend = self.random.choose(&self.loads);
        match self.arrivals {
            Arrivals::Independent => self.counts[backend] += 1,
            Arrivals::InTurn => {
                self.turn = (self.turn + 1) % self.counts.len();
                self.counts[self.turn] += 1;
            }
            Arrivals::Clumps(size) => self.counts[backend] += size,
            Arrivals::RandomClumps(mean) => {
                let more = self.random.unit().ln() / (1.0 - 1.0 / mean).ln();
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "positive and small"
                )]
                let size = 1 + more as u64;
                self.counts[backend] += size;
            }
            Arrivals::SlowClumps(size) => self.under_way.push((backend, size)),
        }
    }
}
