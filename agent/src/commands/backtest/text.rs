//! The report for people.

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use super::incidents::{TOGETHER, describe, moment, wrap};
use super::sketch;
use crate::backtest::{Outcome, PoolOutcome, Report, Span, length};
use crate::commands::terminal::Terminal;
use crate::config::shown;
use crate::model::{Detection, Verdict, words};

/// Pools that are drawn unless all are asked for.
const MOST_POOLS: usize = 5;
/// Incidents of a setting that are described unless all are asked for.
const MOST_INCIDENTS: usize = 10;

/// Writes a report of at least one tick.
pub(super) fn write(
    report: &Report,
    all: bool,
    terminal: Terminal,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Some((from, last)) = report.span.bounds else {
        return Ok(());
    };
    let page = Page {
        report,
        bounds: (from, last + report.span.interval),
        all,
        terminal,
    };
    match report.outcomes.as_slice() {
        [outcome] => page.one(outcome, out),
        outcomes => page.several(outcomes, out),
    }
}

struct Page<'a> {
    report: &'a Report,
    /// From the first tick to the end of the last.
    bounds: (SystemTime, SystemTime),
    all: bool,
    terminal: Terminal,
}

impl Page<'_> {
    /// What one setting found, in words and pictures.
    fn one(&self, outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
        let found = outcome.incidents().count();
        let summary = format!(
            "{} of {}: {} with {}",
            time(self.report.span.covered),
            counted(outcome.pools.len(), "pool"),
            counted(found, "incident"),
            setting(outcome)
        );
        self.paragraph(&summary, out)?;
        self.paragraph(&origin(&self.report.span), out)?;
        self.incidents(outcome, out)?;
        let most = if self.all { usize::MAX } else { MOST_POOLS };
        for pool in outcome.pools.iter().take(most) {
            writeln!(out)?;
            self.paragraph(&heading(pool, self.several_agents()), out)?;
            write!(out, "{}", sketch::draw(pool, self.bounds, self.terminal))?;
        }
        writeln!(out)?;
        self.rest(outcome.pools.len(), most, "pool", out)?;
        self.paragraph(sketch::LEGEND, out)
    }

    /// A table of settings, and what each found.
    fn several(&self, outcomes: &[Outcome], out: &mut dyn Write) -> io::Result<()> {
        let pools = outcomes.first().map_or(0, |outcome| outcome.pools.len());
        let summary = format!(
            "{} of {}, with {} settings",
            time(self.report.span.covered),
            counted(pools, "pool"),
            outcomes.len()
        );
        self.paragraph(&summary, out)?;
        self.paragraph(&origin(&self.report.span), out)?;
        writeln!(out)?;
        let heads = [
            "tolerance",
            "promise",
            "for",
            "incidents",
            "pools",
            "skewed",
            "longest",
            "first seen",
        ];
        let rows: Vec<[String; 8]> = outcomes.iter().map(|outcome| self.row(outcome)).collect();
        let widths: Vec<usize> = (0..heads.len())
            .map(|column| {
                let cells = rows.iter().map(|row| row[column].len());
                cells.max().unwrap_or(0).max(heads[column].len())
            })
            .collect();
        write_row(&heads.map(str::to_owned), &widths, out)?;
        for row in &rows {
            write_row(row, &widths, out)?;
        }
        self.paragraph(
            "promise: mean time between false alarms; skewed: time, over all pools",
            out,
        )?;
        for outcome in outcomes {
            if outcome.incidents().next().is_some() {
                writeln!(out)?;
                self.paragraph(&format!("With {}:", setting(outcome)), out)?;
                self.incidents(outcome, out)?;
            }
        }
        Ok(())
    }

    fn row(&self, outcome: &Outcome) -> [String; 8] {
        let incidents = || outcome.incidents().map(|(_, incident)| incident);
        let struck = outcome
            .pools
            .iter()
            .filter(|pool| !pool.incidents.is_empty());
        let skewed: Duration = outcome.pools.iter().map(|pool| pool.verdicts.skewed).sum();
        let longest = incidents()
            .map(|incident| length(incident, self.bounds.1))
            .max();
        let first = incidents().map(|incident| incident.detected).min();
        let Detection {
            false_alarm_every,
            hold,
            ..
        } = outcome.detection;
        let none = || "-".to_owned();
        [
            tolerances(outcome),
            shown(false_alarm_every),
            shown(hold),
            incidents().count().to_string(),
            struck.count().to_string(),
            if skewed.is_zero() {
                none()
            } else {
                words(skewed)
            },
            longest.map_or_else(none, words),
            first.map_or_else(none, moment),
        ]
    }

    fn incidents(&self, outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
        let mut found: Vec<_> = outcome.incidents().collect();
        found.sort_by_key(|(_, incident)| incident.started);
        let most = if self.all { usize::MAX } else { MOST_INCIDENTS };
        for (pool, incident) in found.iter().take(most) {
            let agent = self.several_agents().then_some(pool.agent.as_str());
            let text = describe(incident, agent, self.bounds.1, self.terminal.width);
            write!(out, "\n{text}")?;
        }
        self.rest(found.len(), most, "incident", out)
    }

    /// Says how much is not shown.
    fn rest(&self, there: usize, shown: usize, noun: &str, out: &mut dyn Write) -> io::Result<()> {
        let rest = there.saturating_sub(shown);
        if rest == 0 {
            return Ok(());
        }
        self.paragraph(
            &format!("{} more: --all shows them", counted(rest, noun)),
            out,
        )
    }

    fn several_agents(&self) -> bool {
        self.report.span.agents.len() > 1
    }

    fn paragraph(&self, text: &str, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "{}", wrap(text, self.terminal.width, 0, 2))
    }
}

