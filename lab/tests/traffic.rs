//! Clients and backends agree on every connection and every byte.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use common::{DEADLINE, alone, assert_nothing_left, veths};
use evenkeel_lab::backend::{Backend, Options, Protocol};
use evenkeel_lab::client::{Failing, Failure, LongLived, Plan, Sizes, Spread, Way};
use evenkeel_lab::http::{HttpLoad, get};
use evenkeel_lab::ledger::{Column, Failed, Ledger};
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::network::{
    Family, Layout, Network, SILENT_V4, SILENT_V6, UNREACHABLE_V4, UNREACHABLE_V6,
};
use evenkeel_lab::wait::wait_until;

const ALL: [Column; 5] = [
    Column::Opened,
    Column::Closed,
    Column::Open,
    Column::ToBackend,
    Column::FromBackend,
];

fn network(clients: usize, backend_hosts: usize, backend_addresses: usize) -> Network {
    Network::build(&Layout {
        clients,
        backend_hosts,
        backend_addresses,
        balancers: 0,
    })
    .unwrap()
}

/// Waits until the backend has seen the end of everything, and compares.
fn assert_agree(backend: &Backend, truth: &Ledger) {
    let all_seen = || backend.ledger().total().closed.total() >= truth.total().closed.total();
    let seen = wait_until(DEADLINE, "the backend to see every end", all_seen);
    truth.compare(&backend.ledger(), &ALL).unwrap();
    seen.unwrap();
}

#[test]
fn twenty_thousand_connections_in_all_ways() {
    let _alone = alone();
    let before = veths();
    let network = network(16, 4, 100);
    let backend = network
        .serve(&Options::new(Protocol::Lab), Family::Both, 80)
        .unwrap();
    assert_eq!(backend.addresses().len(), 200);
    let plan = Plan::new(backend.addresses().iter().copied(), 20_000);
    let began = Instant::now();
    let truth = plan.run(&network.sources()).unwrap();
    println!("20,000 connections in {:?}", began.elapsed());
    let total = truth.total();
    assert_eq!(
        (total.opened, total.open(), total.failed.total()),
        (20_000, 0, 0)
    );
    assert_agree(&backend, &truth);
    assert_eq!(
        backend.ledger().total().closed,
        total.closed,
        "both sides tell the ways of closing alike"
    );
    assert!(
        truth.iter().all(|(_, tally)| tally.opened == 100),
        "in turn"
    );
    drop((backend, network));
    assert_nothing_left(&before, &[]);
}

#[test]
fn a_plan_is_the_same_traffic_on_any_threads() {
    let _alone = alone();
    let network = network(2, 1, 1);
    let backend = network
        .serve(&Options::new(Protocol::Lab), Family::V4, 80)
        .unwrap();
    let plan = Plan::new(backend.addresses().iter().copied(), 2_000);
    let truth = plan.run(&network.sources()).unwrap();
    let closed = truth.total().closed;
    let ways = [
        closed.client_fin,
        closed.server_fin,
        closed.client_rst,
        closed.server_rst,
        closed.half_close,
    ];
    assert!(
        ways.iter().all(|count| (320..480).contains(count)),
        "{ways:?}"
    );
    let again = Plan {
        threads: 7,
        ..plan.clone()
    }
    .run(&network.sources())
    .unwrap();
    assert_eq!(truth, again);
    let other = Plan { seed: 2, ..plan }.run(&network.sources()).unwrap();
    assert_ne!(truth, other);
}

#[test]
fn large_payloads_mapped_addresses_and_weights() {
    let _alone = alone();
    let network = network(2, 2, 4);
    let backend = network
        .serve(&Options::new(Protocol::Lab), Family::Both, 80)
        .unwrap();
    let mut plan = Plan::new(backend.addresses().iter().copied(), 800);
    plan.mapped = true;
    plan.request = Sizes {
        min: 0,
        max: 1_000_000,
    };
    plan.response = plan.request;
    plan.targets[0].weight = 3;
    let truth = plan.run(&network.sources()).unwrap();
    assert_agree(&backend, &truth);
    assert_eq!(truth.get(plan.targets[0].address).opened, 240);
    plan.spread = Spread::Random;
    let random = plan.run(&network.sources()).unwrap();
    let hot = random.get(plan.targets[0].address).opened;
    assert!((180..300).contains(&hot) && hot != 240, "{hot}");
}

/// So many connects that failed in this way, and no others.
fn failed(kind: Failure, count: u64) -> Failed {
    let mut failed = Failed::default();
    match kind {
        Failure::Refused => failed.refused = count,
        Failure::TimedOut => failed.timed_out = count,
        Failure::Cancelled => failed.cancelled = count,
        Failure::Unreachable => failed.unreachable = count,
    }
    failed
}

