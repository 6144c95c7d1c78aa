//! A backend that accepts and takes its time.

use std::time::Duration;

use anyhow::Result;

use crate::balancer::Product;
use crate::training::ground::Ground;
use crate::training::kit::{build, requests, visitors, web};
use crate::training::scenario::{Level, Scenario, Side};
use crate::training::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "one-in-five",
    title: "One in five",
    level: Level::Medium,
    pool: "profile",
    product: Product::Nginx,
    backends: 5,
    symptom: "One in five customers waits for seconds for the profile page, and a reload of the page usually helps. \
              \"The load balancer is broken, it sends everything to one server\": somebody has seen its connections in `ss`.",
    hints: [
        "There are many open connections on one backend. Are there many new ones, too?",
        "Open connections are new connections times how long each lasts.",
        "Everybody gets a fifth of the new ones. So on one backend they last longer.",
    ],
    signal: "active",
    cause: "slow_backend",
    side: Side::Hot,
    rule: None,
    page: "runbooks/EvenkeelPoolSkewed.md",
    story: "The balancer is innocent. One backend takes three seconds for each answer (a full disk, a long pause of its \
              garbage collector), and the connections that wait for it pile up.",
    seen: "New connections are even. Open connections are not: most are on one backend. By Little's law they last that much \
              longer there. A balancer at fault would show in the new ones.",
    repair: "Look at the backend: CPU, disk, locks, garbage collection. Take it out of rotation if it hurts. `least_conn` \
              would have sent it less until then.",
    open,
    strike,
};

fn open<'a>(scenario: &Scenario, ground: Ground<'a>) -> Result<Stage<'a>> {
    let mut stage = build(scenario, ground, web(), requests(scenario, &ground))?;
    let mut load = visitors(&ground, 80);
    // So many can wait without holding up the others.
    load.threads = 96;
    stage.send(&load)?;
    Ok(stage)
}

fn strike(stage: &mut Stage<'_>) -> Result<Vec<usize>> {
    const SLOW: usize = 2;
    stage.farm.delay(SLOW, Duration::from_secs(3))?;
    Ok(vec![SLOW])
}
