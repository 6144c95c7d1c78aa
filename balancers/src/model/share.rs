//! Expected shares: as exact as the configuration allows, and no more.

use serde::{Serialize, Serializer};

/// The part of a pool that one server is expected to get: a number, or bounds where the configuration leaves it open.
///
/// A server that is a DNS name is as many servers as the name has addresses. Then its share is only known to be at least
/// that of one address, and the others' at most what that leaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    low: f64,
    high: f64,
}

impl Share {
    /// Nothing.
    pub const ZERO: Self = Self::exactly(0.0);
    /// Anything.
    pub const UNKNOWN: Self = Self {
        low: 0.0,
        high: 1.0,
    };

    /// A known share, brought into 0 to 1.
    pub const fn exactly(share: f64) -> Self {
        let share = share.clamp(0.0, 1.0);
        Self {
            low: share,
            high: share,
        }
    }

    /// A share between bounds, brought into 0 to 1 and into order.
    pub fn between(low: f64, high: f64) -> Self {
        let (low, high) = (low.clamp(0.0, 1.0), high.clamp(0.0, 1.0));
        Self {
            low: low.min(high),
            high: high.max(low),
        }
    }

    /// The share, if it is known.
    pub fn exact(self) -> Option<f64> {
        (self.high - self.low < 1e-12).then_some(self.low)
    }

    /// The least it can be.
    pub const fn low(self) -> f64 {
        self.low
    }

    /// The most it can be.
    pub const fn high(self) -> f64 {
        self.high
    }
}

/// As a number if it is exact, else as `{"low", "high"}`.
impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Bounds {
            low: f64,
            high: f64,
        }
        match self.exact() {
            Some(share) => serializer.serialize_f64(share),
            None => Bounds {
                low: self.low,
                high: self.high,
            }
            .serialize(serializer),
        }
    }
}

/// Of what a share is a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Of new connections or requests.
    Arrivals,
    /// Of open connections, or of requests in progress.
    InProgress,
    /// Of keys that are many and equally frequent; the traffic's share is that of the keys that occur.
    Keys,
    /// Of bytes, of requests and responses together.
    Bytes,
}

/// The expected shares of a pool.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shares {
    /// Of what.
    pub of: Basis,
    /// One for each server, in the pool's order. If all are exact their sum is 1, or 0 if no server is in rotation.
    pub servers: Vec<Share>,
}

impl Shares {
    /// A number for each server, if all are known.
    pub fn exact(&self) -> Option<Vec<f64>> {
        self.servers.iter().map(|share| share.exact()).collect()
    }
}
