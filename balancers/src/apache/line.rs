//! Splits a text into lines and words, as httpd does (`ap_cfg_getline` and `ap_getword_conf` in `server/util.c`).

use super::environment::{Environment, TooMany};
use crate::source::{FileId, Place};

/// A word, with quotes taken off, escapes replaced and variables put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) place: Place,
    /// Whether it has a variable whose value is not known; that stands in the text as `${NAME}`.
    pub(super) unresolved: bool,
}

impl Word {
    /// Whether it is this word, in upper or lower case.
    pub(super) fn is(&self, text: &str) -> bool {
        self.text.eq_ignore_ascii_case(text)
    }

    /// Of `key=value`: both.
    pub(super) fn pair(&self) -> Option<(&str, &str)> {
        self.text.split_once('=')
    }

    /// For messages: a word can be long.
    pub(super) fn short(&self) -> String {
        self.text.chars().take(80).collect()
    }
}

/// Where in a text a line begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    pub(super) file: FileId,
    /// In bytes.
    pub(super) offset: usize,
    /// Counted from 1.
    pub(super) line: u32,
}

/// A character, and where it is.
#[derive(Clone, Copy, Debug)]
struct Spot {
    char: char,
    offset: usize,
    line: u32,
    column: u32,
}

/// What a line holds.
#[derive(Debug)]
pub(super) enum Content {
    /// Nothing but blanks.
    Blank,
    /// A comment, without its `#`.
    Comment(String, Place),
    /// At least one word.
    Words(Vec<Word>),
}

/// A line with those that continue it.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) content: Content,
    /// The last line of the text that belongs to it.
    pub(super) last: u32,
    /// Where the next one begins.
    pub(super) next: Cursor,
}

/// Reads the line that begins at `start`; `None` at the end of the text.
pub(super) fn line(
    text: &str,
    start: Cursor,
    environment: &mut Environment,
) -> Result<Option<Line>, TooMany> {
    let Some((spots, last, next)) = joined(text, start) else {
        return Ok(None);
    };
    let begin = spots.iter().position(|spot| !is_blank(spot.char));
    let content = match begin {
        None => Content::Blank,
        Some(begin) if spots[begin].char == '#' => {
            let said = spots[begin + 1..].iter().map(|spot| spot.char).collect();
            Content::Comment(said, place(&spots[begin..], start.file))
        }
        Some(begin) => Content::Words(words(&spots[begin..], start.file, environment)?),
    };
    Ok(Some(Line {
        content,
        last,
        next,
    }))
}

/// The characters of a line and of those that continue it; the number of the last; where the next begins.
fn joined(text: &str, start: Cursor) -> Option<(Vec<Spot>, u32, Cursor)> {
    let mut next = start;
    let mut spots = Vec::new();
    loop {
        let rest = text.get(next.offset..).unwrap_or_default();
        let Some(whole) = rest.split_inclusive('\n').next() else {
            // A text may end within a line that was to be continued.
            let begun = next.line > start.line;
            return begun.then(|| (spots, next.line - 1, next));
        };
        let bare = whole.strip_suffix('\n').unwrap_or(whole);
        let bare = bare.strip_suffix('\r').unwrap_or(bare);
        let continued = bare.strip_suffix('\\').filter(|_| whole.ends_with('\n'));
        let kept = continued.unwrap_or(bare);
        for (column, (at, char)) in (1..).zip(kept.char_indices()) {
            // A byte order mark is no word.
            if char != '\u{feff}' || next.offset + at > 0 {
                spots.push(Spot {
                    char,
                    offset: next.offset + at,
                    line: next.line,
                    column,
                });
            }
        }
        next.offset += whole.len();
        next.line += 1;
        if continued.is_none() {
            return Some((spots, next.line - 1, next));
        }
    }
}

/// What `isspace` says in C.
fn is_blank(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r')
}

/// The place of some characters that follow each other: as far as they are on the line of the first.
fn place(spots: &[Spot], file: FileId) -> Place {
    let Some(first) = spots.first() else {
        return Place::top(file);
    };
    let length = spots.iter().take_while(|spot| spot.line == first.line);
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Place {
        file,
        start: count(first.offset),
        line: first.line,
        column: first.column,
        length: count(length.count()).max(1),
    }
}

fn words(
    mut spots: &[Spot],
    file: FileId,
    environment: &mut Environment,
) -> Result<Vec<Word>, TooMany> {
    let mut words = Vec::new();
    while let Some(first) = spots.first() {
        if is_blank(first.char) {
            spots = &spots[1..];
            continue;
        }
        let quote = matches!(first.char, '"' | '\'').then_some(first.char);
        let (text, taken) = word(spots, quote);
        let place = place(&spots[..taken], file);
        let expanded = environment.expand(&text)?;
        let unresolved = expanded.unresolved;
        let put = |text: String| Word {
            text,
            place,
            unresolved,
        };
        if quote.is_none() && expanded.changed {
            // Variables are put in before words are told apart.
            let parts = expanded.text.split(is_blank);
            let parts = parts.filter(|part| !part.is_empty());
            words.extend(parts.map(|part| put(part.to_owned())));
        } else {
            words.push(put(expanded.text));
        }
        spots = &spots[taken..];
    }
    Ok(words)
}

/// A word without quotes and escapes, and how many characters it takes.
fn word(spots: &[Spot], quote: Option<char>) -> (String, usize) {
    let mut text = String::new();
    let mut at = usize::from(quote.is_some());
    while let Some(spot) = spots.get(at) {
        match quote {
            Some(quote) if spot.char == quote => return (text, at + 1),
            None if is_blank(spot.char) => break,
            _ => {}
        }
        let next = spots.get(at + 1).map(|spot| spot.char);
        if spot.char == '\\' && (next == Some('\\') || (quote.is_some() && next == quote)) {
            at += 1;
        }
        text.push(spots[at].char);
        at += 1;
    }
    (text, at)
}
