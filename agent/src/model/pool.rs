//! Pools: as a source describes them, and as the engine tracks them.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use evenkeel_skew::{Expected, WeightError};
use serde::{Deserialize, Serialize};

use super::detection::{Algorithm, Expectation};
use super::endpoint::{Endpoint, NetnsCookie, Role};

/// A backend's weight: finite and greater than zero.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Weight(f64);

impl Weight {
    /// The weight of a backend that states none.
    pub const ONE: Self = Self(1.0);

    /// `None` unless `value` is finite and greater than zero.
    pub fn new(value: f64) -> Option<Self> {
        (value.is_finite() && value > 0.0).then_some(Self(value))
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Weight {
    type Error = &'static str;

    fn try_from(value: f64) -> Result<Self, Self::Error> {
        Self::new(value).ok_or("a weight is greater than zero")
    }
}

impl From<Weight> for f64 {
    fn from(weight: Weight) -> Self {
        weight.get()
    }
}

/// Where a pool was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// `pools` of the configuration file.
    Config,
    /// Endpoints seen on this host, grouped by port.
    Auto,
}

impl Source {
    /// The name that users read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Auto => "auto",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One member of a pool, as its source describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackendSpec {
    /// Where it serves; canonical (never an IPv4-mapped IPv6 address).
    pub address: SocketAddr,
    /// The network namespace that a loopback address belongs to; `None` means the agent's own.
    pub netns: Option<NetnsCookie>,
    /// Its part of the traffic, relative to the other members.
    pub weight: Weight,
    /// What else is known of it: zone, version.
    pub labels: BTreeMap<String, String>,
}

/// Backends among which traffic should be spread, as a source describes them: not empty, no address twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PoolSpec {
    /// Unique among all pools of the agent.
    pub name: String,
    /// From which side its connections are seen.
    pub role: Role,
    /// Where it was found.
    pub source: Source,
    /// The pool's own tolerance, if it states one: the part by which a share may differ from the expected one.
    pub tolerance: Option<f64>,
    /// How its balancer spreads connections.
    pub algorithm: Algorithm,
    /// Where its expected shares come from, if it says so itself; otherwise as is usual for the algorithm.
    pub expected: Option<Expectation>,
    /// Its members, in the source's order.
    pub backends: Vec<BackendSpec>,
}

impl PoolSpec {
    /// Where the expected shares come from.
    pub fn expectation(&self) -> Expectation {
        self.expected
            .unwrap_or_else(|| self.algorithm.usual_expectation())
    }
}

/// A pool as the engine tracks it: what does not change from tick to tick.
#[derive(Clone, Debug)]
pub struct Pool {
    /// What the source said.
    pub spec: PoolSpec,
    /// The endpoint of each backend, in the order of `spec.backends`.
    pub endpoints: Vec<Endpoint>,
    /// The name of each backend, `address:port`, in the same order; what metrics and pages call it.
    pub names: Vec<String>,
    /// The share of each backend by its weight, in the same order.
    pub expected: Expected,
}

impl Pool {
    /// Makes a pool ready to be tracked; loopback addresses that name no namespace belong to `own`.
    ///
    /// # Errors
    /// If the weights are so far apart that a share could not be told from none.
    pub fn new(spec: PoolSpec, own: NetnsCookie) -> Result<Self, WeightError> {
        let weights: Vec<f64> = spec
            .backends
            .iter()
            .map(|backend| backend.weight.get())
            .collect();
        let endpoint = |backend: &BackendSpec| {
            Endpoint::new(spec.role, backend.address, backend.netns.unwrap_or(own))
        };
        Ok(Self {
            expected: Expected::from_weights(&weights)?,
            endpoints: spec.backends.iter().map(endpoint).collect(),
            names: spec
                .backends
                .iter()
                .map(|backend| backend.address.to_string())
                .collect(),
            spec,
        })
    }
}
