//! A weight that was raised for a test, and stayed.

use anyhow::Result;

use crate::balancer::Product;
use crate::training::ground::Ground;
use crate::training::kit::{requests, site};
use crate::training::scenario::{Level, Scenario, Side};
use crate::training::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "warm-machine",
    title: "One machine runs warm",
    level: Level::Easy,
    pool: "search",
    product: Product::Nginx,
    backends: 5,
    symptom: "One of the five search servers is at 90 % CPU since this morning, the others are bored. The search team has \
              restarted it twice, moved it to another host and blames noisy neighbours. The p99 has tripled.",
    hints: [
        "Does the warm machine do more for each request, or does it get more requests? The shares tell.",
        "One backend has three times the connections of each of the others: a whole number.",
        "Read the upstream block of the balancer's configuration, or let the audit read it.",
    ],
    signal: "opened",
    cause: "weights_differ",
    side: Side::Hot,
    rule: Some("NGX-001"),
    page: "audit/NGX-001.md",
    story: "Somebody raised the weight of one server to 3 for a test, and the change was never taken back.",
    seen: "One backend has 43 % of the new connections, the others 14 % each, and 20 % are expected. Whole-number weights \
              fit the shares: 1, 1, 1, 3, 1. A machine with a noisy neighbour would get its fifth, and take longer for it.",
    repair: "Set the weight back and reload nginx. Annotate weights that are meant, so that the audit tells them from those \
              that were forgotten.",
    open,
    strike,
};

fn open<'a>(scenario: &Scenario, ground: Ground<'a>) -> Result<Stage<'a>> {
    site(scenario, ground, requests(scenario, &ground), 100)
}

fn strike(stage: &mut Stage<'_>) -> Result<Vec<usize>> {
    const WARM: usize = 3;
    stage.reload(|setup| setup.servers[WARM].weight = 3)?;
    Ok(vec![WARM])
}
