//! The line that a problem is on.

use evenkeel_balancers::source::Excerpt;

use super::place::Place;

/// The line of `source` that `place` is on. Of a block, whose length is not known, the line without its comment is meant.
pub(super) fn excerpt(source: &str, place: Place) -> Excerpt {
    let start = place.start.map_or_else(
        || offset(source, place.line, place.column),
        |start| start as usize,
    );
    let line = written(source.get(start..).unwrap_or_default());
    let length = match place.length as usize {
        0 => line,
        length => length.min(line),
    };
    Excerpt::new(source, start, length)
}

/// How many characters stand at the beginning of `text` before its line ends or a comment begins, as far as an excerpt
/// reaches.
fn written(text: &str) -> usize {
    let shown = text.chars().take_while(|char| !is_break(*char)).take(200);
    let line: String = shown.collect();
    let bare = line.split(" #").next().unwrap_or_default();
    bare.trim_end().chars().count()
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
