//! Who serves, and from which side this host sees it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

/// From which side a connection is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Connections that this host opens to a backend: the balancer's vantage.
    Upstream,
    /// Connections that a backend on this host accepts: the backend's vantage.
    Local,
}

impl Role {
    /// The name that users write and read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Local => "local",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The kernel's cookie of a network namespace (`SO_NETNS_COOKIE`): unique for the life of the host, never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NetnsCookie(pub u64);

impl NetnsCookie {
    /// Real cookies count up from 1 since boot, and never get so far.
    const FLEET: u64 = 1 << 63;

    /// Stands for a part of a fleet, where an address alone does not say whose it is: of the pool with this number, and of the agent
    /// with this number, or of all agents if that is 0.
    pub fn of_fleet(pool: u32, agent: u32) -> Self {
        Self(Self::FLEET | u64::from(pool & (u32::MAX >> 1)) << 32 | u64::from(agent))
    }

    /// Whether it stands for a part of a fleet.
    fn is_of_fleet(self) -> bool {
        self.0 & Self::FLEET != 0
    }

    /// Whether it stands for what one agent of a fleet sees alone.
    pub fn is_of_one_agent(self) -> bool {
        self.is_of_fleet() && self.0 & u64::from(u32::MAX) != 0
    }
}

/// One address and port that serves, seen in one role.
///
/// A loopback address means another machine part in every network namespace, so it carries the namespace it
/// belongs to; all other addresses carry none. An IPv4-mapped IPv6 address is the IPv4 address it maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    role: Role,
    address: SocketAddr,
    netns: Option<NetnsCookie>,
}

impl Endpoint {
    /// An endpoint in canonical form; `netns` is kept for loopback addresses alone, and for those of a fleet.
    pub fn new(role: Role, address: SocketAddr, netns: NetnsCookie) -> Self {
        let address = canonical(address);
        let tells = address.ip().is_loopback() || netns.is_of_fleet();
        let netns = tells.then_some(netns);
        Self {
            role,
            address,
            netns,
        }
    }

    /// From which side it is seen.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Where it serves; never an IPv4-mapped IPv6 address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The namespace of a loopback address, `None` for every other address.
    pub fn netns(&self) -> Option<NetnsCookie> {
        self.netns
    }
}

/// The address without IPv4-in-IPv6 mapping, scope and flow label: what the kernel program keys by.
pub fn canonical(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V6(ip) => ip.to_ipv4_mapped().map_or(IpAddr::V6(ip), IpAddr::V4),
        ip @ IpAddr::V4(_) => ip,
    };
    SocketAddr::new(ip, address.port())
}
