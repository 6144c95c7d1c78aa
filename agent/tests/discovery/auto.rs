//! Balancers that run, found without being told.

use std::fs;
use std::time::Instant;

use evenkeel_lab::agent::Agent;
use evenkeel_lab::balancer::{Balancer, Mode, Product, Setup};
use evenkeel_lab::wait::wait_until;

use crate::bed::{PROMISED, follows, pool, pools, weights};
use crate::common::agent;
use crate::host::{at, on_own_host};

const BACKENDS: [&str; 2] = ["127.0.0.1:8001", "127.0.0.2:8001"];

#[test]
fn an_nginx_that_starts_is_found_and_followed() {
    on_own_host(|host| {
        let agent = agent("interval: 200ms\n");
        let own = |pool: &serde_json::Value| weights(pool).keys().map(String::as_str).eq(BACKENDS);
        assert!(!own(&pool(&agent, "pool")));

        let setup = Setup::new(Mode::Http, at("127.0.0.1:8080"), BACKENDS.map(at));
        let mut nginx = Balancer::start(Product::Nginx, host, setup.clone()).unwrap();
        let since = Instant::now();
        follows(&agent, "nginx started", since, || {
            own(&pool(&agent, "pool"))
        });
        assert_eq!(pools(&agent)["pool"], "nginx");
        let by_port = pool(&agent, "auto:8001@lo");
        assert!(by_port.is_null(), "its backends are in its pool: {by_port}");

        // What is written and not loaded does not count; what is loaded does.
        let text = fs::read_to_string(nginx.config_path()).unwrap();
        let other = text.replace("127.0.0.2:8001", "127.0.0.3:8001");
        assert_ne!(text, other);
        fs::write(nginx.config_path(), other).unwrap();
        looks_twice(&agent);
        assert!(own(&pool(&agent, "pool")));
        let mut heavy = setup;
        heavy.servers[1].weight = 4;
        nginx.reload(heavy).unwrap();
        let since = Instant::now();
        follows(&agent, "a running nginx reloaded", since, || {
            weights(&pool(&agent, "pool")).get(BACKENDS[1]) == Some(&4.0)
        });

        drop(nginx);
        wait_until(PROMISED, "the pool to go", || {
            !pools(&agent).contains_key("pool")
        })
        .unwrap();
    });
}

/// Waits until the agent has looked for balancers after now.
fn looks_twice(agent: &Agent) {
    let looked = || {
        agent
            .metric("evenkeel_discovery_last_success_timestamp_seconds{source=\"auto\"}")
            .unwrap()
    };
    for _ in 0..2 {
        let before = looked();
        wait_until(PROMISED, "another look", || looked() > before).unwrap();
    }
}