#[test]
fn connects_fail_as_they_are_meant_to() {
    let _alone = alone();
    let network = network(2, 1, 1);
    let refusing = network.backend_addresses(Family::Both, 9);
    let families: [[IpAddr; 3]; 2] = [
        [refusing[0].ip(), SILENT_V4.into(), UNREACHABLE_V4.into()],
        [refusing[1].ip(), SILENT_V6.into(), UNREACHABLE_V6.into()],
    ];
    let mut expected = Ledger::default();
    let mut plan = Plan::new([], 0);
    for [refusing, silent, unreachable] in families {
        for (kind, ip, port, count) in [
            (Failure::Refused, refusing, 9, 1_200),
            (Failure::TimedOut, silent, 80, 300),
            (Failure::Cancelled, silent, 81, 700),
            (Failure::Unreachable, unreachable, 80, 200),
        ] {
            let target = SocketAddr::new(ip, port);
            let failing = Failing {
                kind,
                target,
                count,
            };
            plan.failing.push(failing);
            expected.tally(target).failed = failed(kind, count);
        }
    }
    let began = Instant::now();
    let truth = plan.run(&network.sources()).unwrap();
    let took = began.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(truth, expected);
}

#[test]
fn connections_live_long_and_die_with_their_process() {
    let _alone = alone();
    let network = network(1, 2, 3);
    let backend = network
        .serve(&Options::new(Protocol::Lab), Family::Both, 80)
        .unwrap();
    let mut held =
        LongLived::open(&network.clients[0].namespace, backend.addresses(), 600).unwrap();
    held.exchange(1_000).unwrap();
    held.exchange_on(0, 500_000).unwrap();
    for way in Way::ALL {
        held.close(20, way).unwrap();
    }
    assert_eq!(held.len(), 500);
    assert_agree(&backend, &held.ledger());
    assert_eq!(
        backend.ledger().total().closed,
        held.ledger().total().closed
    );
    let doomed = held.hand_over().unwrap();
    assert_eq!(doomed.ledger().total().open(), 500);
    assert_eq!(
        backend.ledger().total().open(),
        500,
        "the other process keeps them open"
    );
    let truth = doomed.kill().unwrap();
    assert_eq!(
        (truth.total().open(), truth.total().closed.process_death),
        (0, 500)
    );
    assert_agree(&backend, &truth);
}

#[test]
fn traffic_keeps_its_pace_stops_when_told_and_survives_a_backend() {
    let _alone = alone();
    let namespace = Namespace::create("pace").unwrap();
    let start =
        || Backend::single(&namespace, "127.0.0.1:80".parse().unwrap(), Protocol::Lab).unwrap();
    let backend = start();
    let mut plan = Plan::new(backend.addresses().iter().copied(), u64::MAX);
    plan.per_second = Some(500);
    let began = Instant::now();
    let traffic = plan.start(&[&namespace]).unwrap();
    wait_until(DEADLINE, "1,000 connections", || {
        traffic.ledger().total().opened >= 1_000
    })
    .unwrap();
    let took = began.elapsed().as_secs_f64();
    assert!(
        (1.9..4.0).contains(&took),
        "{took} s for 1,000 connections at 500 a second"
    );
    drop(backend);
    wait_until(DEADLINE, "refusals", || {
        traffic.ledger().total().failed.refused > 50
    })
    .unwrap();
    let opened = traffic.ledger().total().opened;
    let backend = start();
    wait_until(DEADLINE, "a recovery", || {
        traffic.ledger().total().opened > opened + 50
    })
    .unwrap();
    let truth = traffic.stop().unwrap();
    assert_eq!(truth.total().open(), 0);
    assert!(backend.ledger().total().opened > 50);
}

#[test]
fn an_http_backend_names_itself_and_a_slow_one_takes_its_time() {
    let _alone = alone();
    let namespace = Namespace::create("http").unwrap();
    let delay = Duration::from_millis(100);
    let slow = Options {
        delay,
        ..Options::new(Protocol::Http)
    };
    let places = [(
        &namespace,
        vec!["[::1]:80".parse().unwrap(), "127.0.0.1:80".parse().unwrap()],
    )];
    let backend = Backend::start(&places, &slow).unwrap();
    for address in backend.addresses() {
        let began = Instant::now();
        let response = get(&namespace, *address, "/").unwrap();
        assert!(began.elapsed() >= delay);
        assert_eq!(
            (response.status, response.body),
            (200, format!("{address}\n"))
        );
    }
    let load = HttpLoad {
        keepalive: true,
        ..HttpLoad::new(backend.addresses()[0], 80)
    };
    let began = Instant::now();
    let counts = load.run(&[&namespace]).unwrap();
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "eight at once: {:?}",
        began.elapsed()
    );
    assert_eq!(counts.by_backend.values().sum::<u64>(), 80);
    assert_eq!(
        backend.stop().unwrap().total().opened,
        2 + 8,
        "one connection for each thread"
    );
}

#[test]
fn a_backend_with_a_limit_answers_one_after_the_other() {
    let _alone = alone();
    let namespace = Namespace::create("limit").unwrap();
    let limited = Options {
        capacity: Some(100),
        ..Options::new(Protocol::Http)
    };
    let places = [(&namespace, vec!["127.0.0.1:80".parse().unwrap()])];
    let backend = Backend::start(&places, &limited).unwrap();
    let load = HttpLoad {
        from: vec!["127.0.0.7".parse().unwrap(), "127.0.0.8".parse().unwrap()],
        ..HttpLoad::new(backend.addresses()[0], 50)
    };
    let began = Instant::now();
    let counts = load.run(&[&namespace]).unwrap();
    // However many ask at once.
    assert!(began.elapsed() >= Duration::from_millis(490));
    assert_eq!((counts.statuses[&200], counts.broken), (50, 0));
}
