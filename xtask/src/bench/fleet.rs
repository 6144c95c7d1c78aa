//! `cargo xtask bench fleet`: what watching a large fleet takes, on series that a simulated store serves.

mod store;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use evenkeel_lab::agent::Agent;
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::wait::wait_until;

use self::store::{Fleet, Store};
use super::held::{cpu_time, forget_peak, memory};
use super::report::{self, Aim, Scale, thousands};
use super::stats::Sample;

/// The time between evaluations.
const INTERVAL: Duration = Duration::from_secs(15);
/// What is promised of the largest fleet.
const MOST_TIME: Duration = Duration::from_secs(5);
const MOST_MEMORY: f64 = 1024.0;
const PATIENCE: Duration = Duration::from_secs(300);

const MIB: f64 = 1024.0 * 1024.0;

/// What one fleet took.
struct Took {
    fleet: Fleet,
    /// Seconds, by the clock and of processors.
    evaluation: Sample,
    cpu: f64,
    start: f64,
    resident: f64,
    peak: f64,
    /// Bytes of answers for one evaluation.
    read: f64,
}

/// Measures fleets of several sizes; gives the table and the aims.
pub(super) fn measure(binary: &Path, scale: Scale) -> Result<String> {
    let (fleets, evaluations): (&[(usize, usize)], usize) = match scale {
        Scale::Full => (&[(100, 50), (1_000, 10), (1_000, 50)], 5),
        Scale::Quick => (&[(20, 20)], 2),
    };
    let mut all = Vec::new();
    for (nodes, pods) in fleets {
        let fleet = Fleet {
            nodes: *nodes,
            pods: *pods,
        };
        all.push(watch(binary, fleet, evaluations)?);
    }
    let mut text = format!(
        "An evaluation every {} s of agents that are scraped as often; medians of {evaluations} evaluations, in brackets the longest.\n\n\
         | agents | backends exported | series read | answers of the store | evaluation | processor time | resident | peak | first verdict after |\n\
         |--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        INTERVAL.as_secs()
    );
    for took in &all {
        let backends = took.fleet.nodes * took.fleet.pods;
        writeln!(
            text,
            "| {} | {} | {} | {:.0} MB | {:.2} s ({:.2}) | {:.2} s | {:.0} MiB | {:.0} MiB | {:.0} s |",
            thousands(took.fleet.nodes),
            thousands(backends),
            thousands(5 * backends),
            took.read / 1e6,
            took.evaluation.median(),
            took.evaluation.max(),
            took.cpu,
            took.resident / MIB,
            took.peak / MIB,
            took.start,
        )?;
    }
    let largest = all.last().context("no fleet")?;
    Ok(text + &report::aims(&aims(largest)))
}

fn aims(largest: &Took) -> [Aim; 2] {
    let what = format!(
        "{} agents with {} backends",
        thousands(largest.fleet.nodes),
        thousands(largest.fleet.nodes * largest.fleet.pods)
    );
    let time = largest.evaluation.median();
    [
        Aim {
            what: format!("{what}: evaluated in under {} s", MOST_TIME.as_secs()),
            measured: format!("{time:.2} s"),
            met: time < MOST_TIME.as_secs_f64(),
        },
        Aim {
            what: format!("{what}: in under {MOST_MEMORY:.0} MiB"),
            measured: format!("{:.0} MiB", largest.peak / MIB),
            met: largest.peak / MIB < MOST_MEMORY,
        },
    ]
}

fn watch(binary: &Path, fleet: Fleet, evaluations: usize) -> Result<Took> {
    let store = Store::start(fleet, INTERVAL)?;
    let config = format!(
        "fleet: {{prometheus: {{url: 'http://{}'}}, interval: {}s, delay: 30s, window: 5m, lookback: 5m}}\n",
        store.address(),
        INTERVAL.as_secs()
    );
    let mut command = Command::new(binary);
    command.arg("fleet");
    let began = Instant::now();
    let mut agent = Agent::launch_by(command, &Namespace::current(), &config)?;
    wait_until(PATIENCE, "the first verdict", || {
        agent
            .metric("evenkeel_fleet_agents")
            .is_ok_and(|agents| agents > 0.0)
    })?;
    let start = began.elapsed().as_secs_f64();
    let pid = agent.process().pid();
    let start_peak = memory(pid)?.peak;
    forget_peak(pid)?;
    let (cpu, read) = (cpu_time(pid)?, store.sent());
    let mut times = Vec::new();
    let mut last = evaluated(&agent)?;
    while times.len() < evaluations {
        // To ask takes its processor as well.
        std::thread::sleep(INTERVAL.mul_f64(0.8));
        wait_until(PATIENCE, "an evaluation", || {
            evaluated(&agent).is_ok_and(|now| now > last)
        })?;
        last = evaluated(&agent)?;
        times.push(agent.metric("evenkeel_fleet_evaluation_duration_seconds")?);
    }
    let rows = agent.metric("evenkeel_fleet_exported_backends")?;
    ensure!(
        (rows - (fleet.nodes * fleet.pods) as f64).abs() < 0.5,
        "{rows} backends are known"
    );
    let memory = memory(pid)?;
    Ok(Took {
        fleet,
        evaluation: Sample::new(times).context("no evaluation")?,
        cpu: (cpu_time(pid)? - cpu) / evaluations as f64,
        start,
        resident: memory.now as f64,
        peak: memory.peak.max(start_peak) as f64,
        read: (store.sent() - read) as f64 / evaluations as f64,
    })
}

/// The instant that was evaluated last.
fn evaluated(agent: &Agent) -> Result<f64> {
    agent.metric("evenkeel_fleet_last_evaluated_timestamp_seconds")
}
