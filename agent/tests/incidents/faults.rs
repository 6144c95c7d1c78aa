//! One fault each: found, told with its cause, repaired, over.

use std::path::Path;
use std::time::Duration;

use evenkeel_lab::agent::Agent;
use evenkeel_lab::alertmanager::Alertmanager;
use evenkeel_lab::backend::Protocol;
use evenkeel_lab::balancer::{Algorithm, Mode, Product};
use evenkeel_lab::client::{LongLived, Plan};
use evenkeel_lab::http::HttpLoad;
use evenkeel_lab::netns::Namespace;
use serde_json::{Value, json};

use crate::bed::{BACKENDS, Config, POOL, RATE, Site, weigh};
use crate::common::{EVENKEEL, agent};
use crate::watch::{
    Expected, assert_only, eventually, settle, share_open, share_since, wait_share,
};

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
    let hot = farm.address(1);
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
fn a_server_that_was_drained_by_hand_and_forgotten() {
    let (site, here) = (Site::build(), Namespace::current());
    let farm = site.farm(Protocol::Http, USUAL);
    let mut balancer = site.balancer(Product::Haproxy, site.setup(Mode::Http, BACKENDS));
    let alertmanager = Alertmanager::start(&here).unwrap();
    let agent = agent(&Config::for_one(&alertmanager).pool(&site.addresses(), &[]));
    let _load = site.load(RATE);
    settle(&agent);

    let cold = farm.address(2);
    balancer.set_weight(cold, 0).unwrap();
    let before = farm.ledger();
    let expected = Expected {
        signal: "opened",
        alert: "EvenkeelBackendStarved",
        cause: "not_in_rotation",
        // Three backends share what was meant for four: a third more for each.
        hot: None,
        cold: Some(&[cold]),
    };
    let (incident, _) = expected.wait(&agent, &alertmanager);
    wait_share(&agent, "opened", cold, || {
        share_since(&before, &farm.ledger(), cold)
    });

    balancer.set_weight(cold, 1).unwrap();
    expected.wait_over(&agent, &alertmanager, &incident);
    assert_only(&agent, &["opened"]);
    let log = agent.log();
    let told: Vec<&str> = log.lines().filter(|it| it.contains(&incident.id)).collect();
    assert!(
        told[0].contains("WARN") && told[0].contains("cause=not_in_rotation"),
        "{log}"
    );
    assert!(
        told.last().unwrap().contains("the incident has ended"),
        "{log}"
    );
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

    let bad = farm.address(1);
    farm.stop(1);
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

    farm.start(1);
    starved.wait_over(&agent, &alertmanager, &starving);
    failing.wait_over(&agent, &alertmanager, &refusing);
    assert_only(&agent, &["failed", "opened"]);
}

#[test]
fn a_backend_that_accepts_and_hangs() {
    let (site, here) = (Site::build(), Namespace::current());
    let farm = site.farm(Protocol::Http, USUAL);
    let _balancer = site.balancer(Product::Nginx, site.setup(Mode::Http, BACKENDS));
    let alertmanager = Alertmanager::start(&here).unwrap();
    let config = Config::for_one(&alertmanager).window("1s");
    let agent = agent(&config.pool(&site.addresses(), &[]));
    let load = HttpLoad {
        // So many can hang without holding up the others.
        threads: 256,
        ..HttpLoad::steady(site.entrance(), RATE)
    };
    let _load = load.start(&site.clients()).unwrap();
    settle(&agent);

    farm.delay(3, Duration::from_secs(2));
    let slow = farm.address(3);
    let expected = Expected {
        signal: "active",
        alert: "EvenkeelPoolSkewed",
        cause: "slow_backend",
        hot: Some(&[slow]),
        cold: None,
    };
    let (incident, _) = expected.wait(&agent, &alertmanager);
    wait_share(&agent, "active", slow, || share_open(&farm.ledger(), slow));

    farm.delay(3, USUAL);
    expected.wait_over(&agent, &alertmanager, &incident);
    assert_only(&agent, &["active"]);
}

#[test]
fn few_clients_of_which_one_is_large() {
    let (site, here) = (Site::build(), Namespace::current());
    let farm = site.farm(Protocol::Http, USUAL);
    let mut setup = site.setup(Mode::Http, BACKENDS);
    setup.algorithm = Algorithm::SourceHash;
    let _balancer = site.balancer(Product::Haproxy, setup);
    let alertmanager = Alertmanager::start(&here).unwrap();
    let keys = ["algorithm: key_dependent", "expected: weights"];
    let agent = agent(&Config::for_one(&alertmanager).pool(&site.addresses(), &keys));
    // Clients with neighbouring addresses: as many for each backend.
    let _load = site.load(RATE);
    settle(&agent);

    let before = farm.ledger();
    let large = HttpLoad::steady(site.entrance(), RATE);
    let large = large.start(&site.clients()[..1]).unwrap();
    let hot = eventually(Duration::from_secs(5), "the large client's backend", || {
        let now = farm.ledger();
        let most = now.iter().map(|(backend, _)| backend);
        let share = |backend| share_since(&before, &now, backend);
        let hot = most.max_by(|a, b| share(*a).total_cmp(&share(*b))).unwrap();
        anyhow::ensure!(share(hot) > 0.5, "{}", share(hot));
        Ok(hot)
    });
    let expected = Expected {
        signal: "opened",
        alert: "EvenkeelPoolSkewed",
        cause: "affinity",
        hot: Some(&[hot]),
        cold: None,
    };
    let (incident, _) = expected.wait(&agent, &alertmanager);
    wait_share(&agent, "opened", hot, || {
        share_since(&before, &farm.ledger(), hot)
    });

    drop(large);
    expected.wait_over(&agent, &alertmanager, &incident);
    assert_only(&agent, &["opened"]);
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
    let new = farm.address(old);
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
