//! What a running product says of its pools, and how it differs from the configuration that it was started with.
//!
//! Products are asked elsewhere; here are their answers as plain data, in words common to them, and the comparison.

mod applied;
mod checks;
mod compare;
mod matching;
mod rules;
mod servers;

use std::net::SocketAddr;

use serde::Serialize;

pub(crate) use self::rules::RULES;

/// A pool, as it runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// Whether the product found it by itself (Envoy: CDS), so that no file need have it.
    pub discovered: bool,
    /// Its servers, in the product's order.
    pub servers: Vec<Server>,
}

/// A server, as it runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Server {
    /// Its name, where the product gives names.
    pub name: Option<String>,
    /// Its address, or the path of its socket; `None` if the product does not tell.
    pub address: Option<String>,
    /// The DNS name that its address comes from.
    pub host: Option<String>,
    /// Its weight, in the product's units.
    pub weight: u32,
    /// The weight that it was loaded with, if the product tells both.
    pub loaded_weight: Option<u32>,
    /// Whether an agent on the server may set its weight and state.
    pub has_agent: bool,
    /// Whether it is a backup, or of a priority that is not the first.
    pub backup: bool,
    /// Whether it gets traffic.
    pub condition: Condition,
    /// Why it has this condition, in the product's words.
    pub reason: Option<String>,
    /// Sessions or requests that it has now.
    pub sessions: u64,
}

/// Whether a server gets traffic now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// It does, or would if it were not a backup.
    Up,
    /// It does, and less than its weight says, as it came back a short while ago.
    Starting,
    /// Health checks took it out, or it says itself that it is not well.
    Down,
    /// Requests that failed took it out (outlier detection).
    Ejected,
    /// No new clients: somebody drains it.
    Drained,
    /// Nothing: somebody took it out.
    Maintenance,
    /// Nothing: its name has no address.
    Unresolved,
}

impl Condition {
    /// Whether it gets new clients.
    pub const fn is_up(self) -> bool {
        matches!(self, Self::Up | Self::Starting)
    }

    /// The words that users read.
    const fn words(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Starting => "starting slowly",
            Self::Down => "down",
            Self::Ejected => "ejected",
            Self::Drained => "drained",
            Self::Maintenance => "in maintenance",
            Self::Unresolved => "without an address",
        }
    }
}

impl Server {
    /// What users know it by.
    pub fn title(&self) -> &str {
        let address = self.address.as_deref().or(self.host.as_deref());
        self.name.as_deref().or(address).unwrap_or("?")
    }

    /// Whether it gets new clients, if it is no backup.
    pub const fn is_in_rotation(&self) -> bool {
        self.condition.is_up() && self.weight > 0
    }

    /// The address as a number and a port.
    pub fn socket(&self) -> Option<SocketAddr> {
        self.address.as_deref()?.parse().ok()
    }
}

impl Pool {
    /// The part of a server in the weight that is in rotation, counted with `weight` in place of its own.
    fn part(&self, server: &Server, weight: u32) -> Option<f64> {
        let others = self.servers.iter().filter(|other| {
            !std::ptr::eq(*other, server) && other.is_in_rotation() && !other.backup
        });
        let sum: u64 = others.map(|other| u64::from(other.weight)).sum();
        let all = sum + u64::from(weight);
        // Exact far beyond all weights that there are.
        #[allow(clippy::cast_precision_loss, reason = "weights are far below 2^53")]
        (all > 0).then(|| f64::from(weight) / all as f64)
    }
}
