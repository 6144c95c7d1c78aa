//! Incidents: those that are on and those that have ended, and one of them in full.

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::text::Line;

use super::numbers::{percent, roughly_since};
use super::story::{Story, state};
use super::table::{self, Column, put};
use super::{styles, text};
use crate::top::feed::Mark;
use crate::top::feed::told::{Deviation, Incident};
use crate::top::plain::{fitted, fitted_end, harmless, width};
use crate::top::ui::{Cursor, Seen};
use crate::top::world::World;

/// Draws the list.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, world: &World, cursor: Cursor) -> Seen {
    let all = &world.incidents;
    let names = all.iter().map(|one| width(&harmless(&one.pool)));
    let names = names.max().unwrap_or(0).clamp(10, 60);
    let columns = [
        Column::text("STATE", (11, 22), 0),
        Column::text("POOL", (10, names), 0),
        Column::text("SIGNAL", (6, 6), 3),
        Column::text("CAUSE", (14, 22), 1),
        Column::text("TOO MUCH", (25, 34), 2),
        Column::text("TOO LITTLE", (25, 34), 4),
    ];
    let now = world.clock();
    let seen = table::draw(
        buffer,
        area,
        &columns,
        (all.len(), Some(cursor)),
        |place, widths| {
            let one = &all[place];
            let (shape, style) = state(one);
            vec![
                Line::styled(
                    fitted(&format!("{shape} {}", age(one, now, widths[0])), widths[0])
                        .into_owned(),
                    style,
                ),
                Line::raw(fitted(&harmless(&one.pool), widths[1]).into_owned()),
                Line::raw(one.signal.as_str()),
                Line::raw(
                    fitted(&harmless(&one.cause.id.replace('_', " ")), widths[3]).into_owned(),
                ),
                side(&one.hot, Mark::Hot, widths[4]),
                side(&one.cold, Mark::Cold, widths[5]),
            ]
        },
    );
    if all.is_empty() {
        let none = Line::styled("None so far.", styles::FAINT);
        put(buffer, area, 0, 2, &none, area.width.into());
    }
    seen
}

fn age(incident: &Incident, now: std::time::SystemTime, room: usize) -> String {
    match incident.ended {
        None => format!("on {}", roughly_since(incident.started, now)),
        Some(ended) if room >= 20 => format!("ended {} ago", roughly_since(ended, now)),
        Some(ended) => format!("{} ago", roughly_since(ended, now)),
    }
}

/// The worst backend of a side, and how many more there are.
fn side(side: &[Deviation], mark: Mark, room: usize) -> Line<'static> {
    let Some(worst) = side.first() else {
        return Line::default();
    };
    let more = if side.len() > 1 {
        format!(" +{}", side.len() - 1)
    } else {
        String::new()
    };
    let told = format!(" {}{more}", percent(worst.observed_share));
    let address = harmless(&worst.backend);
    let told = if width(&told) + 12 <= room {
        told
    } else {
        more
    };
    let address = fitted_end(&address, room.saturating_sub(2 + width(&told)));
    let (shape, style) = styles::mark(mark);
    Line::styled(format!("{shape} {address}{told}"), style)
}

/// Draws one in full.
pub(super) fn draw_one(
    buffer: &mut Buffer,
    area: Rect,
    world: &World,
    id: &str,
    cursor: Cursor,
) -> Seen {
    let mut story = Story::new(usize::from(area.width).min(text::WIDEST));
    match world.incident(id) {
        Some(incident) => {
            story.tell(0, ("", styles::PLAIN), &format!("Pool {}", incident.pool));
            story.push(Line::default());
            story.incident(incident, world.clock());
        }
        None => story.tell(
            0,
            ("", styles::PLAIN),
            "The agent does not tell of this incident any longer.",
        ),
    }
    text::draw(buffer, area, &story.lines, cursor)
}
