//! A pool over time, in two lines of characters.

use std::time::SystemTime;

use crate::backtest::{Column, PoolOutcome};
use crate::commands::terminal::Terminal;
use crate::model::{Verdict, rfc3339};

/// max/mean from 1 up, an eighth each; the last one is for twice and more.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What is in front of the lines.
const MARGIN: usize = 11;

/// What the characters mean.
pub(super) const LEGEND: &str = "verdict: = even, ~ suspect, # skewed, . unknown, blank: no tick; \
     max/mean: \u{2581} 1 (even) to \u{2588} 2 or more";

fn character(verdict: Option<Verdict>) -> char {
    match verdict {
        None => ' ',
        Some(Verdict::Even) => '=',
        Some(Verdict::Suspect) => '~',
        Some(Verdict::Skewed) => '#',
        Some(Verdict::Unknown) => '.',
    }
}

/// The escape sequence of a verdict's colour.
pub(super) fn colour(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Even => "\x1b[32m",
        Verdict::Suspect => "\x1b[33m",
        Verdict::Skewed => "\x1b[31m",
        Verdict::Unknown => "\x1b[2m",
    }
}

fn block(column: &Column) -> char {
    let Some(ratio) = column.max_to_mean else {
        return ' ';
    };
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates"
    )]
    let height = ((ratio - 1.0) * 8.0) as usize;
    BLOCKS[height.min(BLOCKS.len() - 1)]
}

/// The lines of a pool between two moments.
pub(super) fn draw(
    pool: &PoolOutcome,
    (from, to): (SystemTime, SystemTime),
    terminal: Terminal,
) -> String {
    let width = terminal.width - MARGIN;
    let columns = pool.timeline.columns(from, to, width);
    let line = |name: &str, shape: fn(&Column) -> char| {
        let painted = paint(&columns, shape, terminal.colour);
        format!("  {name:<9}{painted}\n")
    };
    let text = line("max/mean", block) + &line("verdict", |column| character(column.verdict));
    let (left, right) = edges(from, to);
    let space = width.saturating_sub(left.len());
    text + &format!("{:MARGIN$}{left}{right:>space$}\n", "")
}

/// A character for each column; colours change only where the verdict does.
fn paint(columns: &[Column], shape: fn(&Column) -> char, colours: bool) -> String {
    let mut text = String::new();
    let drawn: Vec<(char, Option<Verdict>)> = columns
        .iter()
        .map(|column| (shape(column), column.verdict))
        .collect();
    let end = drawn
        .iter()
        .rposition(|(character, _)| *character != ' ')
        .map_or(0, |last| last + 1);
    let mut now = None;
    for (character, verdict) in &drawn[..end] {
        if colours && *verdict != now {
            text.push_str(verdict.map_or("\x1b[0m", colour));
            now = *verdict;
        }
        text.push(*character);
    }
    if now.is_some() {
        text.push_str("\x1b[0m");
    }
    text
}

/// What stands below the ends: the times, with dates if there is more than one.
fn edges(from: SystemTime, to: SystemTime) -> (String, String) {
    let (from, to) = (rfc3339(from).to_string(), rfc3339(to).to_string());
    let day = |text: &str| text.get(..10).unwrap_or_default().to_owned();
    let time = |text: &str| text.get(11..19).unwrap_or_default().to_owned();
    if day(&from) == day(&to) {
        return (time(&from), time(&to));
    }
    let short = |text: &str| format!("{} {}", &day(text)[5..], &time(text)[..5]);
    (short(&from), short(&to))
}
