//! All pools, the worst first.

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::text::{Line, Span};

use super::numbers::{NOTHING, count, or_nothing, percent, short};
use super::table::{self, Column, put};
use super::{bars, styles};
use crate::top::feed::told::{Row, Worst};
use crate::top::order;
use crate::top::plain::{fitted, fitted_end, harmless, width};
use crate::top::ui::{Seen, Ui};
use crate::top::world::{Link, World};

/// Draws the list.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, world: &World, ui: &Ui) -> Seen {
    let rows: Vec<&Row> = ui
        .order
        .iter()
        .filter_map(|name| world.rows.get(name))
        .collect();
    let columns = columns(&rows, ui);
    let listed = (rows.len(), Some(ui.cursor));
    let seen = table::draw(buffer, area, &columns, listed, |place, widths| {
        cells(rows[place], widths)
    });
    if rows.is_empty() {
        let nothing = Line::styled(nothing(world), styles::FAINT);
        put(buffer, area, 0, 2, &nothing, area.width.into());
    }
    seen
}

fn columns(rows: &[&Row], ui: &Ui) -> [Column; 12] {
    let sorted = |column: Column, by| column.sorted_if(ui.sort.by == by, ui.sort.reversed);
    let longest = |text: fn(&Row) -> &str| {
        let widths = rows.iter().map(|row| width(&harmless(text(row))));
        widths.max().unwrap_or(0)
    };
    let names = longest(|row| &row.name).clamp(10, 60);
    let worst = longest(|row| row.worst.as_ref().map_or("", |worst| &worst.address));
    let bars = rows.iter().map(|row| row.bars.len()).max().unwrap_or(0);
    [
        sorted(Column::text("VERDICT", (9, 9), 0), order::Column::Verdict),
        sorted(Column::text("POOL", (10, names), 0), order::Column::Name),
        Column::text("SIGNAL", (6, 6), 4),
        sorted(
            Column::number(("MAX/MEAN", "×MEAN"), 5, 1),
            order::Column::MaxMean,
        ),
        sorted(Column::number(("GINI", "GINI"), 5, 7), order::Column::Gini),
        Column::number(("BY CHANCE", "CHANCE"), 6, 9),
        Column::text(
            "WORST BACKEND",
            ((worst + 2).clamp(15, 23), (worst + 2).max(15)),
            2,
        ),
        Column::number(("SHARE", "SHARE"), 6, 2),
        sorted(
            Column::number(("OPENED/S", "OPEN/S"), 6, 3),
            order::Column::Opened,
        ),
        sorted(
            Column::number(("ACTIVE", "ACTIVE"), 6, 6),
            order::Column::Active,
        ),
        Column::picture(("SHARES/EXPECTED", "SHARES"), (6, bars.clamp(15, 24)), 5),
        sorted(
            Column::text("BACKENDS", (8, 30), 8),
            order::Column::Backends,
        ),
    ]
}

/// The cells of a row.
fn cells(row: &Row, widths: &[usize]) -> Vec<Line<'static>> {
    let worst = row.worst.as_ref();
    let plural = if row.backends == 1 { "" } else { "s" };
    let about = format!(
        "{} {} backend{plural}, {}",
        row.backends, row.role, row.source
    );
    vec![
        verdict(row),
        Line::raw(fitted(&harmless(&row.name), widths[1]).into_owned()),
        Line::raw(row.signal.as_str()),
        Line::raw(or_nothing(row.max_to_mean, short)),
        Line::raw(or_nothing(row.gini, |gini| format!("{gini:.3}"))),
        Line::raw(or_nothing(row.gini_by_chance, |gini| format!("{gini:.3}"))),
        worst.map_or(Line::raw(NOTHING), |worst| backend(worst, widths[6])),
        Line::raw(or_nothing(worst, |worst| percent(worst.share))),
        Line::raw(short(row.rate)),
        Line::raw(count(row.active)),
        bars::pool(&row.bars, widths[10]),
        Line::raw(fitted(&harmless(&about), widths[11]).into_owned()),
    ]
}

fn verdict(row: &Row) -> Line<'static> {
    let (shape, style) = styles::verdict(row.verdict);
    Line::styled(format!("{shape} {}", row.verdict), style)
}

fn backend(worst: &Worst, room: usize) -> Line<'static> {
    let (shape, style) = styles::mark(worst.mark);
    let address = harmless(&worst.address);
    let shown = fitted_end(&address, room.saturating_sub(2)).into_owned();
    Line::from(vec![
        Span::styled(format!("{shape} "), style),
        Span::raw(shown),
    ])
}

fn nothing(world: &World) -> &'static str {
    if !world.rows.is_empty() {
        "No pool fits the filter. Esc clears it."
    } else if world.complete && world.link == Link::Live {
        "No pools yet. They appear with the first connections, or name some in the configuration."
    } else {
        "Waiting for the first figures …"
    }
}
