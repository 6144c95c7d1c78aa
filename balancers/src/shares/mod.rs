//! The share that each server is expected to get, by the algorithms' own formulas.
//!
//! Pure functions of weights and names; each names the source file of the product that it follows. A file per formula;
//! those that several products share carry no product's name.

mod apache_turns;
mod caddy_weighted;
mod crc32;
mod envoy_maglev;
mod envoy_priority;
mod envoy_ring;
mod formula;
mod haproxy_ring;
mod murmur;
mod nginx_hash;
mod nginx_ip_hash;
mod nginx_ring;
mod slots;
mod traefik_hrw;
mod weighted;

pub use apache_turns::{ApacheMember, ApacheRole, apache_turns};
pub use caddy_weighted::caddy_weighted;
pub use crc32::{Crc32, crc32};
pub use envoy_maglev::{ENVOY_MAGLEV_TABLE, EnvoyMaglev};
pub use envoy_priority::{EnvoyLevel, EnvoyLoad, envoy_priorities};
pub use envoy_ring::{EnvoyHash, EnvoyRing};
pub use formula::{Budget, Formula, Member};
pub use haproxy_ring::{HAPROXY_POINTS_PER_WEIGHT, HaproxyRing, haproxy_full_hash, haproxy_sdbm};
pub use murmur::murmur2;
pub use nginx_hash::{NGINX_HASHES, nginx_hash};
pub use nginx_ip_hash::{NGINX_IP_HASHES, nginx_ip_hash, nginx_ip_hash_of};
pub use nginx_ring::{NGINX_POINTS_PER_WEIGHT, NginxRing};
pub use traefik_hrw::{traefik_hrw, traefik_hrw_of};
pub use weighted::by_weight;

/// A server as hashing algorithms see it: those that are down keep their part of the range, and pass its keys on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Its weight; greater than zero.
    pub weight: u64,
    /// Whether it takes what falls to it.
    pub live: bool,
}
