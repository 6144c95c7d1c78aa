//! Pools: as a source describes them, and as the engine tracks them.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use evenkeel_skew::{Expected, WeightError};
use serde::{Deserialize, Serialize};

use super::detection::{Algorithm, Expectation};
use super::endpoint::{Endpoint, NetnsCookie, Role};
use super::finding::Finding;

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
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// `pools` of the configuration file.
    Config,
    /// nginx' configuration.
    Nginx,
    /// `HAProxy`'s configuration, or its runtime state.
    Haproxy,
    /// Envoy's configuration.
    Envoy,
    /// Apache httpd's configuration.
    Apache,
    /// Caddy's configuration.
    Caddy,
    /// Traefik's configuration.
    Traefik,
    /// Files in the format of Prometheus' `file_sd`.
    FileSd,
    /// `EndpointSlice`s of Kubernetes.
    Kubernetes,
    /// Endpoints seen on this host, grouped by port.
    Auto,
    /// Pools of all agents, read from a store.
    Fleet,
}

impl Source {
    /// The name that users read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Envoy => "envoy",
            Self::Apache => "apache",
            Self::Caddy => "caddy",
            Self::Traefik => "traefik",
            Self::FileSd => "file_sd",
            Self::Kubernetes => "kubernetes",
            Self::Auto => "auto",
            Self::Fleet => "fleet",
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
    /// The share that it should have, relative to the other members, where that does not follow from the weights: of rings
    /// of hashes and of priorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Weight>,
    /// Who serves there, where addresses pass from one to another: the UID of a pod. A member with another identity is another
    /// member, whatever its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// What else is known of it: zone, version.
    pub labels: BTreeMap<String, String>,
}

impl BackendSpec {
    /// Whether it took over the address of `before`, another member.
    pub fn replaces(&self, before: &Self) -> bool {
        let both = self.identity.as_ref().zip(before.identity.as_ref());
        both.is_some_and(|(new, old)| new != old)
    }

    /// What people read: its address, with the agent that sees it where several hosts have such an address.
    pub fn name(&self) -> String {
        let apart = self.netns.is_some_and(NetnsCookie::is_of_one_agent);
        match self.labels.get("instance") {
            Some(instance) if apart => format!("{}@{instance}", self.address),
            _ => self.address.to_string(),
        }
    }
}

/// A member of a pool that should get no traffic while all is well. What it gets is shown, and not judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StandbySpec {
    /// Where it serves; canonical.
    pub address: SocketAddr,
    /// As of [`BackendSpec::netns`].
    pub netns: Option<NetnsCookie>,
    /// Why it gets no traffic.
    pub why: Standby,
    /// As of [`BackendSpec::identity`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// What else is known of it.
    pub labels: BTreeMap<String, String>,
}

/// Why a member of a pool should get no traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standby {
    /// It is a backup for the others.
    Backup,
    /// It is marked as unavailable, or is found to be.
    Down,
    /// It serves only the clients that it had, or has weight 0.
    Drained,
    /// It is configured away, as by a priority or a locality without weight.
    Disabled,
}

impl Standby {
    /// The name that users read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Down => "down",
            Self::Drained => "drained",
            Self::Disabled => "disabled",
        }
    }
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
    /// Members that should get no traffic, in the source's order; none of their addresses is one of `backends`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub standby: Vec<StandbySpec>,
    /// What the audit found about it in the configuration that it comes from, in the order of places.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

impl PoolSpec {
    /// Where the expected shares come from.
    pub fn expectation(&self) -> Expectation {
        self.expected
            .unwrap_or_else(|| self.algorithm.usual_expectation())
    }

    /// The share that each backend should have: as the source states them, if it states all, else by weight.
    ///
    /// # Errors
    /// If the weights are so far apart that a share could not be told from none.
    pub fn shares(&self) -> Result<Expected, WeightError> {
        let stated = self.stated().map(|shares| Expected::from_weights(&shares));
        if let Some(Ok(expected)) = stated {
            return Ok(expected);
        }
        Expected::from_weights(&self.weights())
    }

    /// The share that the source states of each backend, if it states all.
    fn stated(&self) -> Option<Vec<f64>> {
        let shares = self.backends.iter();
        shares
            .map(|backend| backend.share.map(Weight::get))
            .collect()
    }

    fn weights(&self) -> Vec<f64> {
        let weights = self.backends.iter();
        weights.map(|backend| backend.weight.get()).collect()
    }

    /// What the shares are computed from: in the units of the source, so that parts of a pool that several agents see can be put together.
    pub fn parts(&self) -> Vec<f64> {
        self.stated().unwrap_or_else(|| self.weights())
    }

    /// How many endpoints it watches.
    pub fn size(&self) -> usize {
        self.backends.len() + self.standby.len()
    }

    /// The endpoints of `backends`, then those of `standby`; loopback addresses that name no namespace belong to `own`.
    pub fn endpoints(&self, own: NetnsCookie) -> impl Iterator<Item = Endpoint> {
        let backends = self.backends.iter().map(|one| (one.address, one.netns));
        let standby = self.standby.iter().map(|one| (one.address, one.netns));
        let endpoint = move |(address, netns): (_, Option<_>)| {
            Endpoint::new(self.role, address, netns.unwrap_or(own))
        };
        backends.chain(standby).map(endpoint)
    }
}

/// A pool as the engine tracks it: what does not change from tick to tick.
#[derive(Clone, Debug)]
pub struct Pool {
    /// What the source said.
    pub spec: PoolSpec,
    /// The endpoint of each backend, in the order of `spec.backends`.
    pub endpoints: Vec<Endpoint>,
    /// The name of each backend, `address:port`, in the same order; what metrics and pages call it. In a fleet `address:port@instance`
    /// where the address alone does not say which host it is on.
    pub names: Vec<String>,
    /// The share that each backend should have, in the same order.
    pub expected: Expected,
    /// The endpoint of each member of `spec.standby`, in that order.
    pub standby_endpoints: Vec<Endpoint>,
    /// The name of each, in the same order.
    pub standby_names: Vec<String>,
}

impl Pool {
    /// Makes a pool ready to be tracked; loopback addresses that name no namespace belong to `own`.
    ///
    /// # Errors
    /// If the weights are so far apart that a share could not be told from none.
    pub fn new(spec: PoolSpec, own: NetnsCookie) -> Result<Self, WeightError> {
        let mut endpoints: Vec<Endpoint> = spec.endpoints(own).collect();
        let standby_endpoints = endpoints.split_off(spec.backends.len());
        let name = |address: SocketAddr| address.to_string();
        Ok(Self {
            expected: spec.shares()?,
            endpoints,
            names: spec.backends.iter().map(BackendSpec::name).collect(),
            standby_endpoints,
            standby_names: spec.standby.iter().map(|one| name(one.address)).collect(),
            spec,
        })
    }
}
