//! The line that a place is on, made fit for a terminal.

use serde::Serialize;

use super::place::Place;

/// A line, or the middle of a very long one, and which part of it is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Excerpt {
    /// Without control characters.
    pub line: String,
    /// How many characters of `line` come before the part that is meant.
    pub indent: usize,
    /// How many characters are meant, at least 1.
    pub carets: usize,
}

/// How many characters are shown before and from the place, at most.
const BEFORE: usize = 60;
const AFTER: usize = 80;

impl Excerpt {
    pub(super) fn new(text: &str, place: Place) -> Self {
        let (before, after) = text
            .split_at_checked(place.start as usize)
            .unwrap_or((text, ""));
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
        let meant = (place.length as usize).min(after.len()).min(AFTER);
        Self {
            line: line.trim_end().to_owned(),
            indent,
            carets: meant.max(1),
        }
    }
}

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
