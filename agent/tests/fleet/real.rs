//! What the fleet says of real traffic.

use std::net::SocketAddr;
use std::time::Duration;

use evenkeel_lab::agent::{Agent, Incident};
use evenkeel_lab::alertmanager::Alertmanager;
use evenkeel_lab::client::Plan;
use evenkeel_lab::ledger::Column;
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::network::Family;
use evenkeel_lab::wait::{wait_for, wait_until};
use rustix::process::Signal;

use crate::bed::{Bed, Node, POOL, fleet, incidents};
use crate::common::alone;
use evenkeel_lab::prometheus::Prometheus;

const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until the fleet has counted what the backends have accepted.
fn assert_counted(fleet: &Agent, bed: &Bed) {
    let truth = bed.backend.ledger();
    fleet
        .wait_pool(POOL, |pool| {
            truth.compare(&pool.ledger(), &[Column::Opened])
        })
        .unwrap_or_else(|error| panic!("truth / fleet: {error:#}\n{}", fleet.log()));
}

/// Waits for a series of the fleet to have a value.
fn wait_metric(fleet: &Agent, series: &str, wanted: f64) {
    let mut last = None;
    let found = wait_until(PATIENCE, series, || {
        last = fleet.metric(series).ok();
        last.is_some_and(|value| (value - wanted).abs() < 1e-9)
    });
    found.unwrap_or_else(|error| panic!("{error:#}: {last:?}, not {wanted}\n{}", fleet.log()));
}

fn wait_incident(fleet: &Agent) -> Incident {
    wait_for(PATIENCE, "an incident", || {
        let open = fleet.incidents()?.into_iter();
        Ok(open.into_iter().find(|incident| incident.ended.is_none()))
    })
    .unwrap_or_else(|error| panic!("{error:#}\n{}", fleet.log()))
}

fn traffic(bed: &Bed, nodes: &[Node<'_>], connections: u64) {
    let plan = Plan::new(nodes.iter().map(Node::listen), connections);
    plan.run(&bed.network.sources()).unwrap();
}

fn address(bed: &Bed, port: u16) -> SocketAddr {
    bed.network.balancers[0].addresses(Family::V4, port)[0]
}

#[test]
fn what_three_agents_counted_is_the_ledger_also_when_one_restarts_and_when_the_fleet_itself_is_scraped()
 {
    let _alone = alone();
    let bed = Bed::new();
    let run = || {
        let mut nodes: Vec<Node<'_>> = (0..3).map(|n| bed.node(n)).collect();
        let own = address(&bed, 9790);
        let mut targets: Vec<SocketAddr> = nodes.iter().map(|node| node.agent.address()).collect();
        targets.push(own);
        let mut prometheus = Prometheus::start(&targets).unwrap();
        let fleet = fleet(own, "");
        wait_metric(&fleet, "evenkeel_fleet_agents", 3.0);
        traffic(&bed, &nodes, 900);
        assert_counted(&fleet, &bed);

        nodes[1]
            .agent
            .restart(&bed.network.balancers[1].namespace, Signal::KILL)
            .unwrap();
        traffic(&bed, &nodes, 600);
        assert_counted(&fleet, &bed);

        // While nobody scrapes, agents go on counting.
        prometheus.stop().unwrap();
        traffic(&bed, &nodes, 300);
        wait_until(PATIENCE, "the failure to be told", || {
            fleet
                .get("/-/ready")
                .is_ok_and(|answer| answer.status == 503)
        })
        .unwrap();
        prometheus.resume().unwrap();
        assert_counted(&fleet, &bed);
        wait_metric(&fleet, "evenkeel_fleet_agents", 3.0);
        assert!(fleet.incidents().unwrap().is_empty());
    };
    bed.watcher().enter(run).unwrap();
}

#[test]
fn a_balancer_that_differs_is_named_and_paged_for_once_whatever_restarts() {
    let _alone = alone();
    let bed = Bed::new();
    let run = || {
        let here = Namespace::current();
        let mut nodes: Vec<Node<'_>> = (0..3).map(|n| bed.node(n)).collect();
        let targets: Vec<SocketAddr> = nodes.iter().map(|node| node.agent.address()).collect();
        let _prometheus = Prometheus::start(&targets).unwrap();
        let alertmanager = Alertmanager::start(&here).unwrap();
        let directory = incidents();
        let mut fleet = fleet(
            address(&bed, 9790),
            &format!(
                "alerting: {{alertmanagers: [{{url: '{}'}}], resend: 5s}}\nincidents: {{directory: '{}'}}\n",
                alertmanager.url(),
                directory.path().display()
            ),
        );
        nodes[2].reweigh(20);
        let mut plan = Plan::new(nodes.iter().map(Node::listen), u64::MAX);
        plan.per_second = Some(200);
        let traffic = plan.start(&bed.network.sources()).unwrap();

        let differing = nodes[2].agent.address().to_string();
        let found = wait_for(PATIENCE, "the cause", || {
            let incident = wait_incident(&fleet);
            let text = incident.cause.text.clone();
            let named = incident.cause.id == "one_balancer_differs" && text.contains(&differing);
            Ok(named.then_some(incident))
        });
        let before =
            found.unwrap_or_else(|error| panic!("{error:#}: {:?}", fleet.incidents().unwrap()));
        wait_until(PATIENCE, "an alert", || {
            alertmanager.alerts().is_ok_and(|alerts| alerts.len() == 1)
        })
        .unwrap();
        let alert = alertmanager.alerts().unwrap().remove(0);
        assert_eq!(alert.labels["pool"], POOL);
        assert_eq!(alert.labels["node"], "fleet");

        fleet.restart(&here, Signal::TERM).unwrap();
        let after = wait_incident(&fleet);
        assert_eq!((&after.id, &after.started), (&before.id, &before.started));
        let received = alertmanager.received("firing").unwrap();
        wait_until(PATIENCE, "the alert to be repeated", || {
            alertmanager
                .received("firing")
                .is_ok_and(|now| now > received)
        })
        .unwrap();
        let alerts = alertmanager.alerts().unwrap();
        let same: Vec<(&str, &str)> = alerts
            .iter()
            .map(|alert| (&*alert.fingerprint, &*alert.starts_at))
            .collect();
        assert_eq!(same, [(&*alert.fingerprint, &*alert.starts_at)]);
        assert_eq!(alertmanager.received("resolved").unwrap(), 0);
        traffic.stop().unwrap();
    };
    bed.watcher().enter(run).unwrap();
}
