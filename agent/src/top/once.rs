//! The list of pools as a table, once: for scripts, and for whoever only wants a look.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::time::timeout;

use super::feed::told::{Mark, Row};
use super::feed::{Follower, News, Source};
use super::order::{Sort, ordered};
use super::plain::{harmless, width};
use super::world::World;
use crate::model::Verdict;

/// Stands for what is not known.
const NOTHING: &str = "-";

/// Names of the columns. Names of pools may hold spaces, and are the last.
const TITLES: [&str; 14] = [
    "VERDICT",
    "SIGNAL",
    "MAX/MEAN",
    "GINI",
    "BY_CHANCE",
    "OPENED/S",
    "ACTIVE",
    "BACKENDS",
    "MARK",
    "WORST",
    "SHARE",
    "EXPECTED",
    "FROM",
    "POOL",
];

/// Columns whose cells end at the same place.
const NUMBERS: std::ops::Range<usize> = 2..8;

/// Waits until all pools were told of, and writes them.
pub(crate) async fn table(
    source: Arc<Source>,
    (sort, filter): (Sort, &str),
    colour: bool,
    patience: Duration,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let world = timeout(patience, told(source))
        .await
        .with_context(|| format!("not all pools were told within {patience:?}"))??;
    let rows = ordered(&world, sort, filter);
    Ok(write(&rows, colour, out)?)
}

async fn told(source: Arc<Source>) -> anyhow::Result<World> {
    let mut world = World::new();
    let mut follower = Follower::start(source, None);
    while !world.complete {
        match follower.next().await {
            Some(News::Lost(why)) => bail!(why),
            Some(news) => drop(world.take(news, Instant::now())),
            None => bail!("the stream ended"),
        }
    }
    Ok(world)
}

/// Writes a line for each pool, each column as wide as its widest cell.
fn write(rows: &[&Row], colour: bool, out: &mut dyn Write) -> io::Result<()> {
    let cells: Vec<[String; TITLES.len()]> = rows.iter().map(|row| cells(row)).collect();
    let widths: [usize; TITLES.len()] = std::array::from_fn(|column| {
        let widths = cells.iter().map(|row| width(&row[column]));
        widths.chain([TITLES[column].len()]).max().unwrap_or(0)
    });
    line(out, &TITLES.map(str::to_owned), &widths, None)?;
    for (row, cells) in rows.iter().zip(&cells) {
        line(out, cells, &widths, colour.then_some(row.verdict))?;
    }
    out.flush()
}

fn line(
    out: &mut dyn Write,
    cells: &[String; TITLES.len()],
    widths: &[usize; TITLES.len()],
    paint: Option<Verdict>,
) -> io::Result<()> {
    let mut text = String::new();
    for (column, (cell, wide)) in cells.iter().zip(widths).enumerate() {
        let blank = " ".repeat(wide - width(cell));
        if NUMBERS.contains(&column) {
            text += &blank;
        }
        match paint.filter(|_| column == 0).and_then(sgr) {
            Some(code) => text.extend(["\x1b[", code, "m", cell.as_str(), "\x1b[0m"]),
            None => text += cell,
        }
        if column + 1 < cells.len() {
            if !NUMBERS.contains(&column) {
                text += &blank;
            }
            text += "  ";
        }
    }
    writeln!(out, "{text}")
}

/// The colour of a verdict, as terminals are told it.
fn sgr(verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Skewed => Some("1;91"),
        Verdict::Suspect => Some("33"),
        Verdict::Even => Some("32"),
        Verdict::Unknown => None,
    }
}

fn cells(row: &Row) -> [String; TITLES.len()] {
    let figure = |value: Option<f64>, digits: usize| {
        value.map_or_else(|| NOTHING.to_owned(), |value| format!("{value:.digits$}"))
    };
    let worst = row.worst.as_ref();
    let mark = worst.map_or(NOTHING, |worst| match worst.mark {
        Mark::Hot => "hot",
        Mark::Cold => "cold",
        Mark::Failing => "failing",
        Mark::None => NOTHING,
    });
    let address = worst.map_or(NOTHING, |worst| &worst.address);
    [
        row.verdict.to_string(),
        row.signal.as_str().to_owned(),
        figure(row.max_to_mean, 2),
        figure(row.gini, 3),
        figure(row.gini_by_chance, 3),
        figure(Some(row.rate), 2),
        row.active.to_string(),
        row.backends.to_string(),
        mark.to_owned(),
        harmless(address).into_owned(),
        figure(worst.map(|worst| worst.share), 3),
        figure(worst.map(|worst| worst.expected), 3),
        harmless(&format!("{}/{}", row.role, row.source)).into_owned(),
        harmless(&row.name).into_owned(),
    ]
}
