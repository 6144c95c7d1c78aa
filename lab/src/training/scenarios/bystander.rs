//! A pool beside the one that matters, with which nothing is ever wrong.

use anyhow::Result;

use crate::balancer::Product;
use crate::training::answer::EVEN;
use crate::training::ground::Ground;
use crate::training::kit::{requests, site};
use crate::training::scenario::{Level, Scenario, Side};
use crate::training::stage::Stage;

/// A pool that a trainee sees beside the one that matters.
pub const BYSTANDER: Scenario = Scenario {
    name: "bystander",
    title: "A pool beside it",
    level: Level::Easy,
    pool: "recommendations",
    product: Product::Nginx,
    backends: 4,
    symptom: "Nothing.",
    hints: ["None.", "None.", "None."],
    signal: "opened",
    cause: EVEN,
    side: Side::Hot,
    rule: None,
    page: "detection.md",
    story: "Nothing has happened here.",
    seen: "Even.",
    repair: "Nothing to repair.",
    open,
    strike: |_stage| Ok(Vec::new()),
};

fn open<'a>(scenario: &Scenario, ground: Ground<'a>) -> Result<Stage<'a>> {
    site(scenario, ground, requests(scenario, &ground), 80)
}
