//! The report as one page that needs nothing else: no script, no font, no address.

use std::io::{self, Write};

use super::numbers::percent;
use super::sentences::{basis, capacity, check, pool as pool_line, traffic};
use super::text::counted;
use super::{PoolReport, Report, Row};
use crate::gate::judge::{Outcome, Side};
use crate::model::rfc3339;
use crate::xml::escaped as xml;

/// Light or dark, as the reader has it.
const STYLE: &str = include_str!("style.css");

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let outcome = report.outcome();
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>evenkeel gate: {outcome}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>Traffic distribution: {}</h1>\n<p>{}<br>{}, counted for {:.1} s</p>\n",
        badge(outcome),
        xml(&traffic(report)),
        rfc3339(report.started),
        report.took.as_secs_f64(),
        outcome = outcome.as_str(),
    )?;
    for note in &report.notes {
        writeln!(out, "<p class=\"note\">{}</p>", xml(note))?;
    }
    for pool in &report.pools {
        write_pool(pool, report, out)?;
    }
    writeln!(out, "</main>\n</body>\n</html>")
}

fn badge(outcome: Outcome) -> String {
    let word = outcome.as_str();
    format!("<span class=\"badge {word}\">{word}</span>")
}

fn write_pool(pool: &PoolReport, report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<section>\n<h2>{} {}</h2>\n<p>{}</p>",
        xml(&pool.name),
        badge(pool.outcome()),
        xml(&pool_line(pool, report))
    )?;
    write_table(pool, out)?;
    writeln!(out, "<ul>")?;
    for one in &pool.judgement.checks {
        let class = one.outcome.as_str();
        writeln!(out, "<li class=\"{class}\">{}</li>", xml(&check(one, pool)))?;
    }
    if let Some(capacity) = capacity(pool) {
        writeln!(out, "<li>Capacity: {}</li>", xml(&capacity))?;
    }
    writeln!(out, "<li>{}</li>", xml(&basis(pool, report)))?;
    for note in &pool.notes {
        writeln!(out, "<li class=\"note\">{}</li>", xml(note))?;
    }
    writeln!(out, "</ul>\n</section>")
}

fn write_table(pool: &PoolReport, out: &mut dyn Write) -> io::Result<()> {
    let titles = if pool.is_counted() {
        "<th class=\"n\">failed</th><th class=\"n\">handshake</th><th class=\"n\">bytes</th>"
    } else {
        ""
    };
    writeln!(
        out,
        "<div class=\"wide\"><table>\n<thead><tr><th>backend</th><th class=\"n\">share</th><th class=\"n\">expected</th>\
         <th class=\"bar\">share against expected</th><th class=\"n\">between</th>{titles}</tr></thead>\n<tbody>"
    )?;
    let shares = pool.rows.iter().filter_map(|row| pool.share(row));
    let longest = shares
        .chain(pool.rows.iter().map(|row| row.expected))
        .fold(f64::MIN_POSITIVE, f64::max);
    for (index, row) in pool.rows.iter().enumerate() {
        let share = pool.share(row).map_or("-".to_owned(), percent);
        let between = row.bounds.map_or("-".to_owned(), |(low, high)| {
            format!("{} to {}", percent(low), percent(high))
        });
        let columns = if pool.is_counted() {
            counted(row)
                .map(|column| format!("<td class=\"n\">{column}</td>"))
                .concat()
        } else {
            String::new()
        };
        writeln!(
            out,
            "<tr><td>{}{}</td><td class=\"n\">{share}</td><td class=\"n\">{}</td><td class=\"bar\">{}</td><td class=\"n\">{between}</td>\
             {columns}</tr>",
            xml(&row.name),
            side(pool.side(index)),
            percent(row.expected),
            bar(pool, row, longest),
        )?;
    }
    writeln!(out, "</tbody>\n</table></div>")
}

const fn side(side: Option<Side>) -> &'static str {
    match side {
        None => "",
        Some(Side::Hot) => " <b class=\"hot\">hot</b>",
        Some(Side::Cold) => " <b class=\"cold\">cold</b>",
    }
}

/// The share in a line, what is above the expected one in another colour, and a mark where it should end.
fn bar(pool: &PoolReport, row: &Row, longest: f64) -> String {
    let share = pool.share(row).unwrap_or(0.0) / longest * 100.0;
    let expected = row.expected / longest * 100.0;
    let within = share.min(expected);
    format!(
        "<svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"share\">\
         <rect class=\"room\" width=\"{expected:.2}\" height=\"10\"/><rect class=\"within\" width=\"{within:.2}\" height=\"10\"/>\
         <rect class=\"over\" x=\"{within:.2}\" width=\"{:.2}\" height=\"10\"/>\
         <rect class=\"line\" x=\"{:.2}\" width=\"0.6\" height=\"10\"/></svg>",
        share - within,
        (expected - 0.3).clamp(0.0, 99.4)
    )
}
