//! Real balancers: what the agent counts of nginx, HAProxy and Envoy is what they count themselves, and what their
//! backends have accepted, to the last connection.
//!
//! Each test has a network namespace of its own, as if it were a host: nobody else's traffic is there to be counted.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy allows both in tests, but not in what tests call"
)]

#[path = "balancers/bed.rs"]
mod bed;
mod common;
#[path = "common/host.rs"]
mod host;
#[path = "balancers/measures.rs"]
mod measures;

use bed::{
    BACKENDS, DEADLINE, LISTEN, MANY, backends, send, setup, wait_accepted, wait_balancer,
    wait_share, watching, weighted,
};
use common::{CONNECTIONS, agent, alone, config};
use evenkeel_lab::backend::{Backend, Options, Protocol};
use evenkeel_lab::balancer::{Balancer, Mode, Product, Server, Setup};
use evenkeel_lab::client::Plan;
use evenkeel_lab::http::{HttpCounts, HttpLoad};
use evenkeel_lab::ledger::Column;
use evenkeel_lab::network::{Family, Layout, Network};
use evenkeel_lab::wait::wait_until;
use host::{at, on_own_host};
use measures::{assert_measures, assert_shares};

/// Nobody listens here.
const REFUSING: &str = "127.0.0.9:9";

fn counts_exactly(product: Product, mode: Mode) {
    on_own_host(|host| {
        let backend = backends(host, mode, BACKENDS.len());
        let setup = setup(mode);
        let balancer = Balancer::start(product, host, setup.clone()).unwrap();
        let agent = agent(&watching(&setup.servers));
        send(host, mode, false);
        wait_until(DEADLINE, "all connections to end", || {
            backend.ledger().total().open() == 0
        })
        .unwrap();
        let truth = backend.ledger();
        assert_eq!(truth.total().opened, MANY);
        let columns = [&CONNECTIONS[..], &[Column::ToBackend]].concat();
        let out = wait_accepted(&agent, "out", &backend, &columns);
        wait_accepted(&agent, "in", &backend, &CONNECTIONS);
        wait_balancer(&agent, "out", &balancer);
        for pool in [out, agent.pool("in").unwrap()] {
            assert_shares(&pool, &truth, &setup.servers);
            assert_measures(&pool, &truth, |server| server.weight, &setup.servers);
        }
        // Who does not know of the weights sees a hot backend.
        let unweighted = agent.pool("unweighted").unwrap();
        assert_measures(&unweighted, &truth, |_| 1, &setup.servers);
        let hottest = unweighted.measures["opened"].as_ref().unwrap()["max_to_mean"]
            .as_f64()
            .unwrap();
        assert!(
            (hottest - 2.0).abs() < 0.02,
            "half of the traffic, not a quarter: {hottest}"
        );
    });
}

/// With keep-alive there are few connections for many requests, and it is connections that are counted.
fn counts_connections_not_requests(product: Product) {
    on_own_host(|host| {
        let backend = backends(host, Mode::Http, BACKENDS.len());
        let mut setup = setup(Mode::Http);
        setup.keepalive = true;
        let balancer = Balancer::start(product, host, setup.clone()).unwrap();
        let agent = agent(&watching(&setup.servers));
        send(host, Mode::Http, true);
        let out = wait_accepted(&agent, "out", &backend, &CONNECTIONS);
        wait_accepted(&agent, "in", &backend, &CONNECTIONS);
        wait_balancer(&agent, "out", &balancer);
        // nginx writes its log after the client has its answer.
        wait_until(
            DEADLINE,
            "the balancer to have counted the requests",
            || {
                let counts = balancer.counts().unwrap();
                counts
                    .values()
                    .filter_map(|count| count.requests)
                    .sum::<u64>()
                    == MANY
            },
        )
        .unwrap();
        let opened = out.ledger().total().opened;
        assert!(
            (1..=100).contains(&opened),
            "{opened} connections for {MANY} requests"
        );
        assert!(
            out.active() > 0,
            "connections wait for the next request: {out:?}"
        );

        drop(balancer);
        wait_until(DEADLINE, "all connections to end", || {
            backend.ledger().total().open() == 0
        })
        .unwrap();
        for name in ["out", "in"] {
            assert_eq!(
                wait_accepted(&agent, name, &backend, &CONNECTIONS).active(),
                0
            );
        }
    });
}

/// How often a product tries a backend that refuses for one client: HAProxy makes three retries a second apart.
fn attempts(product: Product) -> u64 {
    if product == Product::Haproxy { 4 } else { 1 }
}

