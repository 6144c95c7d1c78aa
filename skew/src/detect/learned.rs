//! A pool's own long-run shares, for balancers that do not aim at weights.

use crate::Expected;

/// A backend with less than its due is believed when the pool has seen this many times what is enough.
const PATIENCE: f64 = 10.0;

/// Learns the shares of a pool from its counts, forgetting exponentially.
///
/// For hashing, sticky sessions or least-connections over unequal backends: what is usual is what is expected, and a skew is
/// a change. Ticks without any connection do not count, so that a quiet night is not forgotten into nothing. Observing
/// allocates nothing.
#[derive(Debug, Clone)]
pub struct LearnedShares {
    sums: Vec<f64>,
    /// Connections ever seen, without forgetting.
    seen: Vec<f64>,
    keep: f64,
    enough: f64,
}

impl LearnedShares {
    /// What was seen counts half after `half_life_ticks` ticks with traffic. Shares are learned when each backend has had
    /// `enough` connections, or the pool ten times as many on average: then the others really get few. A thousand gives a
    /// standard error of 3 %, to be compared with the tolerance.
    pub fn new(backends: usize, half_life_ticks: f64, enough: u64) -> Self {
        Self {
            sums: vec![0.0; backends],
            seen: vec![0.0; backends],
            keep: (-half_life_ticks.max(1.0).recip()).exp2(),
            enough: enough as f64,
        }
    }

    /// One tick; counts in the order of the backends. While `frozen`, nothing is learned: a skew is not what is expected.
    /// Neither is anything from a slice of another length than there are backends.
    pub fn observe(&mut self, counts: &[u64], frozen: bool) {
        if frozen || counts.len() != self.sums.len() || counts.iter().all(|&count| count == 0) {
            return;
        }
        for ((sum, seen), &count) in self.sums.iter_mut().zip(&mut self.seen).zip(counts) {
            *sum = *sum * self.keep + count as f64;
            *seen += count as f64;
        }
    }

    /// Whether there are shares yet.
    pub fn is_learned(&self) -> bool {
        let total: f64 = self.seen.iter().sum();
        let each = self.seen.iter().all(|&seen| seen >= self.enough);
        let anyway = total >= PATIENCE * self.enough * self.seen.len() as f64;
        total > 0.0 && (each || anyway)
    }

    /// The shares, or None until they are learned. Allocates as [`Expected`] does: ask now and then, not every tick.
    ///
    /// Half a connection is added to each backend, so that one that got none has a share (Krichevsky and Trofimov 1981).
    pub fn expected(&self) -> Option<Expected> {
        if !self.is_learned() {
            return None;
        }
        let weights: Vec<f64> = self.sums.iter().map(|sum| sum + 0.5).collect();
        // Fails only if one has 10^12 times the connections of another; no one learns from that.
        Expected::from_weights(&weights).ok()
    }

    /// What was learned, for the pool after a change of its members: `origin[i]` is the index that backend i had before. Who
    /// stays keeps what it had; a new backend has nothing, so that shares are to be learned again.
    #[must_use]
    pub fn inherit(&self, origin: &[Option<usize>]) -> Self {
        let take = |values: &[f64]| -> Vec<f64> {
            let value = |old: &Option<usize>| old.and_then(|old| values.get(old)).copied();
            origin.iter().map(|old| value(old).unwrap_or(0.0)).collect()
        };
        let unchanged = self.sums.len() == origin.len() && origin.iter().all(Option::is_some);
        Self {
            sums: take(&self.sums),
            seen: if unchanged {
                take(&self.seen)
            } else {
                vec![0.0; origin.len()]
            },
            ..*self
        }
    }
}
