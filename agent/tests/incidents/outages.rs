//! Alertmanager away, and the agent away, in the middle of an incident: it is told, once, with constant labels and start.

use std::time::Duration;

use anyhow::ensure;
use evenkeel_lab::agent::{Agent, Incident};
use evenkeel_lab::alertmanager::{Alert, Alertmanager};
use evenkeel_lab::backend::Protocol;
use evenkeel_lab::balancer::{Mode, Product, Setup};
use evenkeel_lab::netns::Namespace;
use rustix::process::Signal;

use crate::bed::{BACKENDS, Config, RATE, Site, weigh};
use crate::common::agent;
use crate::watch::{DEADLINE, DELIVERY, Expected, assert_only, eventually, open, settle};

const SKEWED: Expected<'_> = Expected {
    signal: "opened",
    alert: "EvenkeelPoolSkewed",
    cause: "weights_differ",
    hot: None,
    cold: None,
};

/// An even site and the same with a wrong weight.
fn setups(site: &Site) -> [Setup; 2] {
    let even = site.setup(Mode::Http, BACKENDS);
    [even.clone(), weigh(even, 0, 3)]
}

#[test]
fn an_alertmanager_that_is_down_until_the_incident_is_on_hears_of_it_all_the_same() {
    let (site, here) = (Site::build(), Namespace::current());
    let _farm = site.farm(Protocol::Http, Duration::ZERO);
    let [even, skewed] = setups(&site);
    let mut balancer = site.balancer(Product::Nginx, even.clone());
    let mut down = Alertmanager::start(&here).unwrap();
    down.stop().unwrap();
    let up = Alertmanager::start(&here).unwrap();
    // One that is down, and one that will never be up, hold up none.
    let config = Config::new(&[&down.url(), "http://127.0.0.1:9", &up.url()]);
    let agent = agent(&config.pool(&site.addresses(), &[]));
    let _load = site.load(RATE);
    settle(&agent);
    balancer.reload(skewed).unwrap();
    let (incident, alert) = SKEWED.wait(&agent, &up);

    down.resume().unwrap();
    let late = eventually(DELIVERY, "the alert after the outage", || {
        SKEWED.alert(&down)
    });
    assert_same(&alert, &late);
    balancer.reload(even).unwrap();
    SKEWED.wait_over(&agent, &up, &incident);
    SKEWED.wait_over(&agent, &down, &incident);
}

#[test]
fn an_agent_that_is_restarted_goes_on_with_the_incident_and_its_alert() {
    let (site, here) = (Site::build(), Namespace::current());
    let _farm = site.farm(Protocol::Http, Duration::ZERO);
    let [even, skewed] = setups(&site);
    let mut balancer = site.balancer(Product::Nginx, even.clone());
    let alertmanager = Alertmanager::start(&here).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let config = Config::for_one(&alertmanager).keeping(directory.path());
    let mut agent = agent(&config.pool(&site.addresses(), &[]));
    let _load = site.load(RATE);
    settle(&agent);
    balancer.reload(skewed).unwrap();
    let (incident, alert) = SKEWED.wait(&agent, &alertmanager);

    for signal in [Signal::TERM, Signal::KILL] {
        agent.restart(&here, signal).unwrap();
        assert_goes_on(&agent, &alertmanager, &incident, &alert);
    }
    balancer.reload(even).unwrap();
    SKEWED.wait_over(&agent, &alertmanager, &incident);
    assert_only(&agent, &["opened"]);
}

fn assert_same(before: &Alert, after: &Alert) {
    assert_eq!(
        (&before.labels, &before.starts_at, &before.fingerprint),
        (&after.labels, &after.starts_at, &after.fingerprint)
    );
}

/// After a restart the incident is the same, the only one, and repeated as the same alert.
fn assert_goes_on(
    agent: &Agent,
    alertmanager: &Alertmanager<'_>,
    incident: &Incident,
    alert: &Alert,
) {
    let told = alertmanager.received("firing").unwrap();
    let now = open(agent, "opened").unwrap();
    assert_eq!((&now.id, &now.started), (&incident.id, &incident.started));
    eventually(DEADLINE, "the alert to be repeated", || {
        let now = alertmanager.received("firing")?;
        ensure!(now > told, "still {told}");
        Ok(())
    });
    assert_same(alert, &SKEWED.alert(alertmanager).unwrap());
    assert_eq!(alertmanager.received("resolved").unwrap(), 0);
    assert_only(agent, &["opened"]);
}
