//! `cargo xtask bench`: what the agent costs, in the kernel and in user space, how well it detects skew, beside its peers,
//! how long an audit takes, and what watching a fleet takes.
//!
//! Each part prints its tables and replaces its sections of `docs/benchmarks.md`. What is timed runs on this machine, in a
//! network namespace of its own; the figures mean something only while nothing else does. Detection is simulated.

mod agents;
mod audit;
mod bpf;
mod cost;
mod detection;
mod diag;
mod fleet;
mod growth;
mod held;
mod live;
mod machine;
mod optimized;
mod report;
mod site;
mod stats;
mod throughput;
mod tools;

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use evenkeel_lab::{netns, parts};

use self::report::Scale;

/// The Debian packages of the peers.
const PEERS: [&str; 2] = ["libbpf-tools", "bpftrace"];

/// Programs that show whether the packages are there.
const PEER_PROGRAMS: [&str; 3] = ["tcplife", "tcpstates", "bpftrace"];

/// A part of the bench.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Part {
    /// What a connection costs: beside peers, and in throughput.
    Kernel,
    /// What the agent takes, from 1,000 to 50,000 backends.
    Agent,
    /// What the view of open connections takes.
    Live,
    /// How well skew is detected: false alarms, delays, and other rules on the same simulated traffic. Needs no root.
    Detection,
    /// How long reading and auditing a large configuration takes. Needs no root.
    Audit,
    /// What watching a large fleet takes. Needs no root.
    Fleet,
}

type Measure = fn(&Path, Scale) -> Result<String>;

const SECTIONS: [(Part, &str, Measure); 4] = [
    (Part::Kernel, "cost", cost::measure),
    (Part::Kernel, "throughput", throughput::measure),
    (Part::Agent, "agent", growth::measure),
    (Part::Live, "live", live::measure),
];

/// Measures `part`, or everything; a quick run shows that the bench works and leaves the document alone.
pub(crate) fn run(part: Option<Part>, quick: bool) -> Result<()> {
    let began = Instant::now();
    let scale = if quick { Scale::Quick } else { Scale::Full };
    let wanted = |of| part.is_none_or(|part| part == of);
    if [Part::Kernel, Part::Agent, Part::Live]
        .into_iter()
        .any(wanted)
    {
        costs(part, scale, began)?;
    }
    if wanted(Part::Detection) {
        optimized::run("detection", &detection::SECTIONS, scale)?;
    }
    if wanted(Part::Audit) {
        optimized::run("audit", &audit::SECTIONS, scale)?;
    }
    if wanted(Part::Fleet) {
        println!("\n=== fleet");
        let text = section(&agents::build()?, scale, fleet::measure)?;
        println!("\n{text}");
        if scale == Scale::Full {
            report::publish("fleet", &text)?;
        }
    }
    println!("\ndone in {:.0?}", began.elapsed());
    Ok(())
}

/// Measures what the agent costs, on this machine.
fn costs(part: Option<Part>, scale: Scale, began: Instant) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!(
            "the bench loads programs into the kernel and makes network namespaces: run it as root"
        );
    }
    if PEER_PROGRAMS
        .iter()
        .any(|program| parts::require(program).is_err())
    {
        println!("installing {}", PEERS.join(" "));
        parts::install(&PEERS)?;
    }
    let binary = agents::build()?;
    netns::sweep()?;
    for (_, name, measure) in SECTIONS
        .iter()
        .filter(|(of, ..)| part.is_none_or(|part| part == *of))
    {
        println!("\n=== {name} (at {:.0?})", began.elapsed());
        let text = section(&binary, scale, *measure).with_context(|| format!("section {name}"))?;
        println!("\n{text}");
        if scale == Scale::Full {
            report::publish(name, &text)?;
        }
    }
    Ok(())
}

/// The text of a section: where and when, what disturbed, and the results.
fn section(binary: &Path, scale: Scale, measure: Measure) -> Result<String> {
    let mut text = format!("{}.", machine::describe()?);
    if let Some(warning) = machine::disturbances()? {
        println!("  the machine is not quiet: {warning}");
        text = format!("{text} **The machine was not quiet: {warning}.**");
    }
    Ok(format!("{text}\n\n{}", measure(binary, scale)?))
}
