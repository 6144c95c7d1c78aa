//! Text from outside, made harmless: what an agent tells may hold names that somebody chose to do damage.
//!
//! Terminals obey control characters and disagree about the width of joined and of invisible ones. What is left takes the same
//! columns everywhere, so that it can neither command the terminal nor shift what stands beside it.

use std::borrow::Cow;

use ratatui_core::text::Span;

/// Stands for a character that is left out, so that two names that differ do not look the same.
const INSTEAD: char = '\u{fffd}';

/// The text with nothing in it that a terminal obeys, or that has no width of its own. One accent on a letter is let through.
pub(super) fn harmless(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut accent_may_follow = false;
    for letter in text.chars() {
        let accent = ('\u{300}'..='\u{36f}').contains(&letter);
        if accent && accent_may_follow {
            clean.push(letter);
            accent_may_follow = false;
            continue;
        }
        let shown = if letter.is_control() || columns_of(letter) == 0 {
            INSTEAD
        } else {
            letter
        };
        clean.push(shown);
        accent_may_follow = shown.is_alphabetic() && columns_of(shown) == 1;
    }
    Cow::Owned(clean)
}

fn columns_of(letter: char) -> usize {
    let mut bytes = [0; 4];
    width(letter.encode_utf8(&mut bytes))
}

/// How many columns harmless text takes.
pub(super) fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    Span::raw(text).width()
}

/// What of harmless text fits into `room` columns; what does not is told by an ellipsis.
pub(super) fn fitted(text: &str, room: usize) -> Cow<'_, str> {
    if width(text) <= room {
        return Cow::Borrowed(text);
    }
    if room == 0 {
        return Cow::Borrowed("");
    }
    let mut shown = String::new();
    let mut left = room - 1;
    for letter in text.chars() {
        let columns = columns_of(letter);
        if columns > left {
            break;
        }
        left -= columns;
        shown.push(letter);
    }
    shown.push('…');
    Cow::Owned(shown)
}

/// The same, but the end is kept: ports tell backends apart, and networks do not.
pub(super) fn fitted_end(text: &str, room: usize) -> Cow<'_, str> {
    if width(text) <= room {
        return Cow::Borrowed(text);
    }
    if room == 0 {
        return Cow::Borrowed("");
    }
    let mut begin = text.len();
    let mut left = room - 1;
    for (place, letter) in text.char_indices().rev() {
        let columns = columns_of(letter);
        if columns > left {
            break;
        }
        left -= columns;
        begin = place;
    }
    Cow::Owned(format!("…{}", &text[begin..]))
}

/// Harmless text in lines of at most `room` columns; words that are longer are broken.
pub(super) fn wrapped(text: &str, room: usize) -> Vec<String> {
    let room = room.max(1);
    let mut lines: Vec<String> = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        let columns = width(word);
        if used > 0 && used + 1 + columns <= room {
            push(&mut lines, " ");
            used += 1;
        } else if used > 0 {
            lines.push(String::new());
            used = 0;
        }
        for letter in word.chars() {
            let columns = columns_of(letter);
            if used + columns > room && used > 0 {
                lines.push(String::new());
                used = 0;
            }
            let mut bytes = [0; 4];
            push(&mut lines, letter.encode_utf8(&mut bytes));
            used += columns;
        }
    }
    lines
}

fn push(lines: &mut [String], text: &str) {
    if let Some(line) = lines.last_mut() {
        line.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_terminals_obey_is_left_out() {
        let hostile = "a\x1b[31mb\u{202e}c\u{200d}d\u{7}\n\u{9b}e\u{301}\u{301}";
        assert_eq!(
            harmless(hostile),
            "a\u{fffd}[31mb\u{fffd}c\u{fffd}d\u{fffd}\u{fffd}\u{fffd}e\u{301}\u{fffd}"
        );
        assert_eq!(harmless("größe 東京 עברית"), "größe 東京 עברית");
        assert!(matches!(harmless("checkout:8080"), Cow::Borrowed(_)));
    }

    #[test]
    fn text_is_cut_at_columns() {
        assert_eq!(fitted("checkout", 5), "chec…");
        assert_eq!(fitted("東京都", 4), "東…");
        assert_eq!(fitted("東京", 4), "東京");
        assert_eq!(fitted("ab", 0), "");
        assert_eq!(fitted_end("192.0.2.17:8080", 8), "…17:8080");
    }

    #[test]
    fn lines_are_no_wider_than_there_is_room() {
        assert_eq!(wrapped("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrapped("extraordinary", 5), ["extra", "ordin", "ary"]);
        assert_eq!(wrapped("", 3), [""]);
        for line in wrapped("東京 東京都 a", 3) {
            assert!(width(&line) <= 3, "{line}");
        }
    }
}
