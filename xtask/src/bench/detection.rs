//! `cargo xtask bench detection`: how well skew is detected, on simulated traffic: false alarms, delays, the rules that
//! users have today, and the cost.
//!
//! Everything is seeded: the same sources give the same figures, but for those of the cost.

mod balancer;
mod bound;
mod changes;
mod cost;
mod delays;
mod false_alarms;
mod interval;
mod levels;
mod parallel;
mod peers;
mod peers_report;
mod pools;
mod random;
mod rules;
mod split;
mod sticky;
mod tally;
mod traffic;

use std::time::Instant;

use anyhow::{Context, Result};

use super::machine;
use super::report::{self, Scale};
use crate::shell::{cargo, run as run_command};

type Measure = fn(Scale) -> Result<String>;

const SECTIONS: [(&str, Measure); 5] = [
    ("detection-false-alarms", false_alarms::measure),
    ("detection-levels", levels::measure),
    ("detection-delays", delays::measure),
    ("detection-peers", peers::measure),
    ("detection-cost", cost::measure),
];

/// Measures all sections, in a build as it is released: without optimization the simulation would take hours.
pub(super) fn run(scale: Scale) -> Result<()> {
    if cfg!(debug_assertions) {
        let mut again = cargo();
        again.args([
            "run",
            "--quiet",
            "--release",
            "--locked",
            "--package",
            "xtask",
            "--",
            "bench",
            "detection",
        ]);
        if scale == Scale::Quick {
            again.arg("--quick");
        }
        return run_command(&mut again);
    }
    for (name, measure) in SECTIONS {
        println!("\n=== {name}");
        let began = Instant::now();
        let mut text = format!("{}.", machine::describe()?);
        if let Some(warning) = machine::busy()? {
            text = format!("{text} **The machine was not quiet: {warning}.**");
        }
        text = format!(
            "{text} {}",
            measure(scale).with_context(|| format!("section {name}"))?
        );
        println!("\n{text}\nin {:.0?}", began.elapsed());
        if scale == Scale::Full {
            report::publish(name, &text)?;
        }
    }
    Ok(())
}
