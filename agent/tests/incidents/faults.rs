//! One fault each: found, told with its cause, repaired, over. More causes, without alerts and repairs, are in the training lab.

use std::path::Path;
use std::time::Duration;

use evenkeel_lab::agent::Agent;
use evenkeel_lab::alertmanager::Alertmanager;
use evenkeel_lab::backend::Protocol;
use evenkeel_lab::balancer::{Mode, Product};
use evenkeel_lab::client::{LongLived, Plan};
use evenkeel_lab::netns::Namespace;
use serde_json::{Value, json};

use crate::bed::{BACKENDS, Config, POOL, RATE, Site, weigh};
use crate::common::{EVENKEEL, agent};
use crate::watch::{Expected, assert_only, settle, share_open, share_since, wait_share};

/// What an answer takes when nothing is wrong.
const USUAL: Duration = Duration::from_millis(20);

#[test]
fn a_weight_that_was_reloaded_wrong() {
    let (site, here) = (Site::build(), Namespace::current());
    let farm = site.farm(Protocol::Http, USUAL);
    let setup = site.setup(Mode::Http, BACKENDS);
    let mut balancer = site.balancer(Product::Nginx, setup.clone());
    let alertmanager = Alertmanager::start(&here).unwrap();
    let config = Config::for_one(&alertmanager).pool(&site.addresses(), &[]);
    let json = ["--log-format", "json"];
    let mut agent = Agent::launch(Path::new(EVENKEEL), &here, &config, &json).unwrap();
    agent.wait_ready().unwrap();
    let _load = site.load(RATE);
    settle(&agent);

    balancer.reload(weigh(setup.clone(), 1, 2)).unwrap();
    let before = farm.ledger();
    let hot = farm.addresses()[1];
    let expected = Expected {
        signal: "opened",
        alert: "EvenkeelPoolSkewed",
        cause: "weights_differ",
        hot: Some(&[hot]),
        cold: Some(&[]),
    };
    let (incident, _) = expected.wait(&agent, &alertmanager);
    assert!(incident.cause.text.contains("1, 2, 1, 1"), "{incident:#?}");
    wait_share(&agent, "opened", hot, || {
        share_since(&before, &farm.ledger(), hot)
    });

    balancer.reload(setup).unwrap();
    expected.wait_over(&agent, &alertmanager, &incident);
    assert_only(&agent, &["opened"]);
    let lines = agent.log();
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let told: Vec<Value> = lines.filter(|it: &Value| it["id"] == incident.id).collect();
    let [first, .., last] = told.as_slice() else {
        panic!("{told:#?}");
    };
    assert_eq!(
        (&first["level"], &first["pool"]),
        (&json!("WARN"), &json!(POOL))
    );
    assert_eq!(first["cause"], "weights_differ");
    assert!(
        first["hot"].to_string().contains(&hot.to_string()),
        "{first}"
    );
    assert_eq!(last["message"], "the incident has ended");
    assert_eq!(last["why"], "recovered", "{last}");
}

#[test]
fn a_backend_that_refuses() {
    let (site, here) = (Site::build(), Namespace::current());
    let mut farm = site.farm(Protocol::Http, USUAL);
    let mut setup = site.setup(Mode::Http, BACKENDS);
    for server in &mut setup.servers {
        // It leaves a backend alone for that long after a failure; ten seconds unless told otherwise.
        "fail_timeout=1s".clone_into(&mut server.options);
    }
    let balancer = site.balancer(Product::Nginx, setup);
    let alertmanager = Alertmanager::start(&here).unwrap();
    let agent = agent(&Config::for_one(&alertmanager).pool(&site.addresses(), &[]));
    let _load = site.load(RATE);
    settle(&agent);

    let bad = farm.addresses()[1];
    farm.stop(1).unwrap();
    let starved = Expected {
        signal: "opened",
        alert: "EvenkeelBackendStarved",
        cause: "refusing",
        hot: None,
        cold: Some(&[bad]),
    };
    let failing = Expected {
        signal: "failed",
        alert: "EvenkeelBackendFailingConnects",
        cause: "refusing",
        hot: Some(&[bad]),
        cold: Some(&[]),
    };
    let (starving, _) = starved.wait(&agent, &alertmanager);
    let (refusing, _) = failing.wait(&agent, &alertmanager);
    wait_share(&agent, "opened", bad, || 0.0);
    let before = balancer.counts().unwrap()[&bad];
    wait_share(&agent, "failed", bad, || {
        let now = balancer.counts().unwrap()[&bad];
        let tried = now.connections.unwrap() - before.connections.unwrap();
        (now.failed - before.failed) as f64 / tried.max(1) as f64
    });

    farm.resume(1).unwrap();
    starved.wait_over(&agent, &alertmanager, &starving);
    failing.wait_over(&agent, &alertmanager, &refusing);
    assert_only(&agent, &["failed", "opened"]);
    let log = agent.log();
    let told: Vec<&str> = log.lines().filter(|it| it.contains(&starving.id)).collect();
    assert!(
        told[0].contains("WARN") && told[0].contains("cause=refusing"),
        "{log}"
    );
    assert!(
        told.last().unwrap().contains("the incident has ended"),
        "{log}"
    );
}

#[test]
fn long_lived_connections_after_a_scale_out() {
    const HELD: usize = 400;
    let (site, here) = (Site::build(), Namespace::current());
    let farm = site.farm(Protocol::Lab, Duration::ZERO);
    let old = BACKENDS - 1;
    let mut balancer = site.balancer(Product::Haproxy, site.setup(Mode::Tcp, old));
    let alertmanager = Alertmanager::start(&here).unwrap();
    let config = Config::for_one(&alertmanager).window("1s");
    let addresses = site.addresses();
    let agent = agent(&config.pool(&addresses[..old], &[]));
    let held = LongLived::open(site.clients()[0], &[site.entrance()], HELD).unwrap();
    let mut trickle = Plan::new([site.entrance()], u64::MAX);
    trickle.per_second = Some(100);
    let _trickle = trickle.start(&site.clients()).unwrap();
    settle(&agent);

    balancer.reload(site.setup(Mode::Tcp, BACKENDS)).unwrap();
    agent.reconfigure(&config.pool(&addresses, &[])).unwrap();
    let new = farm.addresses()[old];
    let expected = Expected {
        signal: "active",
        alert: "EvenkeelBackendStarved",
        cause: "not_rebalanced",
        hot: None,
        cold: Some(&[new]),
    };
    let (incident, _) = expected.wait(&agent, &alertmanager);
    wait_share(&agent, "active", new, || share_open(&farm.ledger(), new));
    let opened = agent.pool(POOL).unwrap();
    let newcomer = &opened.backends[old];
    assert!(
        newcomer.connections.opened > 0,
        "new ones do go there: {newcomer:?}"
    );

    // The clients are restarted.
    drop(held);
    let held = LongLived::open(site.clients()[0], &[site.entrance()], HELD).unwrap();
    expected.wait_over(&agent, &alertmanager, &incident);
    assert_only(&agent, &["active"]);
    drop(held);
}
