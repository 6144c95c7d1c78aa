//! The line that a place is on, made fit for a terminal.

use serde::Serialize;

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
    /// The line of `text` with the character that begins at byte `start`, of which `length` characters are meant.
    pub fn new(text: &str, start: usize, length: usize) -> Self {
        let (before, after) = text.split_at_checked(start).unwrap_or((text, ""));
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
        // What is meant may end in blanks, as comments do, or be one.
        let line = line.trim_end().to_owned();
        let end = line.chars().count();
        let indent = indent.min(end);
        Self {
            line,
            indent,
            carets: length.min(end - indent).clamp(1, AFTER),
        }
    }

    /// The same without what follows the part that is meant.
    #[must_use]
    pub fn without_rest(mut self) -> Self {
        self.line = self.line.chars().take(self.indent + self.carets).collect();
        self.line.push('…');
        self
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_at_the_end_are_not_underlined() {
        let excerpt = Excerpt::new("a # meant   \nb", 2, 10);
        assert_eq!(
            (excerpt.line.as_str(), excerpt.indent, excerpt.carets),
            ("a # meant", 2, 7)
        );
        let blank = Excerpt::new("a    \nb", 3, 2);
        assert_eq!(
            (blank.line.as_str(), blank.indent, blank.carets),
            ("a", 1, 1)
        );
    }
}
