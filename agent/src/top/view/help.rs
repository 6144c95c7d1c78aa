//! What keys do, and what the marks mean.

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::text::{Line, Span};

use super::story::Story;
use super::{styles, text};
use crate::top::ui::{Cursor, Seen};

const EVERYWHERE: [(&str, &str); 9] = [
    ("↑ ↓  k j", "move by a row or a line"),
    ("PgUp PgDn", "by a screen; Ctrl-U and Ctrl-D by half of one"),
    ("Home End", "the first, the last"),
    ("Enter", "open the pool or the incident"),
    ("Esc", "back; in the list of pools, clear the filter"),
    (
        "/",
        "filter: all words must be found; Enter keeps it, Esc clears it",
    ),
    ("i", "incidents"),
    ("?", "this help"),
    ("q  Ctrl-C", "quit; Ctrl-Z pauses, Ctrl-L draws anew"),
];

const POOLS: [(&str, &str); 3] = [
    ("← →  h l", "order by the column before or after"),
    ("r", "the other way round"),
    (
        "v n m g o a b",
        "by verdict, name, max/mean, Gini, opened/s, active, backends; again: the other way round",
    ),
];

const POOL: [(&str, &str); 4] = [
    ("s", "the next signal: opened, active, bytes, failed"),
    (
        "Tab",
        "go to incidents, measures, changes and audit, and back to the shares",
    ),
    (
        "v n o a b f t",
        "by distance from the share, name, share, active, bytes, failed, handshake time",
    ),
    ("r", "the other way round"),
];

const MARKS: [(&str, &str); 8] = [
    (
        "▲ skewed",
        "a share is outside its tolerance, with evidence",
    ),
    ("◆ suspect", "some evidence, not enough to alarm"),
    (
        "● even",
        "shown to be even: the balancer is not your problem",
    ),
    ("○ unknown", "too little traffic to tell"),
    (
        "▲ ▼ ✕",
        "a backend that gets too much, too little, or to which connections fail",
    ),
    (
        "▁▄█·",
        "a share relative to the expected one: half the height is as expected, the whole is twice as much or more; · is none",
    ),
    (
        "███┃░░",
        "a share, where it should end (┃), and the tolerance (░)",
    ),
    (
        "×MEAN",
        "max/mean: the hottest backend's load relative to its expected share; 1 is even",
    ),
];

/// Draws the help.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, cursor: Cursor) -> Seen {
    let room = usize::from(area.width).min(text::WIDEST);
    let mut story = Story::new(room);
    let sections: [(&str, &[(&str, &str)]); 4] = [
        ("Everywhere", &EVERYWHERE),
        ("All pools", &POOLS),
        ("One pool", &POOL),
        ("Marks", &MARKS),
    ];
    for (title, entries) in sections {
        story.title(title);
        for (key, what) in entries {
            entry(&mut story, key, what, room);
        }
    }
    text::draw(buffer, area, &story.lines, cursor)
}

fn entry(story: &mut Story, key: &str, what: &str, room: usize) {
    const KEYS: usize = 16;
    let mut lines = crate::top::plain::wrapped(what, room.saturating_sub(KEYS)).into_iter();
    let first = lines.next().unwrap_or_default();
    story.push(Line::from(vec![
        Span::styled(format!("  {key:<14}"), styles::STRONG),
        Span::raw(first),
    ]));
    for line in lines {
        story.push(Line::raw(format!("{}{line}", " ".repeat(KEYS))));
    }
}
