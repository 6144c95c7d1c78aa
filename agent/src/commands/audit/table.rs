//! Columns of text, and words and numbers in them.

use std::fmt::Write as _;

use evenkeel_balancers::model::Share;
use serde::Serialize;

use super::text::printable;

/// Where a column's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// Rows with two spaces in front and between columns, each as wide as its widest cell.
pub(super) fn table<const N: usize>(columns: [(&str, Align); N], rows: &[[String; N]]) -> String {
    let head = columns.map(|(name, _)| name.to_owned());
    let rows: Vec<[String; N]> = std::iter::once(&head)
        .chain(rows)
        .map(|row| row.each_ref().map(|cell| printable(cell)))
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; N] = std::array::from_fn(|column| width(column).unwrap_or(0));
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for ((cell, width), (_, align)) in row.iter().zip(widths).zip(columns) {
            let written = match align {
                Align::Left => write!(line, "  {cell:<width$}"),
                Align::Right => write!(line, "  {cell:>width$}"),
            };
            debug_assert!(written.is_ok(), "a String takes anything");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A share as people read it: `10.0 %`, or between which bounds it is.
pub(super) fn share(share: Share) -> String {
    match share.exact() {
        Some(share) => format!("{:.1} %", share * 100.0),
        None => format!(
            "{:.1} to {:.1} %",
            share.low() * 100.0,
            share.high() * 100.0
        ),
    }
}

/// A word of the model, with spaces: `in rotation`.
pub(super) fn word(word: impl Serialize) -> String {
    match serde_json::to_value(word) {
        Ok(serde_json::Value::String(word)) => word.replace('_', " "),
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}
