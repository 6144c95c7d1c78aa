//! Clients, a real nginx, backends with a ledger, and the agent's configuration for them.

use std::net::SocketAddr;
use std::path::PathBuf;

use evenkeel_lab::backend::{Backend, Options, Protocol};
use evenkeel_lab::balancer::{Balancer, Mode, Product, Setup};
use evenkeel_lab::http::{HttpLoad, HttpTraffic};
use evenkeel_lab::ledger::Ledger;
use evenkeel_lab::network::{Family, Layout, Network};

use crate::common::{Turn, alone, pool};

/// The pool's name.
pub(crate) const POOL: &str = "shop";

const CLIENTS: usize = 8;
const BACKENDS: usize = 4;

pub(crate) struct Site {
    network: Network,
    backend: Backend,
    _alone: Turn,
}

impl Site {
    pub(crate) fn build() -> Self {
        let alone = alone();
        let network = Network::build(&Layout {
            clients: CLIENTS,
            backend_hosts: 1,
            backend_addresses: BACKENDS,
            balancers: 1,
        });
        let network = network.unwrap();
        let options = Options::new(Protocol::Http);
        let backend = network.serve(&options, Family::V4, 8000).unwrap();
        Self {
            network,
            backend,
            _alone: alone,
        }
    }

    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.network.backend_addresses(Family::V4, 8000)
    }

    /// nginx, with equal weights.
    pub(crate) fn nginx(&self) -> Balancer<'_> {
        let balancer = &self.network.balancers[0];
        let listen = balancer.addresses(Family::V4, 8080)[0];
        let setup = Setup::new(Mode::Http, listen, self.addresses());
        Balancer::start(Product::Nginx, &balancer.namespace, setup).unwrap()
    }

    /// Requests through nginx, at a steady rate until stopped.
    pub(crate) fn load(&self, nginx: &Balancer<'_>) -> HttpTraffic {
        let load = HttpLoad {
            threads: 2 * CLIENTS,
            ..HttpLoad::steady(nginx.listen(), 200)
        };
        load.start(&self.network.sources()).unwrap()
    }

    /// What the backends have seen.
    pub(crate) fn ledger(&self) -> Ledger {
        self.backend.ledger()
    }

    /// A configuration that finds a doubling within seconds.
    pub(crate) fn config(&self) -> String {
        let pool = pool(POOL, "upstream", self.addresses());
        format!(
            "interval: 200ms\nlive_interval: 1s\nwindow: 10s\ndetection: {{false_alarm_every: 1h}}\npools:\n{pool}"
        )
    }
}

/// Gives the first server a weight of 8.
pub(crate) fn skew(nginx: &mut Balancer<'_>) {
    let mut setup = nginx.setup().clone();
    setup.servers[0].weight = 8;
    nginx.reload(setup).unwrap();
}

/// Where the binary is, quoted for a shell.
pub(crate) fn binary() -> String {
    let path = PathBuf::from(crate::common::EVENKEEL);
    format!("'{}'", path.display())
}
