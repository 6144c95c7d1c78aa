//! `evenkeel audit`: what in a load balancer's configuration skews traffic, and what share each server should get.

mod args;
mod diff;
mod entry;
mod excerpt;
mod json;
mod junit;
mod pools;
mod report;
mod rules;
mod sarif;
mod table;
mod text;
mod uri;

use std::io::{self, Write};

use evenkeel_balancers::{ReadError, Severity};

pub(super) use self::args::{AuditArgs, product};
use self::args::{Format, Task};
use self::report::Report;
use super::exit;
use super::terminal::Terminal;
use crate::audit::Inputs;
use crate::running::{self, Kind};

/// Does what the command line asks, and gives the exit code: 3 if something was found that counts, 2 if a configuration
/// could not be read.
pub(super) fn run(
    args: &AuditArgs,
    terminal: Terminal,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    if let Err(refusal) = args.check() {
        writeln!(err, "evenkeel: {refusal}")?;
        return Ok(exit::USAGE);
    }
    match args.task() {
        Task::Explain(id) => rules::explain(id, args.output, out, err),
        Task::List => rules::list(args.output, out),
        Task::Diff(old, new) => diff::run([old, new], args, terminal, out, err),
        Task::Look => look(args, terminal, out, err),
    }
}

fn look(
    args: &AuditArgs,
    terminal: Terminal,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    let today = args.day()?;
    let report = if args.running {
        Report::of_running(running::find()?, today)
    } else if args.together {
        Report::of_inputs(Inputs::read_together(&args.paths), today)
    } else {
        let inputs = Inputs::read(&args.paths, args.product, &mut io::stdin().lock());
        Report::of_inputs(inputs, today)
    };
    // The other formats have what could not be read in them.
    if matches!(args.output, Format::Text | Format::Junit) {
        tell(&report.failed, terminal, err)?;
    }
    if report.is_empty() {
        writeln!(
            err,
            "evenkeel: no {} runs here, as far as this process can see: run it on the host",
            Kind::titles()
        )?;
    }
    let least = args.severity.severity();
    match args.output {
        Format::Json if args.pools => pools::json(&report, out)?,
        Format::Json => json::write(&report, out)?,
        Format::Sarif => sarif::write(&report, out)?,
        Format::Junit => junit::write(&report, least, out)?,
        _ if report.is_empty() => {}
        _ if args.pools => pools::text(&report, terminal, out)?,
        _ => text::write(&report, terminal, out)?,
    }
    Ok(code(&report, (!args.pools).then_some(least)))
}

/// The exit code, if findings count from a severity on.
fn code(report: &Report, least: Option<Severity>) -> u8 {
    let worst = report.items.iter().filter_map(|item| item.audit.worst());
    let counts = worst
        .max()
        .zip(least)
        .is_some_and(|(worst, least)| worst >= least);
    if !report.failed.is_empty() {
        exit::USAGE
    } else if report.items.is_empty() {
        // Nothing runs, or nothing whose configuration is understood.
        exit::FAILED
    } else if counts {
        exit::FINDINGS
    } else {
        exit::FINE
    }
}

/// Says which configurations could not be read, and where they break.
fn tell<'e>(
    failed: impl IntoIterator<Item = &'e ReadError>,
    terminal: Terminal,
    err: &mut dyn Write,
) -> io::Result<()> {
    let plain = Terminal {
        colour: false,
        ..terminal
    };
    failed
        .into_iter()
        .try_for_each(|error| text::error(error, plain, err))
}
