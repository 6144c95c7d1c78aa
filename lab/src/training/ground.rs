//! Where a scenario takes place: loopback addresses of its own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context as _, Result};

use crate::netns::Namespace;

/// The first port that is tried, and how many are.
const PORTS: (u16, u16) = (8080, 100);

/// Addresses on the loopback interface of one host; those of two plots differ.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    host: &'a Namespace,
    plot: u8,
    port: u16,
}

impl<'a> Ground<'a> {
    /// A plot for a balancer and so many backends, with a port that is free on all of their addresses.
    pub fn find(host: &'a Namespace, plot: u8, backends: u8) -> Result<Self> {
        let (first, count) = PORTS;
        let on = |port| Self { host, plot, port };
        let free = |ground: &Self| {
            let mut all = ground.backends(backends);
            all.push(ground.entrance());
            let bound = || all.iter().all(|place| TcpListener::bind(place).is_ok());
            host.enter(bound).unwrap_or(false)
        };
        let mut grounds = (first..first + count).map(on);
        grounds.find(free).with_context(|| {
            format!("no port from {first} on is free on 127.1.{plot}.1 and the addresses after it")
        })
    }

    /// Where everything runs.
    pub fn host(&self) -> &'a Namespace {
        self.host
    }

    /// Where the balancer listens.
    pub fn entrance(&self) -> SocketAddr {
        self.at(1)
    }

    /// Where backends serve.
    pub fn backends(&self, count: u8) -> Vec<SocketAddr> {
        (0..count).map(|number| self.at(11 + number)).collect()
    }

    fn at(&self, last: u8) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::new(127, 1, self.plot, last), self.port))
    }

    /// Clients, no two of which share a network of 24 bits.
    pub fn clients(&self, count: u8) -> Vec<IpAddr> {
        (0..count).map(|number| self.client(number)).collect()
    }

    /// One client.
    pub fn client(&self, number: u8) -> IpAddr {
        Ipv4Addr::new(127, 100 + self.plot, number, 7).into()
    }
}
