//! The training lab with the agent as the trainee: of every scenario it must name pool, backends and cause, with its normal
//! configuration, while all of them run side by side. One of them has nothing to be found, and nothing may be.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy allows both in tests, but not in what tests call"
)]

mod common;

use std::path::Path;
use std::time::Duration;

use evenkeel_lab::training::{Mark, Pace, SCENARIOS, sit};

use crate::common::{EVENKEEL, alone};

/// How long the last answer may take after the fault: open connections and bytes have to be uneven for a whole window.
const PATIENCE: Duration = Duration::from_secs(170);

#[test]
fn the_agent_names_the_pool_the_backends_and_the_cause_of_every_scenario() {
    let _alone = alone();
    let marks = sit(Path::new(EVENKEEL), &SCENARIOS, Pace::Usual, PATIENCE).unwrap();
    for mark in &marks {
        let seconds =
            |time: Option<Duration>| time.map_or("-".to_owned(), |it| format!("{it:.1?}"));
        let (skewed, answered) = (seconds(mark.skewed), seconds(mark.answered));
        println!(
            "{:16} skewed {skewed:>7} answered {answered:>7} {:?} {}",
            mark.scenario, mark.named, mark.verdict
        );
    }
    let failed: Vec<&Mark> = marks.iter().filter(|mark| !mark.passed()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    for mark in &marks {
        assert_named_deviate(mark);
    }
}

/// Whom the agent names is, by the backends' own ledgers, on the side on which it is named.
fn assert_named_deviate(mark: &Mark) {
    let Some(incident) = &mark.incident else {
        return;
    };
    let (over, under) = &mark.deviating;
    let hot = incident.hot.iter().map(|it| (it.backend, over));
    let cold = incident.cold.iter().map(|it| (it.backend, under));
    for (backend, truly) in hot.chain(cold) {
        assert!(truly.contains(&backend), "{backend} is not: {mark:#?}");
    }
}
