//! The line that a problem is on, made fit for a terminal.

use super::place::Place;

/// A line, or the middle of a very long one, and which part of it is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    /// Without control characters.
    pub(super) line: String,
    /// How many characters of `line` come before the part that is meant.
    pub(super) indent: usize,
    /// How many characters are meant, at least 1.
    pub(super) carets: usize,
}

/// How many characters are shown before and from the place, at most.
const BEFORE: usize = 60;
const AFTER: usize = 80;

impl Excerpt {
    /// The line of `source` that `place` is on.
    pub(super) fn new(source: &str, place: Place) -> Self {
        let start = place.start.map_or_else(
            || offset(source, place.line, place.column),
            |start| start as usize,
        );
        let (before, after) = source.split_at_checked(start).unwrap_or((source, ""));
        let before: Vec<char> = before
            .chars()
            .rev()
            .take_while(|char| !is_break(*char))
            .take(BEFORE + 1)
            .collect();
        let after: Vec<char> = after
            .chars()
            .take_while(|char| !is_break(*char))
            .take(AFTER + 1)
            .collect();

        let mut line = String::new();
        if before.len() > BEFORE {
            line.push('…');
        }
        line.extend(before.iter().take(BEFORE).rev().map(|char| shown(*char)));
        let indent = line.chars().count();
        line.extend(after.iter().take(AFTER).map(|char| shown(*char)));
        if after.len() > AFTER {
            line.push('…');
        }
        Self {
            carets: carets(&after, place.length as usize),
            line: line.trim_end().to_owned(),
            indent,
        }
    }

    /// The same without what follows the part that is meant.
    pub(super) fn without_rest(mut self) -> Self {
        self.line = self.line.chars().take(self.indent + self.carets).collect();
        self.line.push('…');
        self
    }
}

/// How much of `after` is meant: `length` characters, or all of the line but a comment if that is 0.
fn carets(after: &[char], length: usize) -> usize {
    let end = after
        .windows(2)
        .position(|pair| pair == [' ', '#'])
        .unwrap_or(after.len());
    let line = after[..end]
        .iter()
        .rposition(|char| !char.is_whitespace())
        .map_or(1, |last| last + 1);
    let wanted = if length == 0 { line } else { length };
    wanted.min(line.max(1)).min(AFTER)
}

/// The byte offset of a line and column, both counted from 1; the end of the text if it has no such place.
fn offset(source: &str, line: u32, column: u32) -> usize {
    let mut rest = source;
    for _ in 1..line {
        let Some(end) = rest.find(is_break) else {
            return source.len();
        };
        let width = if rest[end..].starts_with("\r\n") {
            2
        } else {
            1
        };
        rest = &rest[end + width..];
    }
    let start = source.len() - rest.len();
    let column = column.saturating_sub(1) as usize;
    rest.char_indices()
        .take_while(|(_, char)| !is_break(*char))
        .map(|(index, char)| index + char.len_utf8())
        .take(column)
        .last()
        .map_or(start, |within| start + within)
}

/// What YAML takes for the end of a line.
fn is_break(char: char) -> bool {
    matches!(char, '\n' | '\r')
}

/// What stands for a character: control characters would move the cursor or worse.
fn shown(char: char) -> char {
    match char {
        '\t' => ' ',
        _ if char.is_control() => '\u{fffd}',
        _ => char,
    }
}
