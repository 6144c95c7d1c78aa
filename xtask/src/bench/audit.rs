//! `cargo xtask bench audit`: how long reading and auditing a large configuration takes, for each product.

mod written;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{Date, Options, read};
use rustix::time::{ClockId, clock_gettime};

use self::written::{CONFIGURATIONS, POOLS, SERVERS, Written};
use super::agents;
use super::optimized::Section;
use super::report::{self, Aim, Scale, thousands};
use super::stats::Sample;

/// What is promised of reading and auditing.
const MOST: Duration = Duration::from_millis(200);

pub(super) const SECTIONS: [Section; 1] = [("audit", measure)];

/// What one configuration took, in milliseconds.
struct Took {
    read: Sample,
    audit: Sample,
    command: Sample,
    /// Pools whose shares were computed.
    computed: usize,
    findings: usize,
}

fn measure(scale: Scale) -> Result<String> {
    let rounds = if scale == Scale::Quick { 3 } else { 30 };
    let binary = agents::build()?;
    let mut text = format!(
        "Medians of {rounds} rounds; in brackets the longest.\n\n\
         | configuration | file | read | audit | command | pools with known shares | findings |\n\
         |---|--:|--:|--:|--:|--:|--:|\n"
    );
    let mut aims = Vec::new();
    for Written {
        title,
        name,
        text: write,
        product,
    } in CONFIGURATIONS
    {
        let written = write();
        let took =
            time(*product, name, &written, &binary, rounds).with_context(|| (*title).to_owned())?;
        let together = took.read.median() + took.audit.median();
        writeln!(
            text,
            "| {title} | {:.1} MB | {} | {} | {} | {} | {} |",
            written.len() as f64 / 1e6,
            milliseconds(&took.read),
            milliseconds(&took.audit),
            milliseconds(&took.command),
            thousands(took.computed),
            thousands(took.findings),
        )?;
        aims.push(Aim {
            what: format!("{title}: read and audited in under {} ms", MOST.as_millis()),
            measured: format!("{together:.0} ms"),
            met: together < MOST.as_secs_f64() * 1e3,
        });
    }
    Ok(text + &report::aims(&aims))
}

fn time(
    product: evenkeel_balancers::Product,
    name: &str,
    text: &str,
    binary: &Path,
    rounds: usize,
) -> Result<Took> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join(name);
    fs::write(&path, text)?;
    let files = MemoryFiles::new().with(name, text);
    let today: Date = "2026-11-22".parse()?;
    let (mut reads, mut audits, mut commands) = (Vec::new(), Vec::new(), Vec::new());
    let (mut computed, mut findings) = (0, 0);
    for _ in 0..rounds {
        let began = processor_time();
        let configuration = read(product, &files, Path::new(name), &Options::default())?;
        let between = processor_time();
        let audit = configuration.audit(today);
        audits.push(processor_time() - between);
        reads.push(between - began);
        commands.push(command(binary, &path)?);

        let servers: usize = configuration
            .pools
            .iter()
            .map(|pool| pool.servers.len())
            .sum();
        ensure!(
            (configuration.pools.len(), servers) == (POOLS, POOLS * SERVERS),
            "{} pools with {servers} servers were read",
            configuration.pools.len()
        );
        let known = configuration
            .pools
            .iter()
            .filter(|pool| pool.shares.exact().is_some());
        (computed, findings) = (known.count(), audit.findings.len());
    }
    let sample = |values| Sample::new(values).context("no round");
    Ok(Took {
        read: sample(reads)?,
        audit: sample(audits)?,
        command: sample(commands)?,
        computed,
        findings,
    })
}

/// What this thread has had of a processor, in milliseconds: others that want it too make no difference.
fn processor_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

/// How long the command takes, which finds something.
fn command(binary: &Path, path: &Path) -> Result<f64> {
    let began = Instant::now();
    let mut command = Command::new(binary);
    command.arg("audit").arg(path);
    let output = command.stdin(Stdio::null()).output()?;
    let took = began.elapsed().as_secs_f64() * 1e3;
    ensure!(
        output.status.code() == Some(3),
        "{}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(took)
}

fn milliseconds(sample: &Sample) -> String {
    format!("{:.1} ms ({:.1})", sample.median(), sample.max())
}
