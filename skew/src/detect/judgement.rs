//! What levels say of one backend: inside, outside, or neither.

use super::limits::{Mean, above, below};
use super::outside::Bounds;
use super::terms::Side;

/// How many standard deviations a limit is away.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) outside: f64,
    pub(super) inside: f64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Backend {
    bounds: Bounds,
    low: Mean,
    high: Mean,
    pub(super) outside: Option<Outside>,
    /// Observations until it may be cold.
    pub(super) wait: u32,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Outside {
    pub(super) side: Side,
    /// Observations in a row.
    pub(super) held: u32,
    /// The first of them.
    pub(super) since: u64,
}

/// What one observation says of one backend.
pub(super) enum Judgement {
    Inside,
    Between,
    /// By this many deviates, on this side.
    Outside(f64, Side),
}

impl Default for Backend {
    fn default() -> Self {
        Self {
            bounds: Bounds {
                low: None,
                high: None,
            },
            low: Mean::default(),
            high: Mean::default(),
            outside: None,
            wait: 0,
        }
    }
}

impl Backend {
    /// Moves its boundaries.
    pub(super) fn expect(&mut self, share: f64, tolerance: f64) {
        self.bounds = Bounds::new(share, tolerance);
        self.low = Mean::new(self.bounds.low.unwrap_or(0.0));
        self.high = Mean::new(self.bounds.high.unwrap_or(1.0));
    }

    /// Judges its share of a sample; `root` is the cube root of that.
    pub(super) fn judge(&self, share: f64, sample: f64, root: f64, limits: Limits) -> Judgement {
        let count = share * sample;
        let (low, high) = (self.low.times(root), self.high.times(root));
        if self.bounds.high.is_some_and(|bound| share > bound) {
            return Judgement::Outside(above(count, high), Side::Hot);
        }
        if self.bounds.low.is_some_and(|bound| share < bound) {
            if self.wait > 0 {
                return Judgement::Between;
            }
            return Judgement::Outside(below(count, low), Side::Cold);
        }
        let not_cold = self.bounds.low.is_none() || above(count, low) >= limits.inside;
        let not_hot = self.bounds.high.is_none() || below(count, high) >= limits.inside;
        let tested = self.bounds.low.is_some() || self.bounds.high.is_some();
        if tested && not_cold && not_hot {
            Judgement::Inside
        } else {
            Judgement::Between
        }
    }

    /// Remembers for how long it has been outside.
    pub(super) fn note(&mut self, judgement: &Judgement, limit: f64, now: u64) {
        self.wait = self.wait.saturating_sub(1);
        self.outside = match *judgement {
            Judgement::Outside(deviate, side) if deviate >= limit => {
                let before = self.outside.filter(|outside| outside.side == side);
                Some(Outside {
                    side,
                    held: before.map_or(0, |outside| outside.held).saturating_add(1),
                    since: before.map_or(now, |outside| outside.since),
                })
            }
            _ => None,
        };
    }
}
