//! Files of nginx and `HAProxy`.

use std::fs;
use std::time::Instant;

use evenkeel_lab::backend::{Backend, Options, Protocol};
use evenkeel_lab::balancer::{Balancer, Mode, Product, Setup};
use evenkeel_lab::client::Plan;
use evenkeel_lab::wait::wait_until;

use crate::bed::{PROMISED, changes, config, follows, pool, pools, source, weights};
use crate::common::agent;
use crate::host::{at, on_own_host};

const LISTEN: &str = "127.0.0.1:8080";
const BACKENDS: [&str; 3] = ["127.0.0.1:8001", "127.0.0.2:8001", "127.0.0.3:8001"];

#[test]
fn nginx_is_reloaded_with_another_weight_while_traffic_flows() {
    on_own_host(|host| {
        let addresses = BACKENDS.map(at);
        let options = Options::new(Protocol::Lab);
        let _backend = Backend::start(&[(host, addresses.to_vec())], &options).unwrap();
        let setup = Setup::new(Mode::Tcp, at(LISTEN), addresses);
        let mut nginx = Balancer::start(Product::Nginx, host, setup.clone()).unwrap();
        let file = nginx.config_path();
        let agent = agent(&config(&format!(
            "{{nginx: {{files: ['{}']}}}}",
            file.display()
        )));
        assert_eq!(
            pools(&agent)["pool"],
            "nginx",
            "there from the first moment"
        );
        let traffic = || Plan::new([at(LISTEN)], 300).run(&[host]).unwrap();
        traffic();

        let mut heavy = setup;
        heavy.servers[2].weight = 5;
        nginx.reload(heavy).unwrap();
        let since = Instant::now();
        follows(&agent, "nginx reloaded with another weight", since, || {
            weights(&pool(&agent, "pool"))[BACKENDS[2]] > 4.0
        });
        let told = "weight of 127.0.0.3:8001 changed from 1 to 5";
        let described = pool(&agent, "pool");
        assert_eq!(changes(&described), [told]);
        assert_eq!(described["changes"][0]["source"], "nginx");
        assert!(
            agent.log().contains(&format!("pool pool: {told}")),
            "{}",
            agent.log()
        );

        // The new expectation is that of the traffic: nothing is skewed.
        for _ in 0..5 {
            traffic();
        }
        let expected: Vec<f64> = agent
            .pool("pool")
            .unwrap()
            .backends
            .iter()
            .map(|it| it.expected_share)
            .collect();
        assert!((expected[2] - 5.0 / 7.0).abs() < 1e-9, "{expected:?}");
        wait_until(PROMISED, "the window to hold the new shares", || {
            traffic();
            let shares = agent.pool("pool").unwrap();
            let share = shares.backends[2].share["opened"];
            share.is_some_and(|share| (share - 5.0 / 7.0).abs() < 0.15)
        })
        .unwrap();
        assert!(agent.incidents().unwrap().is_empty());
    });
}

#[test]
fn a_broken_configuration_keeps_the_last_state_and_ages() {
    on_own_host(|_| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("haproxy.cfg");
        let good = "defaults\n mode tcp\nlisten shop\n bind :1\n server a 192.0.2.1:80 weight 2\n server b 192.0.2.2:80\n \
                    server c 192.0.2.3:80 backup\n";
        fs::write(&file, good).unwrap();
        let agent = agent(&config(&format!(
            "{{haproxy: {{files: ['{}']}}}}",
            file.display()
        )));
        let shop = pool(&agent, "shop");
        assert_eq!(
            (&shop["source"], shop["backends"][0]["weight"].as_f64()),
            (&"haproxy".into(), Some(2.0))
        );
        assert_eq!(shop["backends"][0]["labels"]["server"], "a");
        assert_eq!(
            (&shop["standby"][0]["address"], &shop["standby"][0]["why"]),
            (&"192.0.2.3:80".into(), &"backup".into())
        );

        fs::remove_file(&file).unwrap();
        let since = Instant::now();
        follows(&agent, "a file that is gone", since, || {
            source(&agent, "haproxy")["error"].is_string()
        });
        let age = || {
            agent
                .metric("evenkeel_discovery_last_success_timestamp_seconds{source=\"haproxy\"}")
                .unwrap()
        };
        let failures = || {
            agent
                .metric("evenkeel_discovery_failures_total{source=\"haproxy\"}")
                .unwrap()
        };
        let (stale, failed) = (age(), failures());
        wait_until(PROMISED, "another failure", || failures() > failed).unwrap();
        assert!((age() - stale).abs() < f64::EPSILON, "it ages");
        assert_eq!(
            pool(&agent, "shop")["backends"].as_array().unwrap().len(),
            2,
            "the last state is kept"
        );
        assert_eq!(
            agent.log().matches("cannot be read").count(),
            1,
            "told once: {}",
            agent.log()
        );

        fs::write(&file, good.replace("weight 2", "weight 3")).unwrap();
        let since = Instant::now();
        follows(&agent, "a file that is back", since, || {
            age() > stale && weights(&pool(&agent, "shop"))["192.0.2.1:80"] > 2.5
        });
        assert!(source(&agent, "haproxy")["error"].is_null());
    });
}
