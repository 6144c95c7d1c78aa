//! A small site: clients, one balancer, four backends, and the agent's configuration for them.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use evenkeel_lab::alertmanager::Alertmanager;
use evenkeel_lab::backend::{Options, Protocol};
use evenkeel_lab::balancer::{Balancer, Mode, Product, Server, Setup};
use evenkeel_lab::farm::Farm;
use evenkeel_lab::http::{HttpLoad, HttpTraffic};
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::network::{Family, Layout, Network};

use crate::common::{Turn, alone, pool};

/// How many backends a balancer has, unless a test says otherwise.
pub(crate) const BACKENDS: usize = 4;
/// Hosts with clients. Too many to be taken for few that are bound to four backends.
pub(crate) const CLIENTS: usize = 24;
/// Requests per second.
pub(crate) const RATE: u32 = 300;
/// The pool's name.
pub(crate) const POOL: &str = "shop";

/// The hosts, none of which has anything to do yet.
pub(crate) struct Site {
    network: Network,
    _alone: Turn,
}

impl Site {
    pub(crate) fn build() -> Self {
        let alone = alone();
        let layout = Layout {
            clients: CLIENTS,
            backend_hosts: 1,
            backend_addresses: BACKENDS,
            balancers: 1,
        };
        Self {
            network: Network::build(&layout).unwrap(),
            _alone: alone,
        }
    }

    /// Where all backends may serve.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.network.backend_addresses(Family::V4, 8000)
    }

    /// Where the balancer listens.
    pub(crate) fn entrance(&self) -> SocketAddr {
        self.network.balancers[0].addresses(Family::V4, 8080)[0]
    }

    /// The hosts of the clients.
    pub(crate) fn clients(&self) -> Vec<&Namespace> {
        self.network.sources()
    }

    /// Backends on all addresses.
    pub(crate) fn farm(&self, protocol: Protocol, delay: Duration) -> Farm<'_> {
        let host = &self.network.backends[0].namespace;
        let options = Options {
            delay,
            ..Options::new(protocol)
        };
        Farm::start(host, self.addresses(), options).unwrap()
    }

    /// A setup for the first `count` backends, with equal weights.
    pub(crate) fn setup(&self, mode: Mode, count: usize) -> Setup {
        Setup::new(
            mode,
            self.entrance(),
            self.addresses().into_iter().take(count),
        )
    }

    /// A balancer for requests.
    pub(crate) fn balancer(&self, product: Product, setup: Setup) -> Balancer<'_> {
        Balancer::start(product, &self.network.balancers[0].namespace, setup).unwrap()
    }

    /// Requests from all clients through the balancer, at a steady rate until dropped.
    pub(crate) fn load(&self, per_second: u32) -> HttpTraffic {
        let load = HttpLoad {
            threads: 2 * CLIENTS,
            ..HttpLoad::steady(self.entrance(), per_second)
        };
        load.start(&self.clients()).unwrap()
    }
}

/// What the agent is configured with, line by line.
pub(crate) struct Config(String);

impl Config {
    /// Quick ticks, the least evidence that may be asked for, and these Alertmanagers.
    pub(crate) fn new(receivers: &[&str]) -> Self {
        let mut text = "interval: 100ms\nwindow: 2s\nlive_interval: 500ms\n\
                        detection: {false_alarm_every: 1h}\n\
                        alerting:\n  resend: 5s\n  alertmanagers:\n"
            .to_owned();
        for url in receivers {
            writeln!(text, "    - url: {url}").unwrap();
        }
        Self(text)
    }

    /// For one Alertmanager.
    pub(crate) fn for_one(alertmanager: &Alertmanager<'_>) -> Self {
        Self::new(&[&alertmanager.url()])
    }

    pub(crate) fn keeping(mut self, directory: &Path) -> Self {
        writeln!(self.0, "incidents: {{directory: {}}}", directory.display()).unwrap();
        self
    }

    pub(crate) fn window(self, window: &str) -> Self {
        Self(self.0.replace("window: 2s", &format!("window: {window}")))
    }

    /// The whole of it, with one pool; `keys` are more keys of the pool.
    pub(crate) fn pool(&self, backends: &[SocketAddr], keys: &[&str]) -> String {
        let mut text = format!(
            "{}pools:\n{}",
            self.0,
            pool(POOL, "upstream", backends.iter().copied())
        );
        for key in keys {
            writeln!(text, "    {key}").unwrap();
        }
        text
    }
}

/// The setup with another weight for one server.
pub(crate) fn weigh(mut setup: Setup, server: usize, weight: u32) -> Setup {
    setup.servers[server] = Server {
        weight,
        ..setup.servers[server].clone()
    };
    setup
}
