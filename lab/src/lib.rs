//! The test bed on which evenkeel's tests, benches, demo and training stand: network namespaces, backends, the real
//! balancers, and clients that keep a ledger of what they truly did.
//!
//! Everything runs as root on Linux, on loopback or in namespaces made here, with addresses reserved for documentation.
//! Whatever is made is removed when its value is dropped, also when a test panics. There is no `async`: threads and
//! blocking calls keep the truth easy to follow.

pub mod agent;
pub mod alertmanager;
pub mod backend;
pub mod balancer;
pub mod cgroup;
pub mod client;
pub mod farm;
pub mod guest;
pub mod http;
pub mod kubernetes;
pub mod ledger;
pub mod netns;
pub mod network;
mod pace;
pub mod parts;
pub mod process;
pub mod prometheus;
mod random;
mod socket;
pub mod training;
pub mod wait;
