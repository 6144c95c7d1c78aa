//! The real balancers spread as they were told, and their own counters agree with the backends'.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod common;

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};

use anyhow::Result;
use common::{DEADLINE, alone, assert_nothing_left, children, veths};
use evenkeel_lab::backend::{Backend, Options, Protocol};
use evenkeel_lab::balancer::{Algorithm, Balancer, Mode, Product, Setup};
use evenkeel_lab::client::{LongLived, Plan, Way};
use evenkeel_lab::http::HttpLoad;
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::network::{Family, Layout, Network};
use evenkeel_lab::wait::{wait_for, wait_until};

const LAYOUT: Layout = Layout {
    clients: 4,
    backend_hosts: 2,
    backend_addresses: 3,
    balancers: 1,
};

struct Bed {
    network: Network,
    backend: Backend,
}

impl Bed {
    fn new(protocol: Protocol) -> Self {
        let network = Network::build(&LAYOUT).unwrap();
        // One IPv6 backend among IPv4 ones.
        let backend = network
            .serve(&Options::new(protocol), Family::Both, 80)
            .unwrap();
        Self { network, backend }
    }

    fn host(&self) -> &Namespace {
        &self.network.balancers[0].namespace
    }

    /// IPv6 for connections, IPv4 for requests.
    fn listen(&self, mode: Mode) -> SocketAddr {
        let family = if mode == Mode::Tcp {
            Family::V6
        } else {
            Family::V4
        };
        self.network.balancers[0].addresses(family, 8080)[0]
    }

    fn setup(&self, mode: Mode) -> Setup {
        let mut setup = Setup::new(
            mode,
            self.listen(mode),
            self.backend.addresses()[..4].iter().copied(),
        );
        setup.servers[0].weight = 3;
        setup
    }

    fn opened(&self) -> BTreeMap<SocketAddr, u64> {
        self.backend
            .ledger()
            .iter()
            .filter(|(_, tally)| tally.opened > 0)
            .map(|(at, tally)| (at, tally.opened))
            .collect()
    }
}

/// The balancer's own number of connections for each backend that has any.
fn connections(balancer: &Balancer<'_>) -> Result<BTreeMap<SocketAddr, u64>> {
    let counts = balancer
        .counts()?
        .into_iter()
        .filter_map(|(at, count)| Some((at, count.connections?)));
    Ok(counts.filter(|(_, connections)| *connections > 0).collect())
}

/// Asserts that weights 3, 1, 1, 1 were followed to within a few connections of 1,200.
fn assert_weights(counts: &BTreeMap<SocketAddr, u64>, setup: &Setup) {
    for (server, expected) in setup.servers.iter().zip([600, 200, 200, 200_u64]) {
        let count = counts.get(&server.address).copied().unwrap_or(0);
        assert!(
            count.abs_diff(expected) <= 4,
            "{} got {count}, not {expected}: {counts:?}",
            server.address
        );
    }
}

/// Waits until the balancer's counters are the backends'.
fn assert_counters_agree(balancer: &Balancer<'_>, bed: &Bed) {
    let agreed = wait_for(DEADLINE, "the counters to agree", || {
        let (own, seen) = (connections(balancer)?, bed.opened());
        Ok((own == seen).then_some(()))
    });
    agreed.unwrap_or_else(|error| {
        panic!(
            "{error}: {:?} {:?}\n{}",
            connections(balancer),
            bed.opened(),
            balancer.log()
        )
    });
}

fn balances_connections(product: Product) {
    let _alone = alone();
    let before = veths();
    let bed = Bed::new(Protocol::Lab);
    let setup = bed.setup(Mode::Tcp);
    let balancer = Balancer::start(product, bed.host(), setup.clone()).unwrap();
    let mut processes = children(balancer.pid());
    processes.push(balancer.pid());
    let mut plan = Plan::new([setup.listen], 1_200);
    plan.mix = vec![(Way::ClientFin, 1), (Way::ServerFin, 1)];
    let truth = plan.run(&bed.network.sources()).unwrap();
    assert_eq!(
        (truth.total().opened, truth.total().failed.total()),
        (1_200, 0)
    );
    assert_weights(&bed.opened(), &setup);
    assert_counters_agree(&balancer, &bed);
    let through = bed.backend.ledger().total();
    assert_eq!(
        (through.to_backend, through.from_backend),
        (truth.total().to_backend, truth.total().from_backend)
    );
    drop(balancer);
    drop(bed);
    assert_nothing_left(&before, &processes);
}