fn write_row(cells: &[String; 8], widths: &[usize], out: &mut dyn Write) -> io::Result<()> {
    let cells = cells.iter().zip(widths);
    let line: Vec<String> = cells
        .map(|(cell, width)| format!("{cell:>width$}"))
        .collect();
    writeln!(out, "{}", line.join("  "))
}

/// How pools were judged.
fn setting(outcome: &Outcome) -> String {
    let detection = &outcome.detection;
    let mut parts = vec![
        format!("tolerance {}", tolerances(outcome)),
        format!(
            "false alarms at most once in {}",
            time(detection.false_alarm_every)
        ),
    ];
    if !detection.hold.is_zero() {
        parts.push(format!("for {}", shown(detection.hold)));
    }
    if detection.signals != Detection::default().signals {
        let signals = detection.signals.iter().map(|signal| signal.as_str());
        parts.push(format!("by {}", signals.collect::<Vec<_>>().join(" and ")));
    }
    parts.join(", ")
}

/// The tolerance, or the smallest and the largest if pools state their own.
fn tolerances(outcome: &Outcome) -> String {
    let each = || outcome.pools.iter().map(|pool| pool.tolerance);
    let (least, most) = (
        each().fold(f64::INFINITY, f64::min),
        each().fold(0.0, f64::max),
    );
    if least < most {
        return format!("{least} to {most}");
    }
    let one = outcome.pools.first().map(|pool| pool.tolerance);
    one.unwrap_or(outcome.detection.tolerance).to_string()
}

/// A time as a sentence says it.
fn time(time: Duration) -> String {
    const DAY: u64 = 24 * 60 * 60;
    match (time.as_secs() / DAY, time.as_secs() % DAY) {
        (days @ 1.., 0) => counted(usize::try_from(days).unwrap_or(usize::MAX), "day"),
        _ => words(time),
    }
}

/// What was replayed.
fn origin(span: &Span) -> String {
    let Some((from, to)) = span.bounds else {
        return String::new();
    };
    let agents = match span.agents.as_slice() {
        [one] => one.clone(),
        several => counted(several.len(), "agent"),
    };
    let missing = match span.missed {
        0 => String::new(),
        ticks => format!(
            "; {} missing",
            counted(usize::try_from(ticks).unwrap_or(usize::MAX), "tick")
        ),
    };
    format!(
        "{agents}, {} to {} UTC, a tick every {}: nothing shorter can be seen{missing}",
        moment(from),
        moment(to),
        shown(span.interval)
    )
}

/// A pool and how much of the time it was what.
fn heading(pool: &PoolOutcome, with_agent: bool) -> String {
    let total: Duration = Verdict::ALL
        .iter()
        .map(|one| *pool.verdicts.get(*one))
        .sum();
    let parts = Verdict::ALL.iter().filter_map(|verdict| {
        let time = *pool.verdicts.get(*verdict);
        let part = time.as_secs_f64() / total.as_secs_f64().max(f64::MIN_POSITIVE) * 100.0;
        let shown = match part {
            0.0 => return None,
            part if part < 0.1 => "< 0.1".to_owned(),
            part => format!("{part:.1}"),
        };
        Some(format!("{verdict} {shown}{TOGETHER}%"))
    });
    let agent = if with_agent {
        format!(" at {}", pool.agent)
    } else {
        String::new()
    };
    format!(
        "{}{agent} ({}): {}",
        pool.pool,
        counted(pool.backends, "backend"),
        parts.collect::<Vec<_>>().join(", ")
    )
}

/// "1 pool", "2 pools".
fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
