//! Draws what is known, as far as it is looked at. Everything here is a function of the two and of the size of the screen.

mod backends;
mod bars;
mod facts;
mod help;
mod incidents;
pub(super) mod numbers;
mod overview;
mod pool;
mod story;
mod styles;
mod table;
mod text;

use std::time::Instant;

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::Color;
use ratatui_core::text::{Line, Span};

use self::numbers::span;
use self::table::{narrow, put};
use super::plain::{fitted, harmless, width};
use super::ui::{Place, Seen, Ui};
use super::world::{Link, World};
use crate::model::Verdict;

/// What the head says beside what is known.
#[derive(Clone, Debug)]
pub(super) struct Look {
    /// Who tells: an address, or this process.
    pub(super) from: String,
    /// Whether colours are wanted.
    pub(super) colour: bool,
}

/// Draws one frame.
pub(super) fn draw(buffer: &mut Buffer, world: &World, ui: &Ui, look: &Look, now: Instant) -> Seen {
    let screen = buffer.area;
    buffer.reset();
    let mut head = head(world, ui, look, now, screen.width.into());
    // On a low screen rows are more useful than what stands above them.
    head.truncate(usize::from(screen.height / 4).max(usize::from(screen.height > 2)));
    for (y, line) in (0..screen.height).zip(&head) {
        put(buffer, screen, 0, y, line, screen.width.into());
    }
    let foot = u16::from(screen.height > 4);
    let taken = narrow(head.len()).min(screen.height);
    let body = Rect {
        y: screen.y + taken,
        height: screen.height.saturating_sub(taken + foot),
        ..screen
    };
    let seen = match ui.place() {
        None => overview::draw(buffer, body, world, ui),
        Some(Place::Pool(place)) => pool::draw(buffer, body, world, place),
        Some(Place::Incidents(cursor)) => incidents::draw(buffer, body, world, *cursor),
        Some(Place::Incident(id, cursor)) => incidents::draw_one(buffer, body, world, id, *cursor),
        Some(Place::Help(cursor)) => help::draw(buffer, body, *cursor),
    };
    if foot > 0 {
        let line = footer(ui, seen);
        put(
            buffer,
            screen,
            0,
            screen.height - 1,
            &line,
            screen.width.into(),
        );
    }
    if !look.colour {
        for cell in &mut buffer.content {
            cell.fg = Color::Reset;
            cell.bg = Color::Reset;
        }
    }
    seen
}

fn head(world: &World, ui: &Ui, look: &Look, now: Instant, room: usize) -> Vec<Line<'static>> {
    let mut lines = vec![title(world, look, now, room)];
    if let Some(line) = trouble(world) {
        lines.push(line);
    }
    lines.push(counts(world, ui));
    if ui.place().is_none() {
        lines.push(headline(world, room));
    }
    lines
}

/// Whose figures these are, over what time, and whether they are fresh.
fn title(world: &World, look: &Look, now: Instant, room: usize) -> Line<'static> {
    let (state, style) = match &world.link {
        Link::Connecting => ("… connecting".to_owned(), styles::FAINT),
        Link::Live => ("● live".to_owned(), styles::GOOD),
        Link::Late => (format!("◌ stale for {}", age(world, now)), styles::ALARM),
        Link::Gone(_) => (
            format!("✕ agent gone for {}", age(world, now)),
            styles::ALARM,
        ),
    };
    let window = world.frame.map_or_else(String::new, |frame| {
        let window = std::time::Duration::try_from_secs_f64(frame.window_seconds);
        format!("  last {}", span(window.unwrap_or_default()))
    });
    let name = "evenkeel top";
    let left = room.saturating_sub(name.len() + 4 + width(&state));
    let about = format!("{}{window}", harmless(&look.from));
    let about = fitted(&about, left).into_owned();
    let gap = left - width(&about) + 2;
    Line::from(vec![
        Span::styled(name, styles::STRONG),
        Span::raw("  "),
        Span::raw(about),
        Span::raw(" ".repeat(gap)),
        Span::styled(state, style),
    ])
}

fn age(world: &World, now: Instant) -> String {
    world.fresh.map_or_else(
        || "now".to_owned(),
        |fresh| span(now.saturating_duration_since(fresh)),
    )
}

/// What must be known before the figures are believed.
fn trouble(world: &World) -> Option<Line<'static>> {
    let status = world.status.as_ref();
    let kernel = status.map(|status| &status.kernel);
    let lost = kernel.map_or(0, |kernel| {
        let lost = kernel.events_lost;
        lost.map_full + lost.insert_refused + lost.mark_refused
    });
    let (text, style) = match &world.link {
        Link::Gone(why) => (
            format!("These figures are old, trying again: {why}"),
            styles::ALARM,
        ),
        Link::Late => (
            "The agent answers, but it does not count: these figures are old.".to_owned(),
            styles::ALARM,
        ),
        Link::Connecting | Link::Live => {
            let reload = status.and_then(|status| status.reload.error.as_deref());
            let not_ready = status.filter(|status| !status.ready);
            let text = if let Some(status) = not_ready {
                format!(
                    "Not ready: {}",
                    status.reason.as_deref().unwrap_or("no reason is told")
                )
            } else if let Some(error) = reload {
                format!("The last reload failed, the old configuration is in force: {error}")
            } else if lost > 0 {
                format!("{lost} events could not be counted: see its metrics.")
            } else {
                let view = kernel.map(|kernel| &kernel.view)?;
                let reason = view.reason.as_deref().filter(|_| view.kind == "at_close")?;
                format!("Bytes appear when a connection closes, older connections do not: {reason}")
            };
            (text, styles::WARNING)
        }
    };
    let text = format!("! {}", harmless(&text));
    Some(Line::styled(text, style))
}

