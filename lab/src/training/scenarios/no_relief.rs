//! A backend that was added, and gets none of the connections that live long.

use std::time::Duration;

use anyhow::Result;

use crate::backend::{Options, Protocol};
use crate::balancer::{Product, Server};
use crate::client::LongLived;
use crate::training::ground::Ground;
use crate::training::kit::{build, connections, trickle};
use crate::training::repeated::Repeated;
use crate::training::scenario::{Level, Scenario, Side};
use crate::training::stage::{Member, Stage};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "no-relief",
    title: "No relief",
    level: Level::Medium,
    pool: "live",
    product: Product::Haproxy,
    backends: 4,
    symptom: "The live scores were at their limit, so we added a fourth server. The autoscaler is proud, the three old servers \
              are as full as before, and the new one does nothing. \"Is it even in the load balancer?\"",
    hints: [
        "It is: look at new connections, then at open ones. They tell different stories.",
        "New connections are spread over all four, but there are few of them.",
        "How old are the connections of the three old servers?",
    ],
    signal: "active",
    cause: "not_rebalanced",
    side: Side::Cold,
    rule: None,
    page: "audit/GEN-001.md",
    story: "Clients hold their connections for hours. The balancer chooses when a connection is made, and those of today \
              were made before the fourth server came. It gets its part of new connections, of which there are hardly any.",
    seen: "New connections are even over four backends. Of the open ones the new backend has next to none, and the others a \
              third each. The pool's description has changed a moment before.",
    repair: "Limit the age of connections (in the server, the client or the balancer) so that they are spread anew bit by \
              bit, or restart clients a few at a time. An autoscaler that looks at the average load of such a pool will only \
              go on adding servers.",
    open,
    strike,
};

/// Connections that stay, and how long they are silent.
const HELD: usize = 240;
const SILENCE: Duration = Duration::from_secs(10);

fn open<'a>(scenario: &Scenario, ground: Ground<'a>) -> Result<Stage<'a>> {
    let mut setup = connections(scenario, &ground);
    setup.servers.pop();
    let mut stage = build(scenario, ground, Options::new(Protocol::Lab), setup)?;
    let mut held = LongLived::open(ground.host(), &[ground.entrance()], HELD)?;
    stage.keep(Repeated::every(SILENCE, move || held.exchange(100))?);
    stage.keep(trickle(&ground, 80, 100).start(&[ground.host()])?);
    Ok(stage)
}

fn strike(stage: &mut Stage<'_>) -> Result<Vec<usize>> {
    let all = stage.farm.addresses().to_vec();
    stage.reload(|setup| setup.servers = all.iter().copied().map(Server::new).collect())?;
    stage.members = Member::equal(&all);
    Ok(vec![all.len() - 1])
}
