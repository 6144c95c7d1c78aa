//! `evenkeel backtest`: what would have alarmed, with which settings.

mod args;
mod incidents;
mod json;
mod recordings;
mod scraped;
mod sketch;
mod text;
mod when;

use std::io::Write;
use std::path::Path;

pub(super) use self::args::BacktestArgs;
use self::recordings::Torn;
use super::terminal::Terminal;
use super::{Output, exit};
use crate::backtest::{Basis, PlanError, Replay, Report};
use crate::config::{Config, ConfigError};
use crate::recording::RecordingError;

/// What the user can put right by another command line or another file.
#[derive(Debug, thiserror::Error)]
enum UsageError {
    #[error("{0}")]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Recording(#[from] RecordingError),
    #[error("{0}")]
    Plan(#[from] PlanError),
    #[error("{0}")]
    Other(String),
}

/// Replays and reports; gives the exit code. Whether there were incidents does not matter to it.
pub(super) fn run(
    args: &BacktestArgs,
    terminal: Terminal,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    let (report, torn) = match replayed(args) {
        Ok(replayed) => replayed,
        Err(error) => match error.downcast::<UsageError>() {
            Ok(usage) => {
                writeln!(err, "evenkeel: {usage}")?;
                return Ok(exit::USAGE);
            }
            Err(error) => return Err(error),
        },
    };
    for Torn { file, bytes } in &torn {
        writeln!(
            err,
            "evenkeel: {}: the last {bytes} bytes are of a block that was not finished, and were left out",
            file.display()
        )?;
    }
    match args.output {
        Output::Json => json::write(&report, out)?,
        Output::Text => text::write(&report, args.all, terminal, out)?,
    }
    Ok(exit::FINE)
}

/// Replays what the command line names.
fn replayed(args: &BacktestArgs) -> anyhow::Result<(Report, Vec<Torn>)> {
    let basis = args.config.as_deref().map(basis).transpose()?;
    let mut replay = Replay::new(basis.unwrap_or_default(), args.settings()?);
    let torn = match &args.prometheus {
        Some(url) => {
            scraped::replay(url, args, &mut replay)?;
            Vec::new()
        }
        None => recordings::replay(&args.files, &mut replay)?,
    };
    let report = replay.finish();
    if report.span.bounds.is_none() {
        let nothing = match &args.prometheus {
            Some(url) => anyhow::anyhow!(
                "{url} has no series of evenkeel in that time: look at --start and --end, at --selector, and whether it scrapes \
                 the agent"
            ),
            None => UsageError::Other(
                "nothing is recorded in these files yet: an agent writes after 10 s at the latest"
                    .to_owned(),
            )
            .into(),
        };
        return Err(nothing);
    }
    Ok((report, torn))
}

fn basis(file: &Path) -> Result<Basis, UsageError> {
    Ok(Basis::of(&Config::load(file)?))
}
