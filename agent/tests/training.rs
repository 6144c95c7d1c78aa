//! The training lab with the agent as the trainee: of every scenario it must name pool, backends and cause, with its normal
//! configuration, while all of them run side by side. One of them has nothing to be found, and nothing may be.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy allows both in tests, but not in what tests call"
)]

mod common;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use evenkeel_lab::training::{Mark, Pace, SCENARIOS, scenario, sit};

use crate::common::{EVENKEEL, alone};

/// How long the last answer may take after the fault: open connections and bytes have to be uneven for a whole window.
const PATIENCE: Duration = Duration::from_secs(170);

#[test]
fn the_agent_names_the_pool_the_backends_and_the_cause_of_every_scenario() {
    let _alone = alone();
    let began = Instant::now();
    let marks = sit(Path::new(EVENKEEL), &SCENARIOS, Pace::Usual, PATIENCE).unwrap();
    println!("all of it took {:.0?}", began.elapsed());
    print_table(&marks);
    let failed: Vec<&Mark> = marks.iter().filter(|mark| !mark.passed()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    for mark in &marks {
        assert_named_deviate(mark);
        assert_audited(mark);
    }
}

/// Every scenario tells of a page that is there.
#[test]
fn pages_to_read_exist() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    for scenario in SCENARIOS {
        assert!(docs.join(scenario.page).is_file(), "{}", scenario.page);
    }
}

/// The table of docs/benchmarks.md.
fn print_table(marks: &[Mark]) {
    let seconds = |time: Option<Duration>| {
        time.map_or("-".to_owned(), |it| format!("{:.0} s", it.as_secs_f64()))
    };
    println!(
        "| scenario | signal | cause | skewed after | right answer after |\n|---|---|---|--:|--:|"
    );
    for mark in marks {
        println!(
            "| `{}` | `{}` | `{}` | {} | {} |",
            mark.scenario,
            mark.signal,
            mark.cause,
            seconds(mark.skewed),
            seconds(mark.answered)
        );
        println!("    named {:?}, at last {}", mark.named, mark.verdict);
    }
}

/// Where the fault is in the balancer's configuration, the audit reports it.
fn assert_audited(mark: &Mark) {
    let scenario = scenario(mark.scenario).unwrap();
    let Some(rule) = scenario.rule else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(&mark.config.0);
    std::fs::write(&file, &mark.config.1).unwrap();
    let output = Command::new(EVENKEEL)
        .arg("audit")
        .arg(&file)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        told.contains(rule),
        "{}: no {rule} in {told}",
        mark.scenario
    );
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
