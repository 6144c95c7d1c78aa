//! `evenkeel gate`: run a command, and say whether the traffic that it makes is spread as it should be.

mod args;
mod child;
mod pools;
mod progress;
mod run;
mod signals;

use std::io::{self, Write};
use std::path::Path;

use anyhow::Context as _;
use evenkeel_balancers::ReadError;
use tokio::signal::unix::{SignalKind, signal};

pub(super) use self::args::GateArgs;
use self::args::Output;
use self::child::Running;
use self::progress::Progress;
use self::run::Run;
use self::signals::Signals;
use super::exit;
use super::terminal::Terminal;
use crate::config::ConfigError;
use crate::gate::hermetic::{HermeticError, Setup};
use crate::gate::live::Live;
use crate::gate::report::{Format, Report, Traffic};
use crate::gate::{self, Outcome, Plan, judged};
use crate::model::Endpoint;

/// What the user can put right by another command line or another file.
#[derive(Debug, thiserror::Error)]
enum UsageError {
    #[error("{0}")]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Read(#[from] ReadError),
    #[error(
        "nothing to judge: no pool of two backends or more whose shares are known. `evenkeel audit --pools FILE` shows what is there"
    )]
    NoPool,
    #[error(
        "there is no pool `{0}` to be judged; `evenkeel audit --pools FILE` shows what is there"
    )]
    Unknown(String),
    #[error("{0}")]
    Hermetic(#[from] HermeticError),
    #[error("cannot start `{0}`: {1}")]
    Command(String, io::Error),
}

/// Runs the gate and gives the exit code.
pub(super) fn run(
    args: &GateArgs,
    terminal: Terminal,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    if let Err(refusal) = args.check() {
        writeln!(err, "evenkeel: {refusal}")?;
        return Ok(exit::USAGE);
    }
    let outcome = match &args.hermetic {
        Some(file) => hermetic(args, file, err).map(|report| (report, false)),
        None => live(args, err),
    };
    let (report, interrupted) = match outcome {
        Ok(done) => done,
        Err(error) => match error.downcast::<UsageError>() {
            Ok(usage) => {
                writeln!(err, "evenkeel: {usage}")?;
                return Ok(exit::USAGE);
            }
            Err(error) => return Err(error),
        },
    };
    for file in &args.reports {
        write_file(&report, &file.path, file.format)?;
    }
    let written = report.write(args.output.format(terminal.colour), out);
    match written {
        // Whoever stopped reading (`| head`) has not changed what was found.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written?,
    }
    Ok(code(&report, interrupted))
}

/// A command that failed has tested nothing; then skew; then what cannot be told.
fn code(report: &Report, interrupted: bool) -> u8 {
    if interrupted || report.end().is_some_and(|end| !end.is_success()) {
        return exit::COMMAND;
    }
    match report.outcome() {
        Outcome::Pass => exit::FINE,
        Outcome::Skewed => exit::FINDINGS,
        Outcome::Inconclusive => exit::INCONCLUSIVE,
    }
}

fn write_file(report: &Report, path: &Path, format: Format) -> anyhow::Result<()> {
    let mut text = Vec::new();
    report.write(format, &mut text)?;
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Starts a balancer of its own; ends with all that it has started when it is interrupted.
fn hermetic(args: &GateArgs, file: &Path, err: &mut dyn Write) -> anyhow::Result<Report> {
    let setup = Setup {
        configuration: file.to_owned(),
        product: args.product,
        pools: args.pools.clone(),
        requests: args.connections,
        program: args.program.clone(),
        expect: args.expect(),
        limits: args.limits(None),
    };
    let tell = |text: &str| {
        if !args.quiet {
            // Nobody reads it, then.
            drop(writeln!(err, "evenkeel: {text}"));
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the async runtime")?;
    let outcome = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).context("cannot listen for signals")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for signals")?;
        tokio::select! {
            outcome = gate::hermetic::run(&setup, tell) => Ok(outcome),
            _ = terminate.recv() => Err(anyhow::anyhow!("interrupted by SIGTERM")),
            _ = interrupt.recv() => Err(anyhow::anyhow!("interrupted by SIGINT")),
        }
    })?;
    outcome.map_err(|error| {
        if error.is_usage() {
            UsageError::from(error).into()
        } else {
            error.into()
        }
    })
}

/// Counts while the command runs; gives the report, and whether it was interrupted.
fn live(args: &GateArgs, err: &mut dyn Write) -> anyhow::Result<(Report, bool)> {
    let named = pools::named(args, err)?;
    // Before anything is started, so that a signal ends nothing half way.
    let signals = Signals::listen()?;
    let own = crate::kernel::netns_cookie()
        .context("the kernel does not tell the cookie of the network namespace")?;
    let endpoints = named
        .as_ref()
        .map(|plans| plans.iter().flat_map(|plan| plan.endpoints(own)));
    let mut live = Live::attach(endpoints.map(Iterator::collect::<Vec<Endpoint>>), args.cgroup.clone())
        .context("cannot count connections (`evenkeel doctor` says what is missing; --hermetic needs no privileges)")?;
    let shown = shown(args);
    let command = Running::start(&args.command, args.output != Output::Text)
        .map_err(|error| UsageError::Command(shown.clone(), error))?;
    let plans = named.as_deref().unwrap_or_default();
    let progress = Progress::new(plans, &live, args.quiet);
    let run = run::run(&mut live, command, &signals, args.settle, progress, err)?;
    let plans = named.unwrap_or_else(|| pools::learned(args, &live));
    let interrupted = run.interrupted.is_some();
    Ok((report(args, &plans, &live, &run, shown), interrupted))
}

fn report(args: &GateArgs, plans: &[Plan], live: &Live, run: &Run, command: String) -> Report {
    let pool = |plan: &Plan| {
        judged(
            plan,
            live.series(),
            live.netns(),
            args.signal(),
            &args.limits(plan.tolerance),
        )
    };
    Report {
        started: run.started,
        took: run.took,
        traffic: Traffic::Command {
            line: command,
            end: run.end,
        },
        limits: args.limits(None),
        pools: plans.iter().map(pool).collect(),
        notes: notes(plans, live, run),
    }
}

/// What concerns the run as a whole.
fn notes(plans: &[Plan], live: &Live, run: &Run) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(signal) = run.interrupted {
        notes.push(format!(
            "interrupted by signal {}: this is what was counted until then",
            signal.as_raw()
        ));
    }
    if plans.is_empty() {
        notes.push(
            "no two backends of one port got connections from this host: name the pools by --config or the balancer's configuration"
                .to_owned(),
        );
    }
    if run.unsettled {
        notes.push(
            "connections still opened or closed when waiting ended: give them time by --settle"
                .to_owned(),
        );
    }
    if live.lost() > 0 {
        notes.push(format!(
            "{} connections could not be counted: there are more endpoints than room for them",
            live.lost()
        ));
    }
    notes
}

/// The command in one line.
fn shown(args: &GateArgs) -> String {
    let words: Vec<_> = args
        .command
        .iter()
        .map(|word| word.to_string_lossy())
        .collect();
    words.join(" ")
}