fn balances_requests(product: Product) {
    let _alone = alone();
    let before = veths();
    let bed = Bed::new(Protocol::Http);
    let mut setup = bed.setup(Mode::Http);
    let mut balancer = Balancer::start(product, bed.host(), setup.clone()).unwrap();
    let load = HttpLoad {
        keepalive: true,
        ..HttpLoad::new(setup.listen, 1_200)
    };
    let counts = load.run(&bed.network.sources()).unwrap();
    assert_eq!(counts.statuses, BTreeMap::from([(200, 1_200)]));
    assert_weights(&counts.by_backend, &setup);
    assert_eq!(
        counts.by_backend,
        bed.opened(),
        "without keep-alive each request has its connection"
    );
    assert_counters_agree(&balancer, &bed);

    setup.keepalive = true;
    balancer.reload(setup.clone()).unwrap();
    let before_load = bed.backend.ledger().total().opened;
    let counts = load.run(&bed.network.sources()).unwrap();
    assert_weights(&counts.by_backend, &setup);
    let connections = bed.backend.ledger().total().opened - before_load;
    assert!(
        connections <= 8 * 4,
        "{connections} connections for 1,200 requests"
    );
    drop(balancer);
    drop(bed);
    assert_nothing_left(&before, &[]);
}

fn follows_a_reload(product: Product) {
    let _alone = alone();
    let bed = Bed::new(Protocol::Http);
    let setup = bed.setup(Mode::Http);
    let mut balancer = Balancer::start(product, bed.host(), setup.clone()).unwrap();
    let load = HttpLoad::new(setup.listen, 300);
    load.run(&bed.network.sources()).unwrap();
    let other = Setup {
        servers: setup.servers[2..].to_vec(),
        algorithm: Algorithm::UriHash,
        ..setup
    };
    balancer.reload(other.clone()).unwrap();
    let counts = HttpLoad {
        paths: 100,
        ..load.clone()
    }
    .run(&bed.network.sources())
    .unwrap();
    assert_eq!(
        counts.by_backend.keys().copied().collect::<Vec<_>>(),
        [other.servers[0].address, other.servers[1].address]
    );
    let counts = load.run(&bed.network.sources()).unwrap();
    assert_eq!(
        counts.by_backend.len(),
        1,
        "a single path has a single backend"
    );
}

/// A server that refuses is counted as failed as often as it was tried.
fn counts_failures(product: Product) {
    let _alone = alone();
    let bed = Bed::new(Protocol::Http);
    let mut setup = bed.setup(Mode::Http);
    setup.servers.truncate(1);
    setup.servers[0].address.set_port(9);
    let balancer = Balancer::start(product, bed.host(), setup.clone()).unwrap();
    // Envoy lets one failed connect fail all requests that wait for one; HAProxy waits a second before each retry.
    let threads = if product == Product::Envoy { 1 } else { 5 };
    let load = HttpLoad {
        threads,
        ..HttpLoad::new(setup.listen, 5)
    };
    let counts = load.run(&bed.network.sources()).unwrap();
    assert!(
        counts.by_backend.is_empty() && counts.statuses.keys().all(|status| *status >= 500),
        "{counts:?}"
    );
    wait_until(DEADLINE, "failures to be counted", || {
        let count = balancer.counts().unwrap()[&setup.servers[0].address];
        count.failed >= 5 && count.connections == Some(count.failed)
    })
    .unwrap_or_else(|error| panic!("{error}: {:?}", balancer.counts()));
}

