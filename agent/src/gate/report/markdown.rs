//! The report for a pull request or a job's summary.

use std::io::{self, Write};

use super::escape::markdown as text;
use super::numbers::percent;
use super::sentences::{basis, capacity, check, pool as pool_line, traffic};
use super::text::counted;
use super::{PoolReport, Report};
use crate::gate::judge::{Outcome, Side};

const fn sign(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "✅",
        Outcome::Inconclusive => "❔",
        Outcome::Skewed => "❌",
    }
}

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let outcome = report.outcome();
    writeln!(
        out,
        "## {} Traffic distribution: {}\n",
        sign(outcome),
        outcome.as_str()
    )?;
    for pool in &report.pools {
        write_pool(pool, report, out)?;
    }
    for note in &report.notes {
        writeln!(out, "> {}\n", text(note))?;
    }
    writeln!(out, "{}", text(&traffic(report)))
}

fn write_pool(pool: &PoolReport, report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let outcome = pool.outcome();
    writeln!(
        out,
        "### {} {}: {}\n\n{}\n",
        sign(outcome),
        text(&pool.name),
        outcome.as_str(),
        text(&pool_line(pool, report))
    )?;
    let (titles, lines) = if pool.is_counted() {
        (" failed | handshake | bytes |", "---:|---:|---:|")
    } else {
        ("", "")
    };
    writeln!(out, "| backend | share | expected | between |{titles} |")?;
    writeln!(out, "|---|---:|---:|---:|{lines}---|")?;
    for (index, row) in pool.rows.iter().enumerate() {
        let share = pool.share(row).map_or("-".to_owned(), percent);
        let between = row.bounds.map_or("-".to_owned(), |(low, high)| {
            format!("{} to {}", percent(low), percent(high))
        });
        let side = match pool.side(index) {
            None => "",
            Some(Side::Hot) => "**hot**",
            Some(Side::Cold) => "**cold**",
        };
        let columns = if pool.is_counted() {
            counted(row).map(|column| format!(" {column} |")).concat()
        } else {
            String::new()
        };
        writeln!(
            out,
            "| {} | {share} | {} | {between} |{columns} {side} |",
            text(&row.name),
            percent(row.expected)
        )?;
    }
    writeln!(out)?;
    for one in &pool.judgement.checks {
        writeln!(out, "- {} {}", sign(one.outcome), text(&check(one, pool)))?;
    }
    if let Some(capacity) = capacity(pool) {
        writeln!(out, "- Capacity: {}", text(&capacity))?;
    }
    writeln!(out, "- {}", text(&basis(pool, report)))?;
    for note in &pool.notes {
        writeln!(out, "- Note: {}", text(note))?;
    }
    writeln!(out)
}
