//! Nothing is wrong with the balancer.

use std::time::Duration;

use anyhow::Result;

use crate::balancer::Product;
use crate::training::answer::EVEN;
use crate::training::ground::Ground;
use crate::training::kit::{build, requests, visitors, web};
use crate::training::scenario::{Level, Scenario, Side};
use crate::training::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "usual-suspect",
    title: "The usual suspect",
    level: Level::Hard,
    pool: "account",
    product: Product::Haproxy,
    backends: 5,
    symptom: "The p99 has tripled; the database team says it is not them. Management has read about load balancers and wants \
              it to be one. You have half an hour.",
    hints: [
        "Compare the backends with each other, in every signal there is.",
        "Open connections have gone up. Where?",
        "What does the verdict say, in so many words?",
    ],
    signal: "opened",
    cause: EVEN,
    side: Side::Hot,
    rule: None,
    page: "detection.md",
    story: "This time it is the database. Every backend waits for it, all of them for as long, and the balancer spreads \
              requests as it always did.",
    seen: "There are many more open connections than before, in equal parts on all backends, and new connections are even: \
              the verdict is `even`, which is a statement with evidence and not the absence of an alarm. What slows all \
              backends alike is behind them.",
    repair: "Show the page to the database team, politely. The half hour that the balancer did not cost is yours.",
    open,
    strike,
};

fn open<'a>(scenario: &Scenario, ground: Ground<'a>) -> Result<Stage<'a>> {
    let mut stage = build(scenario, ground, web(), requests(scenario, &ground))?;
    let mut load = visitors(&ground, 80);
    load.threads = 48;
    stage.send(&load)?;
    Ok(stage)
}

fn strike(stage: &mut Stage<'_>) -> Result<Vec<usize>> {
    for backend in 0..stage.farm.addresses().len() {
        stage.farm.delay(backend, Duration::from_millis(300))?;
    }
    Ok(Vec::new())
}