/// Connections that are open when the configuration changes go on to be served.
fn keeps_connections_over_a_reload(product: Product) {
    let _alone = alone();
    let bed = Bed::new(Protocol::Lab);
    let setup = bed.setup(Mode::Tcp);
    let mut balancer = Balancer::start(product, bed.host(), setup.clone()).unwrap();
    let client = &bed.network.clients[0].namespace;
    let mut held = LongLived::open(client, &[setup.listen], 60).unwrap();
    held.exchange(100).unwrap();
    balancer
        .reload(Setup {
            servers: setup.servers[3..].to_vec(),
            ..setup.clone()
        })
        .unwrap();
    held.exchange(100).unwrap();
    let mut later = LongLived::open(client, &[setup.listen], 60).unwrap();
    later.exchange(100).unwrap();
    assert_eq!(
        bed.opened()[&setup.servers[3].address],
        10 + 60,
        "{:?}",
        bed.opened()
    );
    assert_eq!(bed.backend.ledger().total().open(), 120);
}

macro_rules! for_each_product {
    ($($name:ident: $product:expr,)*) => {$(
        mod $name {
            use evenkeel_lab::balancer::Product;

            #[test]
            fn balances_connections() {
                super::balances_connections($product);
            }

            #[test]
            fn balances_requests() {
                super::balances_requests($product);
            }

            #[test]
            fn follows_a_reload() {
                super::follows_a_reload($product);
            }

            #[test]
            fn counts_failures() {
                super::counts_failures($product);
            }
        }
    )*};
}

for_each_product! {
    nginx: Product::Nginx,
    haproxy: Product::Haproxy,
    envoy: Product::Envoy,
}

#[test]
fn haproxy_changes_a_weight_at_run_time() {
    let _alone = alone();
    let bed = Bed::new(Protocol::Http);
    let setup = bed.setup(Mode::Http);
    let mut balancer = Balancer::start(Product::Haproxy, bed.host(), setup.clone()).unwrap();
    balancer.set_weight(setup.servers[0].address, 0).unwrap();
    let counts = HttpLoad::new(setup.listen, 300)
        .run(&bed.network.sources())
        .unwrap();
    assert_eq!(counts.by_backend.get(&setup.servers[0].address), None);
    assert_eq!(counts.by_backend.values().sum::<u64>(), 300);
    let error = balancer
        .set_weight(setup.listen, 1)
        .unwrap_err()
        .to_string();
    assert!(error.contains("no backend"), "{error}");
}

#[test]
fn a_balancer_that_cannot_start_says_why() {
    let _alone = alone();
    let bed = Bed::new(Protocol::Http);
    for product in [Product::Nginx, Product::Haproxy] {
        let mut setup = bed.setup(Mode::Http);
        setup.servers[0].options = "nonsense".to_owned();
        let error = Balancer::start(product, bed.host(), setup)
            .err()
            .map(|error| format!("{error:#}"))
            .unwrap();
        assert!(error.contains("nonsense"), "{error}");
    }
}

#[test]
fn nginx_keeps_connections_over_a_reload() {
    keeps_connections_over_a_reload(Product::Nginx);
}

#[test]
fn haproxy_keeps_connections_over_a_reload() {
    keeps_connections_over_a_reload(Product::Haproxy);
}

#[test]
fn balancers_run_on_the_host_too() {
    let _alone = alone();
    let host = Namespace::current();
    let places = [(
        &host,
        vec![
            "127.0.0.1:0".parse().unwrap(),
            "127.0.0.1:0".parse().unwrap(),
        ],
    )];
    let backend = Backend::start(&places, &Options::new(Protocol::Http)).unwrap();
    for product in Product::ALL {
        // Free at this moment, and nobody else takes it on a machine that runs tests.
        let listen = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let setup = Setup::new(Mode::Http, listen, backend.addresses().iter().copied());
        let balancer = Balancer::start(product, &host, setup).unwrap();
        let counts = HttpLoad::new(balancer.listen(), 100).run(&[&host]).unwrap();
        assert!(
            counts
                .by_backend
                .values()
                .all(|count| (49..=51).contains(count)),
            "{product:?}: {counts:?}"
        );
    }
}
