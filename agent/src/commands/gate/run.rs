//! Counting while the command runs, and until its connections have ended.

use std::io::Write;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use rustix::process::Signal;

use super::child::Running;
use super::progress::Progress;
use super::signals::Signals;
use crate::gate::live::Live;
use crate::gate::report::End;

/// How often the counters are read.
const TICK: Duration = Duration::from_millis(100);
/// Connections have settled when none opened, failed or closed for so long.
const QUIET: Duration = Duration::from_millis(500);

/// What came of a run.
pub(super) struct Run {
    pub(super) started: SystemTime,
    /// How long the command ran.
    pub(super) took: Duration,
    pub(super) end: End,
    /// The signal that ended it before its time.
    pub(super) interrupted: Option<Signal>,
    /// Whether connections still opened or closed when waiting ended.
    pub(super) unsettled: bool,
}

/// Counts until the command has ended, and its connections after it.
pub(super) fn run(
    live: &mut Live,
    mut command: Running,
    signals: &Signals,
    settle: Duration,
    mut progress: Progress<'_>,
    err: &mut dyn Write,
) -> anyhow::Result<Run> {
    let (started, began) = (SystemTime::now(), Instant::now());
    let mut interrupted = None;
    let end = loop {
        if let Some(signal) = pause(signals)? {
            command.pass_on(signal);
            interrupted = Some(signal);
        }
        live.tick().context(COUNTERS)?;
        if let Some(end) = command.ended().context("cannot wait for the command")? {
            break end;
        }
        progress.tick(began.elapsed(), live, err);
    };
    live.command_ended();
    let mut run = Run {
        started,
        took: began.elapsed(),
        end,
        interrupted,
        unsettled: false,
    };
    if run.interrupted.is_none() {
        wait(live, signals, settle, &mut run)?;
    }
    live.last_tick().context(COUNTERS)?;
    Ok(run)
}

const COUNTERS: &str = "cannot read the kernel's counters";

/// Waits until nothing moves any longer.
fn wait(live: &mut Live, signals: &Signals, settle: Duration, run: &mut Run) -> anyhow::Result<()> {
    let began = Instant::now();
    let (mut last, mut since) = (live.activity(), Instant::now());
    while since.elapsed() < QUIET {
        if began.elapsed() >= settle {
            run.unsettled = true;
            break;
        }
        run.interrupted = pause(signals)?;
        if run.interrupted.is_some() {
            break;
        }
        live.tick().context(COUNTERS)?;
        let now = live.activity();
        if now != last {
            (last, since) = (now, Instant::now());
        }
    }
    Ok(())
}

/// Waits for the next tick, or for a signal.
fn pause(signals: &Signals) -> anyhow::Result<Option<Signal>> {
    match signals.received.recv_timeout(TICK) {
        Ok(signal) => Ok(Some(signal)),
        Err(RecvTimeoutError::Timeout) => Ok(None),
        Err(RecvTimeoutError::Disconnected) => anyhow::bail!("signals are heard no longer"),
    }
}
