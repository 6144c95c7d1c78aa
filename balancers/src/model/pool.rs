//! Pools and their servers.

use std::collections::BTreeMap;

use serde::Serialize;

use super::address::Address;
use super::algorithm::Algorithm;
use super::share::{Share, Shares};
use crate::product::Product;
use crate::shares::Formula;
use crate::source::Place;

/// Servers among which a balancer spreads traffic; evenkeel sees them in the role `upstream`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pool {
    /// What the product calls it. Unique within a configuration together with `traffic`.
    pub name: String,
    /// Whose it is.
    pub product: Product,
    /// How it came to be.
    pub origin: Origin,
    /// What is balanced.
    pub traffic: Traffic,
    /// Where it is declared.
    pub place: Place,
    /// How servers are chosen.
    pub algorithm: Algorithm,
    /// The formula of their shares; `None` if only the running product knows.
    pub formula: Option<Formula>,
    /// Who keeps the account by which they are chosen.
    pub scheduling: Scheduling,
    /// How far connections, which the kernel sees, can be compared with what the balancer spreads.
    pub comparability: Comparability,
    /// Its members, in the configuration's order.
    pub servers: Vec<Server>,
    /// What each of them should get, in the same order.
    pub shares: Shares,
    /// Whether anything may send traffic to it; `false` only if nothing does, by name or by a variable that could hold it.
    pub used: bool,
    /// What else a reader should know: approximations made, what was left open.
    pub notes: Vec<String>,
}

impl Pool {
    /// Servers with their shares.
    pub fn members(&self) -> impl Iterator<Item = (&Server, Share)> {
        let shares = self.shares.servers.iter().copied();
        let unknown = std::iter::repeat(Share::UNKNOWN);
        self.servers.iter().zip(shares.chain(unknown))
    }

    /// The servers that get traffic while all is well.
    pub fn in_rotation(&self) -> impl Iterator<Item = (&Server, Share)> {
        self.members()
            .filter(|(server, _)| server.state == State::InRotation)
    }
}

/// How a pool came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// It is written as a pool.
    Declared,
    /// An address stands where a pool's name could.
    Implicit,
    /// It shares traffic out among other pools, which are its servers by name.
    Split,
}

/// What is balanced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Traffic {
    /// HTTP requests, or those of `FastCGI` and its kin.
    Requests,
    /// TCP connections or UDP sessions.
    Connections,
}

/// How many workers or threads choose servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Workers {
    /// So many.
    Number(u32),
    /// As many as the host has processors.
    PerCpu,
    /// Not stated in what was read.
    Unknown,
}

impl Workers {
    /// The number, as far as it is known.
    pub const fn number(self) -> Option<u32> {
        match self {
            Self::Number(number) => Some(number),
            Self::PerCpu | Self::Unknown => None,
        }
    }
}

/// Who keeps the account by which servers are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheduling {
    /// All workers share one.
    Shared,
    /// Each worker its own.
    PerWorker(Workers),
}

/// How far new connections can be compared with the requests that the balancer spreads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparability {
    /// One connection per choice.
    Exact,
    /// Connections are kept and used again: their number follows the number of requests loosely.
    Approximate,
    /// Many requests share few connections (HTTP/2): compare bytes or open connections.
    Unusable,
}

/// One member of a pool.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Server {
    /// Its name, where the product gives names.
    pub name: Option<String>,
    /// Where it is.
    pub address: Address,
    /// Its weight, in the product's units; not negative.
    pub weight: f64,
    /// Whether it gets traffic.
    pub state: State,
    /// The most connections it may have at once.
    pub max_connections: Option<u64>,
    /// What else is known of it: zone, subset, group.
    pub labels: BTreeMap<String, String>,
    /// Where it is declared.
    pub place: Place,
}

impl Server {
    /// What users know it by.
    pub fn title(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.address.written)
    }
}

/// Whether a server gets traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It does.
    InRotation,
    /// Only if the others cannot.
    Backup,
    /// Not: it is marked as unavailable.
    Down,
    /// No new clients: only what is bound to it.
    Drained,
    /// Not: it is configured away, as by weight 0.
    Disabled,
}