/// One of two backends refuses: it has all failures, as many as the balancer itself saw.
fn finds_the_refusing_backend(product: Product, mode: Mode) {
    on_own_host(|host| {
        let good = at(BACKENDS[0].0);
        let backend = Backend::single(host, good, Protocol::Http).unwrap();
        let mut setup = Setup::new(mode, at(LISTEN), [good, at(REFUSING)]);
        if product == Product::Nginx {
            // It would leave the backend alone for ten seconds after the first failure.
            "max_fails=0".clone_into(&mut setup.servers[1].options);
        }
        let balancer = Balancer::start(product, host, setup.clone()).unwrap();
        let agent = agent(&watching(&setup.servers));
        let clients = 16;
        // Clients of HAProxy wait side by side. Those of the others come one after the other: Envoy would let one
        // attempt fail all that wait for it.
        let threads = if product == Product::Haproxy { 16 } else { 1 };
        let load = HttpLoad {
            threads,
            ..HttpLoad::new(at(LISTEN), clients)
        };
        let HttpCounts { by_backend, .. } = load.run(&[host]).unwrap();

        let pool = wait_balancer(&agent, "out", &balancer);
        wait_accepted(&agent, "in", &backend, &CONNECTIONS);
        let counted = pool.ledger();
        assert_eq!(counted.get(good).opened, backend.ledger().get(good).opened);
        assert_eq!(counted.get(good).opened, by_backend[&good]);
        assert_eq!(counted.get(good).failed.total(), 0);
        assert_eq!(counted.get(at(REFUSING)).opened, 0);
        assert_eq!(
            counted.get(at(REFUSING)).failed.total(),
            clients / 2 * attempts(product),
            "{pool:?}"
        );
        let shares = |signal: &str| {
            pool.backends
                .iter()
                .map(|it| it.share[signal])
                .collect::<Vec<_>>()
        };
        assert_eq!(shares("failed"), [Some(0.0), Some(1.0)]);
        assert_eq!(shares("opened"), [Some(1.0), Some(0.0)]);
    });
}

/// Weights are swapped in the balancer while it runs, and nobody tells the agent.
fn sees_swapped_weights(product: Product) {
    on_own_host(|host| {
        let backend = backends(host, Mode::Http, 2);
        let mut setup = setup(Mode::Http);
        setup.servers.truncate(2);
        let mut balancer = Balancer::start(product, host, setup.clone()).unwrap();
        let pools = config(&[weighted("out", "upstream", &setup.servers)]);
        let agent = agent(&format!("window: 2s\n{pools}"));
        let pool = wait_share(host, &agent, 0.75);
        assert!((pool.backends[0].expected_share - 0.75).abs() < 1e-9);

        setup.servers[0].weight = 1;
        setup.servers[1].weight = 3;
        if product == Product::Haproxy {
            for server in &setup.servers {
                balancer.set_weight(server.address, server.weight).unwrap();
            }
        } else {
            balancer.reload(setup).unwrap();
        }
        let pool = wait_share(host, &agent, 0.25);
        let measures = pool.measures["opened"].as_ref().unwrap();
        let hottest = measures["max_to_mean"].as_f64().unwrap();
        assert!(
            (hottest - 3.0).abs() < 0.15,
            "three times what it should get: {measures}"
        );
        wait_accepted(&agent, "out", &backend, &[Column::Opened, Column::Failed]);
    });
}

macro_rules! for_each_product {
    ($($name:ident: $product:expr,)*) => {$(
        mod $name {
            use evenkeel_lab::balancer::{Mode, Product};

            #[test]
            fn connections_are_counted_exactly() {
                super::counts_exactly($product, Mode::Tcp);
            }

            #[test]
            fn requests_are_counted_exactly() {
                super::counts_exactly($product, Mode::Http);
            }

            #[test]
            fn with_keep_alive_connections_are_counted_not_requests() {
                super::counts_connections_not_requests($product);
            }

            #[test]
            fn a_refusing_backend_is_found_among_connections() {
                super::finds_the_refusing_backend($product, Mode::Tcp);
            }

            #[test]
            fn a_refusing_backend_is_found_among_requests() {
                super::finds_the_refusing_backend($product, Mode::Http);
            }

            #[test]
            fn weights_that_are_swapped_move_the_shares() {
                super::sees_swapped_weights($product);
            }
        }
    )*};
}

for_each_product! {
    nginx: Product::Nginx,
    haproxy: Product::Haproxy,
    envoy: Product::Envoy,
}

/// The agent of a node counts for balancers and backends in the namespaces of their own, as in containers.
#[test]
fn balancers_in_other_namespaces_are_counted_too() {
    let _alone = alone();
    let layout = Layout {
        clients: 2,
        backend_hosts: 2,
        backend_addresses: 4,
        balancers: 3,
    };
    let network = Network::build(&layout).unwrap();
    let backend = network
        .serve(&Options::new(Protocol::Lab), Family::Both, 8073)
        .unwrap();
    let addresses = backend.addresses().to_vec();
    let servers: Vec<Server> = addresses.iter().copied().map(Server::new).collect();
    let agent = agent(&watching(&servers));
    let balancers: Vec<_> = Product::ALL
        .into_iter()
        .zip(&network.balancers)
        .map(|(product, host)| {
            let listen = host.addresses(Family::V6, 8074)[0];
            let setup = Setup::new(Mode::Tcp, listen, addresses.iter().copied());
            Balancer::start(product, &host.namespace, setup).unwrap()
        })
        .collect();
    let plan = Plan::new(balancers.iter().map(Balancer::listen), 3 * 400);
    assert_eq!(plan.run(&network.sources()).unwrap().total().opened, 1_200);
    wait_until(DEADLINE, "all connections to end", || {
        backend.ledger().total().open() == 0
    })
    .unwrap();
    for name in ["out", "in"] {
        let pool = wait_accepted(&agent, name, &backend, &CONNECTIONS);
        assert_shares(&pool, &backend.ledger(), &servers);
    }
}
