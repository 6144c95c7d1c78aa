//! The backends of a pool: each with its share against what it should be, and what else is counted of it.

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::text::{Line, Span};

use super::bars::{Gauge, trace};
use super::numbers::{bytes, count, or_nothing, percent, seconds, short};
use super::pool::View;
use super::styles;
use super::table::{self, Column, put};
use crate::model::Signal;
use crate::top::feed::told::Backend;
use crate::top::plain::{fitted, fitted_end, harmless, width};
use crate::top::ui::{Among, Cursor, Seen};

/// Draws the table; without a cursor, keys are about something else.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    view: View<'_>,
    cursor: Option<Cursor>,
) -> Seen {
    let backends = view.place.ordered(view.pool, view.signal);
    let columns = columns(view, &backends);
    let full = backends
        .iter()
        .map(|backend| gauge(view, backend).reach())
        .fold(f64::MIN_POSITIVE, f64::max);
    let rate = view
        .world
        .rows
        .get(&view.pool.name)
        .map_or(0.0, |row| row.rate);
    let seen = table::draw(
        buffer,
        area,
        &columns,
        (backends.len(), cursor),
        |place, widths| cells(view, backends[place], (full, rate), widths),
    );
    if backends.is_empty() {
        let none = Line::styled("No backend fits the filter.", styles::FAINT);
        put(buffer, area, 0, 1, &none, area.width.into());
    }
    seen
}

fn columns(view: View<'_>, backends: &[&Backend]) -> [Column; 13] {
    let sorted = |column: Column, by| column.sorted_if(view.place.among == by, view.place.reversed);
    let names = backends
        .iter()
        .map(|backend| width(&harmless(&backend.address)));
    let names = names.max().unwrap_or(0) + 2;
    let labels = backends
        .iter()
        .map(|backend| width(&labels(backend)))
        .max()
        .unwrap_or(0);
    let hour = if kept(view.signal) { (6, 60) } else { (0, 0) };
    [
        sorted(
            Column::text("BACKEND", (names.clamp(15, 23), names.max(15)), 0),
            Among::Name,
        ),
        sorted(
            Column::picture(("SHARE AGAINST EXPECTED", "SHARE/EXP"), (10, 60), 0),
            Among::Off,
        ),
        sorted(Column::number(("SHARE", "SHARE"), 6, 0), Among::Share),
        Column::number(("EXPECTED", "EXP."), 6, 8),
        Column::number(("×EXPECTED", "×EXP."), 5, 9),
        Column::number(("OPENED/S", "OPEN/S"), 6, 4),
        sorted(Column::number(("ACTIVE", "ACTIVE"), 6, 3), Among::Active),
        sorted(Column::number(("FAILED", "FAIL"), 5, 2), Among::Failed),
        sorted(Column::number(("BYTES", "BYTES"), 5, 5), Among::Bytes),
        sorted(
            Column::number(("HANDSHAKE", "HANDS."), 6, 6),
            Among::Handshake,
        ),
        Column::number(("OPENED", "OPENED"), 6, 10),
        Column::picture(hour_title(view), hour, 7),
        Column::text("LABELS", (labels.min(8), labels.min(40)), 11),
    ]
}

/// The agent keeps the hour of connections alone.
fn kept(signal: Signal) -> bool {
    matches!(signal, Signal::Opened | Signal::Active)
}

/// The hour begins with the agent.
fn hour_title(view: View<'_>) -> (&'static str, &'static str) {
    if view.detail.hour.reach().as_secs() >= 55 * 60 {
        ("LAST HOUR", "1 HOUR")
    } else {
        ("SINCE START", "TREND")
    }
}

fn gauge(view: View<'_>, backend: &Backend) -> Gauge {
    Gauge {
        share: backend.share.get(view.signal).unwrap_or(0.0),
        expected: backend.expected_share,
        tolerance: view.pool.tolerance,
        mark: backend.mark(view.signal),
    }
}

fn cells(
    view: View<'_>,
    backend: &Backend,
    (full, rate): (f64, f64),
    widths: &[usize],
) -> Vec<Line<'static>> {
    let gauge = gauge(view, backend);
    let known = *backend.share.get(view.signal);
    let opened = backend.share.opened.map(|part| part * rate);
    let (shape, style) = styles::mark(gauge.mark);
    let address = harmless(&backend.address);
    let address = fitted_end(&address, widths[0].saturating_sub(2)).into_owned();
    let failed = backend.connections.failed;
    let of_failed = if failed > 0 {
        styles::FAILING
    } else {
        styles::PLAIN
    };
    let hour = view.detail.hour.shares(&backend.address, view.signal);
    vec![
        Line::from(vec![
            Span::styled(format!("{shape} "), style),
            Span::raw(address),
        ]),
        gauge.picture(full, widths[1]),
        Line::raw(or_nothing(known, percent)),
        Line::raw(percent(backend.expected_share)),
        Line::raw(or_nothing(known, |_| short(backend.relative(view.signal)))),
        Line::raw(or_nothing(opened, short)),
        Line::raw(count(backend.connections.active)),
        Line::styled(count(failed), of_failed),
        Line::raw(bytes(
            backend.bytes.received.saturating_add(backend.bytes.sent),
        )),
        Line::raw(or_nothing(backend.handshake.mean_seconds, seconds)),
        Line::raw(count(backend.connections.opened)),
        trace(
            hour,
            backend.expected_share,
            widths[11],
            styles::bar(gauge.mark),
        ),
        Line::styled(
            fitted(&labels(backend), widths[12]).into_owned(),
            styles::FAINT,
        ),
    ]
}

fn labels(backend: &Backend) -> String {
    let pairs = backend
        .labels
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    harmless(&pairs.collect::<Vec<_>>().join(" ")).into_owned()
}
