//! The outage that all this began with: weights of machines that are gone.

use anyhow::Result;

use crate::backend::Options;
use crate::balancer::{Product, Setup};
use crate::training::ground::Ground;
use crate::training::kit::{build, requests, visitors, web};
use crate::training::scenario::{Level, Scenario, Side};
use crate::training::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "outage",
    title: "Two and a half hours",
    level: Level::Easy,
    pool: "checkout",
    product: Product::Haproxy,
    backends: 6,
    symptom: "Responses are slow: the p99 of the shop has gone from 40 ms to over 300 ms, and customers leave their baskets. \
              Nobody has deployed an application. The database team is tuning queries since half an hour; they say it is not \
              them. Every graph that there is shows averages.",
    hints: [
        "Look at the shares of new connections on the page: six application servers were bought to carry a sixth each.",
        "Two servers have five times the connections of each of the others. Which file says who gets how much?",
        "The balancer's configuration was rolled out a moment ago. Run the audit on it.",
    ],
    signal: "opened",
    cause: "weights_differ",
    side: Side::Hot,
    rule: Some("HAP-001"),
    page: "audit/HAP-001.md",
    story: "A roll-out of the balancer's configuration brought back the weights of an older generation of machines: two of \
              six servers got five times the weight of the others. They can answer 50 requests a second each and were sent \
              more; four had next to nothing to do. Requests queued before the two, every page got slower, and the time went into the \
              database.",
    seen: "New connections stand at 36 % for two servers and 7 % for the others, where 17 % are expected; open connections \
              pile up on the same two. The shares fit the weights 1, 5, 1, 1, 5, 1. A slow database would \
              have made all six slow alike, with even shares.",
    repair: "Write equal weights and reload. To keep it from coming back: `evenkeel audit` on each change of the \
              configuration, and `evenkeel gate` in the pipeline that rolls it out.",
    open,
    strike,
};

/// Answers a second that a backend can give: enough for its sixth with some to spare.
const CAPACITY: u32 = 50;

/// The machines that were large once.
const OLD: [usize; 2] = [1, 4];

fn open<'a>(scenario: &Scenario, ground: Ground<'a>) -> Result<Stage<'a>> {
    let options = Options {
        capacity: Some(CAPACITY),
        ..web()
    };
    let mut stage = build(scenario, ground, options, requests(scenario, &ground))?;
    let mut load = visitors(&ground, 180);
    load.threads = 40;
    stage.send(&load)?;
    Ok(stage)
}

fn strike(stage: &mut Stage<'_>) -> Result<Vec<usize>> {
    stage.reload(|setup: &mut Setup| {
        for old in OLD {
            setup.servers[old].weight = 5;
        }
    })?;
    Ok(OLD.to_vec())
}
