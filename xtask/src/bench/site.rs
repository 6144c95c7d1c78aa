//! Where the bench's traffic runs: a network namespace of its own, with thousands of endpoints on its loopback interface.
//!
//! The addresses are no loopback addresses: those are keyed by namespace, which ordinary traffic is not.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::process::run;
use rustix::net::sockopt::set_socket_linger;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// All addresses of this network are the namespace's own.
const NETWORK: &str = "198.51.100.0/24";
const ADDRESSES: usize = 250;
const FIRST_PORT: u16 = 8000;

/// Endpoints are visited in steps of this prime, so that neighbours in time are none in memory.
const STEP: usize = 7919;

/// A namespace with listeners.
pub(super) struct Site {
    namespace: Namespace,
    listeners: Vec<TcpListener>,
    endpoints: usize,
}

impl Site {
    /// A site at which `endpoints` endpoints can be reached.
    pub(super) fn create(endpoints: usize) -> Result<Self> {
        let namespace = Namespace::create("bench")?;
        let mut route = Command::new("ip");
        if let Some(name) = namespace.name() {
            route.args(["-netns", name]);
        }
        run(route.args(["route", "add", "local", NETWORK, "dev", "lo"]))?;
        let ports = u16::try_from(endpoints.div_ceil(ADDRESSES))?;
        let listeners = namespace.enter(|| {
            let listen = |port| TcpListener::bind((Ipv4Addr::UNSPECIFIED, FIRST_PORT + port));
            (0..ports).map(listen).collect::<Result<Vec<_>, _>>()
        })?;
        Ok(Self {
            namespace,
            listeners: listeners.context("cannot listen")?,
            endpoints,
        })
    }

    /// All endpoints, or the first ones.
    pub(super) fn endpoints(&self, count: usize) -> impl Iterator<Item = SocketAddr> {
        (0..count.min(self.endpoints)).map(endpoint)
    }

    /// The namespace.
    pub(super) fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Runs `work` inside.
    pub(super) fn enter<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        self.namespace.enter(work)?
    }

    /// Opens and resets `count` connections, one after the other, spread over the first `targets` endpoints.
    pub(super) fn pairs(&self, targets: usize, count: usize) -> Result<()> {
        self.enter(|| {
            pin()?;
            (0..count).try_for_each(|number| self.pair(number, targets))
        })
    }

    /// Opens and resets connections for some time; gives how many a second.
    pub(super) fn pairs_a_second(&self, targets: usize, time: Duration) -> Result<f64> {
        self.enter(|| {
            pin()?;
            let began = Instant::now();
            let mut made = 0_usize;
            while began.elapsed() < time {
                // Looking at the clock is not what is to be measured.
                for _ in 0..32 {
                    self.pair(made, targets)?;
                    made += 1;
                }
            }
            Ok(made as f64 / began.elapsed().as_secs_f64())
        })
    }

    /// One connection, from the SYN to the reset.
    pub(super) fn pair(&self, number: usize, targets: usize) -> Result<()> {
        let (client, server) = self.open(number, targets)?;
        set_socket_linger(&client, Some(Duration::ZERO))?;
        drop(client);
        drop(server);
        Ok(())
    }

    /// One connection that stays open; both ends.
    pub(super) fn open(&self, number: usize, targets: usize) -> Result<(TcpStream, TcpStream)> {
        let index = number.wrapping_mul(STEP) % targets;
        let client = TcpStream::connect(endpoint(index)).context("cannot connect")?;
        let (server, _) = self.listeners[index / ADDRESSES]
            .accept()
            .context("cannot accept")?;
        Ok((client, server))
    }
}

fn endpoint(index: usize) -> SocketAddr {
    // Both fit: there are 250 addresses, and listeners for all ports.
    let host = u8::try_from(index % ADDRESSES + 1).unwrap_or(u8::MAX);
    let port = u16::try_from(index / ADDRESSES).map_or(u16::MAX, |port| FIRST_PORT + port);
    SocketAddr::from(([198, 51, 100, host], port))
}

/// Keeps the calling thread on the last processor: packets on loopback stay there too, and devices mostly interrupt the
/// first.
fn pin() -> Result<()> {
    let allowed = sched_getaffinity(None)?;
    let last = (0..CpuSet::MAX_CPU).rev().find(|cpu| allowed.is_set(*cpu));
    let mut only = CpuSet::new();
    only.set(last.context("no processor to run on")?);
    sched_setaffinity(None, &only).context("cannot stay on one processor")
}

/// The agent's configuration for pools of ten of these endpoints each.
pub(super) fn pools(role: &str, endpoints: impl Iterator<Item = SocketAddr>) -> String {
    let mut yaml = String::new();
    for (number, address) in endpoints.enumerate() {
        if number % 10 == 0 {
            // A `String` takes whatever is written to it.
            let _ = write!(
                yaml,
                "  - name: {role}-{}\n    role: {role}\n    backends:\n",
                number / 10
            );
        }
        let _ = writeln!(yaml, "      - address: {address}");
    }
    yaml
}
