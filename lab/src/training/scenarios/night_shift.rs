//! Weights that were set at run time, and lost with a reload.

use anyhow::Result;

use crate::balancer::Product;
use crate::training::ground::Ground;
use crate::training::kit::{build, requests, visitors, web};
use crate::training::scenario::{Level, Scenario, Side};
use crate::training::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "night-shift",
    title: "A change that changed nothing",
    level: Level::Medium,
    pool: "pricing",
    product: Product::Haproxy,
    backends: 4,
    symptom: "The night shift renewed a certificate: the configuration of the balancer differs in not a single line, they can \
              prove it with a diff. Since then two of the four pricing servers run at their limit. They are the old, small \
              ones.",
    hints: [
        "All four get the same now. Was that so before? Look at the expected shares.",
        "The two large machines should get three times as much as the small ones. Where was that written?",
        "Not in the file: it was told to the running process, over its socket.",
    ],
    signal: "opened",
    cause: "weights_lost",
    side: Side::Hot,
    rule: None,
    page: "audit/GEN-006.md",
    story: "The two large machines had got the weight 3 at run time, over HAProxy's stats socket. The file never knew of it. \
              A reload starts a new process from the file: all weights are 1 again.",
    seen: "Every backend has a quarter of the new connections. That looks even, and is not: 38 % are expected of each large \
              machine and 12 % of each small one. Equal shares where weights are unequal mean that the balancer has forgotten \
              them.",
    repair: "Set the weights again, write them into the file, and let HAProxy keep its state over reloads \
              (`load-server-state-from-file`). The audit compares what runs with what is written.",
    open,
    strike,
};

/// The large machines, and what they should get compared with the others.
const LARGE: [usize; 2] = [0, 1];
const WEIGHT: u32 = 3;

fn open<'a>(scenario: &Scenario, ground: Ground<'a>) -> Result<Stage<'a>> {
    let mut stage = build(scenario, ground, web(), requests(scenario, &ground))?;
    for large in LARGE {
        let member = &mut stage.members[large];
        member.weight = WEIGHT;
        stage.balancer.set_weight(member.address, WEIGHT)?;
    }
    stage.send(&visitors(&ground, 100))?;
    Ok(stage)
}

fn strike(stage: &mut Stage<'_>) -> Result<Vec<usize>> {
    stage.reload(|_same| {})?;
    Ok(vec![2, 3])
}
