//! The report for people, on a terminal: a bar per backend, with a mark where its share should end.

use std::io::{self, Write};

use super::numbers::{bytes, percent, time};
use super::sentences::{basis, capacity, check, pool as pool_line, traffic};
use super::{PoolReport, Report, Row};
use crate::gate::judge::{Outcome, Side};

/// Characters of the longest bar.
const BAR: usize = 24;

pub(super) fn write(report: &Report, colour: bool, out: &mut dyn Write) -> io::Result<()> {
    for pool in &report.pools {
        write_pool(pool, report, colour, out)?;
        writeln!(out)?;
    }
    for note in &report.notes {
        writeln!(out, "note: {note}")?;
    }
    writeln!(out, "{}", traffic(report))?;
    let outcome = report.outcome();
    writeln!(out, "gate: {}", painted(outcome.as_str(), outcome, colour))
}

fn write_pool(
    pool: &PoolReport,
    report: &Report,
    colour: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let outcome = pool.outcome();
    let word = painted(outcome.as_str(), outcome, colour);
    writeln!(out, "{}: {word}: {}", pool.name, pool_line(pool, report))?;
    write_rows(pool, colour, out)?;
    for one in &pool.judgement.checks {
        let mark = painted(mark(one.outcome), one.outcome, colour);
        writeln!(out, "  {mark} {}", check(one, pool))?;
    }
    if let Some(capacity) = capacity(pool) {
        writeln!(out, "  capacity: {capacity}")?;
    }
    writeln!(out, "  {}", basis(pool, report))?;
    for note in &pool.notes {
        writeln!(out, "  note: {note}")?;
    }
    Ok(())
}

const fn mark(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "ok",
        Outcome::Inconclusive => "??",
        Outcome::Skewed => "!!",
    }
}

fn write_rows(pool: &PoolReport, colour: bool, out: &mut dyn Write) -> io::Result<()> {
    let names = pool.rows.iter().map(|row| row.name.chars().count());
    let width = names.max().unwrap_or(0).max("backend".len());
    let shares = pool.rows.iter().filter_map(|row| pool.share(row));
    let expected = pool.rows.iter().map(|row| row.expected);
    let longest = shares.chain(expected).fold(f64::MIN_POSITIVE, f64::max);
    let [failed, handshake, carried] = ["failed", "handshake", "bytes"].map(str::to_owned);
    writeln!(
        out,
        "  {:width$}  {:>7}  {:>8}  {:BAR$}  {:>17}{}",
        "backend",
        "share",
        "expected",
        "",
        "between",
        columns(pool, &[failed, handshake, carried])
    )?;
    for (index, row) in pool.rows.iter().enumerate() {
        let bar = bar(pool.share(row), row.expected, longest);
        let share = pool.share(row).map_or("-".to_owned(), percent);
        let between = row.bounds.map_or("-".to_owned(), |(low, high)| {
            format!("{:.1} to {:.1} %", low * 100.0, high * 100.0)
        });
        let line = format!(
            "  {:width$}  {share:>7}  {:>8}  {bar}  {between:>17}{}",
            row.name,
            percent(row.expected),
            columns(pool, &counted(row)),
        );
        match pool.side(index) {
            None => writeln!(out, "{}", line.trim_end())?,
            Some(side) => {
                let word = match side {
                    Side::Hot => "hot",
                    Side::Cold => "cold",
                };
                writeln!(out, "{line}  {}", painted(word, Outcome::Skewed, colour))?;
            }
        }
    }
    Ok(())
}

/// The columns of what the kernel counted, where it counted.
fn columns(pool: &PoolReport, [failed, handshake, carried]: &[String; 3]) -> String {
    if pool.is_counted() {
        format!("  {failed:>6}  {handshake:>9}  {carried:>8}")
    } else {
        String::new()
    }
}

/// What the kernel counted of a backend: failed attempts, mean handshake, bytes.
pub(super) fn counted(row: &Row) -> [String; 3] {
    let Some(counted) = row.counted else {
        return ["-".to_owned(), "-".to_owned(), "-".to_owned()];
    };
    let counters = counted.counters;
    [
        counters.failed.to_string(),
        counted.handshake().map_or("-".to_owned(), time),
        bytes(counters.received + counters.sent),
    ]
}

/// A share as a bar, with a mark where it should end.
fn bar(share: Option<f64>, expected: f64, longest: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 0 to the length of the longest bar"
    )]
    let place = |part: f64| (part / longest * BAR as f64).round() as usize;
    let (filled, mark) = (
        place(share.unwrap_or(0.0)),
        place(expected).clamp(1, BAR) - 1,
    );
    let character = |index: usize| match (index < filled, index == mark) {
        (true, true) => '▓',
        (true, false) => '█',
        (false, true) => '│',
        (false, false) => ' ',
    };
    (0..BAR).map(character).collect()
}

fn painted(text: &str, outcome: Outcome, colour: bool) -> String {
    if !colour {
        return text.to_owned();
    }
    let code = match outcome {
        Outcome::Pass => "32",
        Outcome::Inconclusive => "33",
        Outcome::Skewed => "31",
    };
    format!("\x1b[1;{code}m{text}\x1b[0m")
}
