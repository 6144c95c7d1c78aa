//! From results to text: tables, aims, and the place in the document that they replace.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result};

use crate::shell::root;

const DOCUMENT: &str = "docs/benchmarks.md";

/// How thorough a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// Figures for the document.
    Full,
    /// Whether everything works.
    Quick,
}

/// A promise and what came of it.
pub(super) struct Aim {
    /// The promise.
    pub(super) what: String,
    /// What was measured.
    pub(super) measured: String,
    /// Whether that keeps the promise.
    pub(super) met: bool,
}

/// The table of aims.
pub(super) fn aims(aims: &[Aim]) -> String {
    let mut text = "\n| aim | measured | |\n|---|---|---|\n".to_owned();
    for Aim {
        what,
        measured,
        met,
    } in aims
    {
        let verdict = if *met { "met" } else { "**missed**" };
        // A `String` takes whatever is written to it.
        let _ = writeln!(text, "| {what} | {measured} | {verdict} |");
    }
    text
}

/// A number with commas between thousands.
pub(super) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Replaces what is between the markers of a section of the document.
pub(super) fn publish(section: &str, text: &str) -> Result<()> {
    let file = root().join(DOCUMENT);
    let old = fs::read_to_string(&file).with_context(|| format!("cannot read {DOCUMENT}"))?;
    let new = replaced(&old, section, text)
        .with_context(|| format!("{DOCUMENT} lacks the markers of section {section}"))?;
    fs::write(&file, new).with_context(|| format!("cannot write {DOCUMENT}"))
}

fn replaced(document: &str, section: &str, text: &str) -> Option<String> {
    let (begin, end) = (
        format!("<!-- begin: {section} -->"),
        format!("<!-- end: {section} -->"),
    );
    let (before, rest) = document.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!(
        "{before}{begin}\n\n{}\n\n{end}{after}",
        text.trim()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_replaced_and_the_rest_stays() {
        let document =
            "a\n<!-- begin: x -->\nold\n<!-- end: x -->\nb <!-- begin: y --><!-- end: y -->\n";
        let new = replaced(document, "x", "new\n").unwrap();
        assert_eq!(
            new,
            "a\n<!-- begin: x -->\n\nnew\n\n<!-- end: x -->\nb <!-- begin: y --><!-- end: y -->\n"
        );
        assert_eq!(replaced(&new, "x", "new").as_deref(), Some(new.as_str()));
        assert_eq!(replaced(document, "z", "new"), None);
    }

    #[test]
    fn thousands_have_commas() {
        let texts = [0, 999, 1_000, 50_000, 1_234_567].map(thousands);
        assert_eq!(texts, ["0", "999", "1,000", "50,000", "1,234,567"]);
    }
}
