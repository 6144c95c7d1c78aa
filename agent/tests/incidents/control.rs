//! Nothing is wrong: nothing is found.

use std::time::Duration;

use evenkeel_lab::alertmanager::Alertmanager;
use evenkeel_lab::backend::Protocol;
use evenkeel_lab::balancer::{Algorithm, Mode, Product};
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::wait::wait_until;

use crate::bed::{BACKENDS, Config, POOL, RATE, Site};
use crate::common::agent;
use crate::watch::{assert_silent, settle};

/// Longer than others take from the first request to the alert.
const LENGTH: Duration = Duration::from_secs(25);

#[test]
fn even_traffic_stays_silent() {
    let (site, here) = (Site::build(), Namespace::current());
    let _farm = site.farm(Protocol::Http, Duration::from_millis(20));
    let mut setup = site.setup(Mode::Http, BACKENDS);
    // With all the chance that there is between balancers that are even.
    setup.algorithm = Algorithm::Random;
    let mut balancer = site.balancer(Product::Nginx, setup.clone());
    let alertmanager = Alertmanager::start(&here).unwrap();
    let agent = agent(&Config::for_one(&alertmanager).pool(&site.addresses(), &[]));
    let load = site.load(RATE);
    settle(&agent);
    // What is reloaded unchanged is as even as before.
    balancer.reload(setup).unwrap();
    let enough = u64::from(RATE) * LENGTH.as_secs();
    wait_until(2 * LENGTH, "enough requests", || {
        assert_silent(&agent);
        load.counts().statuses.values().sum::<u64>() >= enough
    })
    .unwrap();
    assert_eq!(agent.pool(POOL).unwrap().verdict, "even");
    assert_eq!(alertmanager.received("firing").unwrap(), 0);
    assert_eq!(alertmanager.received("resolved").unwrap(), 0);
}
