//! Lines of a configuration with the part that is meant underlined, within the width of a terminal.

use evenkeel_balancers::source::Excerpt;

/// What is left of a line when it was cut to a width.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) line: String,
    /// Characters before the part that is meant.
    pub(super) indent: usize,
    /// Characters of that part.
    pub(super) carets: usize,
}

/// Cuts a line so that it is at most `room` characters wide and shows the beginning of what is meant.
pub(super) fn cut(excerpt: &Excerpt, room: usize) -> Cut {
    let line: Vec<char> = excerpt.line.chars().collect();
    let room = room.max(10);
    let end = excerpt.indent + excerpt.carets;
    // What comes before is given up first, and last a third of the room, which says where the part stands.
    let start = if line.len() <= room || end < room {
        0
    } else {
        let least = excerpt.indent.saturating_sub(room / 3);
        (end + 1).saturating_sub(room).min(least)
    };
    let mut shown: Vec<char> = line.iter().skip(start).take(room).copied().collect();
    if start + shown.len() < line.len()
        && let Some(last) = shown.last_mut()
    {
        *last = '…';
    }
    if start > 0
        && let Some(first) = shown.first_mut()
    {
        *first = '…';
    }
    let indent = excerpt.indent - start;
    Cut {
        line: shown.into_iter().collect(),
        indent,
        carets: excerpt.carets.min(room.saturating_sub(indent)).max(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut_at(line: &str, part: &str, room: usize) -> (String, String) {
        let indent = line[..line.find(part).unwrap()].chars().count();
        let excerpt = Excerpt {
            line: line.to_owned(),
            indent,
            carets: part.chars().count(),
        };
        let cut = cut(&excerpt, room);
        assert!(cut.line.chars().count() <= room && cut.indent + cut.carets <= room);
        let meant = cut.line.chars().skip(cut.indent).take(cut.carets).collect();
        (cut.line, meant)
    }

    #[test]
    fn what_is_meant_is_seen() {
        let line = "        server 192.0.2.1:80 weight=8 max_fails=0;";
        assert_eq!(cut_at(line, "weight=8", 80).0, line);
        for (part, room, shown, meant) in [
            (
                "weight=8",
                40,
                "        server 192.0.2.1:80 weight=8 ma…",
                "weight=8",
            ),
            ("weight=8", 30, "…server 192.0.2.1:80 weight=8…", "weight=8"),
            (
                "weight=8 max_fails=0",
                20,
                "…1:80 weight=8 max_…",
                "weight=8 max_…",
            ),
        ] {
            let expected = (shown.to_owned(), meant.to_owned());
            assert_eq!(cut_at(line, part, room), expected);
        }
    }
}