/// How many pools have each verdict, what is looked for, and the order.
fn counts(world: &World, ui: &Ui) -> Line<'static> {
    let counts = world.verdicts();
    let total = world.rows.len();
    let plural = if total == 1 { "" } else { "s" };
    let filtered = ui.place().is_none() && !ui.filter.is_empty();
    let shown = if filtered {
        format!("{} of ", ui.order.len())
    } else {
        String::new()
    };
    let mut spans = vec![Span::raw(format!("{shown}{total} pool{plural}"))];
    for verdict in [
        Verdict::Skewed,
        Verdict::Suspect,
        Verdict::Unknown,
        Verdict::Even,
    ] {
        let number = *counts.get(verdict);
        let (shape, style) = styles::verdict(verdict);
        let style = if number == 0 { styles::FAINT } else { style };
        spans.push(Span::styled(format!("  {shape} {number} {verdict}"), style));
    }
    let on = world.open_incidents().count();
    if on > 0 {
        let plural = if on == 1 { "" } else { "s" };
        spans.push(Span::styled(
            format!("  {on} incident{plural} open"),
            styles::ALARM,
        ));
    }
    if !world.complete && total > 0 {
        spans.push(Span::styled("  more are coming", styles::FAINT));
    }
    Line::from(spans)
}

/// What whoever is paged wants to know first.
fn headline(world: &World, room: usize) -> Line<'static> {
    let counts = world.verdicts();
    let (text, style) = if let Some(incident) = world.open_incidents().next() {
        (
            format!("▲ {}", story::headline(incident, world.clock())),
            styles::ALARM,
        )
    } else if counts.skewed + counts.suspect > 0 || counts.even == 0 {
        (String::new(), styles::PLAIN)
    } else {
        let beside = if counts.unknown > 0 {
            " with enough traffic"
        } else {
            ""
        };
        (
            format!("● Every pool{beside} is even: the balancer is not your problem."),
            styles::GOOD,
        )
    };
    let text = harmless(&text);
    Line::styled(fitted(&text, room).into_owned(), style)
}

/// What is typed, or which keys there are.
fn footer(ui: &Ui, seen: Seen) -> Line<'static> {
    let filter = match ui.place() {
        Some(Place::Pool(pool)) => &pool.filter,
        _ => &ui.filter,
    };
    let filter = harmless(filter);
    if ui.typing {
        return Line::from(vec![
            Span::styled(format!("/{filter}"), styles::STRONG),
            Span::styled("▏", styles::STRONG),
            Span::styled("  Enter keep  Esc clear", styles::FAINT),
        ]);
    }
    let mut spans = Vec::new();
    if seen.count > seen.height && seen.height > 0 {
        let last = (seen.cursor.top + seen.height).min(seen.count);
        spans.push(Span::raw(format!(
            "{}-{last}/{}  ",
            seen.cursor.top + 1,
            seen.count
        )));
    }
    let keys: &[(&str, &str)] = match ui.place() {
        None => &[
            ("Enter", "pool"),
            ("/", "filter"),
            ("←→", "order"),
            ("r", "reverse"),
            ("i", "incidents"),
            ("?", "help"),
            ("q", "quit"),
        ],
        Some(Place::Pool(_)) => &[
            ("Esc", "back"),
            ("Tab", "more"),
            ("s", "signal"),
            ("/", "filter"),
            ("i", "incidents"),
            ("?", "help"),
            ("q", "quit"),
        ],
        Some(Place::Incidents(_)) => &[
            ("Enter", "why"),
            ("Esc", "back"),
            ("?", "help"),
            ("q", "quit"),
        ],
        Some(Place::Incident(..)) => &[
            ("Enter", "pool"),
            ("Esc", "back"),
            ("?", "help"),
            ("q", "quit"),
        ],
        Some(Place::Help(_)) => &[("Esc", "back"), ("q", "quit")],
    };
    for (key, what) in keys {
        spans.push(Span::styled((*key).to_owned(), styles::STRONG));
        spans.push(Span::styled(format!(" {what}  "), styles::FAINT));
    }
    if !filter.is_empty() && matches!(ui.place(), None | Some(Place::Pool(_))) {
        spans.insert(0, Span::styled(format!("/{filter}  "), styles::STRONG));
    }
    Line::from(spans)
}
