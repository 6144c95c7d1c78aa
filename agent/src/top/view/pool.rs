//! One pool: what is found of it, the share of each backend against what it should be, and what else is known.

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::text::{Line, Span};

use super::numbers::{percent, power, short, since};
use super::story::{Story, noun};
use super::table::{narrow, put};
use super::{backends, facts, styles, text};
use crate::model::{Signal, Verdict};
use crate::top::feed::told::Pool;
use crate::top::plain::harmless;
use crate::top::ui::{Cursor, PoolPlace, Seen};
use crate::top::world::{Detail, Shown, World};

/// From so many columns on, what else is known stands beside the shares.
const WIDE: u16 = 150;
/// From so many rows on, it stands below them.
const TALL: u16 = 10;

/// What is drawn of a pool.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) world: &'a World,
    pub(super) detail: &'a Detail,
    pub(super) pool: &'a Pool,
    pub(super) place: &'a PoolPlace,
    /// The signal whose shares are shown.
    pub(super) signal: Signal,
}

/// Draws the pool.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, world: &World, place: &PoolPlace) -> Seen {
    let detail = world
        .detail
        .as_ref()
        .filter(|detail| detail.name == place.name);
    let (detail, pool) = match detail.map(|detail| (detail, &detail.shown)) {
        Some((detail, Shown::Pool(pool))) => (detail, pool),
        Some((_, Shown::Missing)) => {
            return nothing(
                buffer,
                area,
                place,
                "There is no such pool any longer. Esc goes back.",
            );
        }
        Some((_, Shown::Waiting)) | None => {
            return nothing(buffer, area, place, "Waiting for the first figures …");
        }
    };
    let shown = world.rows.get(&pool.name).map(|row| row.signal);
    let view = View {
        world,
        detail,
        pool,
        place,
        signal: place.signal.or(shown).unwrap_or(Signal::Opened),
    };
    // Shares are what one comes for: the words before them get no more than a third.
    let most = usize::from(area.height / 3).max(1);
    let head = head(view, area.width.into(), most);
    for (y, line) in (0..area.height).zip(&head) {
        put(buffer, area, 0, y, line, area.width.into());
    }
    let taken = narrow(head.len()).min(area.height);
    let rest = Rect {
        y: area.y + taken,
        height: area.height - taken,
        ..area
    };
    body(buffer, rest, view)
}

fn nothing(buffer: &mut Buffer, area: Rect, place: &PoolPlace, what: &str) -> Seen {
    let name = Line::styled(harmless(&place.name).into_owned(), styles::STRONG);
    put(buffer, area, 0, 0, &name, area.width.into());
    put(
        buffer,
        area,
        0,
        2,
        &Line::styled(what.to_owned(), styles::FAINT),
        area.width.into(),
    );
    Seen::default()
}

/// Name, verdict, what it means, and why: at most so many lines.
fn head(view: View<'_>, room: usize, most: usize) -> Vec<Line<'static>> {
    let pool = view.pool;
    let (shape, style) = styles::verdict(pool.verdict);
    let mut lines = vec![Line::from(vec![
        Span::styled(harmless(&pool.name).into_owned(), styles::STRONG),
        Span::styled(format!("  {shape} {}", pool.verdict), style),
        Span::styled(
            format!(
                "  {} · {} · {} backends · tolerance ±{:.0} %",
                harmless(&pool.role),
                harmless(&pool.source),
                pool.backends.len(),
                pool.tolerance * 100.0
            ),
            styles::FAINT,
        ),
    ])];
    let mut story = Story::new(room);
    let now = view.world.clock();
    let on = view
        .detail
        .incidents
        .iter()
        .find(|incident| incident.ended.is_none());
    match on {
        Some(incident) => {
            let cause = incident.cause.id.replace('_', " ");
            let head = format!("▲ {cause}, for {}: ", since(incident.started, now));
            story.tell(0, (&head, styles::ALARM), &incident.cause.text);
        }
        None => story.tell(0, ("", styles::PLAIN), &pool.explanation),
    }
    let mut said = story.lines;
    let measured = measured(view, room);
    let left = most.saturating_sub(2);
    if said.len() > left {
        said.truncate(left);
        if let Some(last) = said.last_mut() {
            last.push_span(Span::styled(" …", styles::FAINT));
        }
    }
    lines.extend(said);
    if most >= 2 {
        lines.push(measured);
    }
    lines
}

/// How the signal that is shown is spread.
fn measured(view: View<'_>, room: usize) -> Line<'static> {
    let signal = view.signal;
    let mut spans = vec![Span::styled(noun(signal), styles::STRONG)];
    let measures = view.pool.measures.get(signal).as_ref();
    match measures {
        Some(found) => {
            spans.push(Span::raw(format!(
                "  max/mean {}",
                short(found.max_to_mean)
            )));
            spans.push(Span::raw(format!("  Gini {:.3}", found.gini)));
        }
        None => spans.push(Span::raw("  none within the window")),
    }
    if let Some(judged) = view.pool.judgements.get(signal) {
        let bad = matches!(judged.verdict, Verdict::Skewed | Verdict::Suspect);
        let style = if bad { styles::WARNING } else { styles::PLAIN };
        let (evidence, needed) = (power(judged.evidence), power(judged.threshold));
        let text = format!("  evidence {evidence} of {needed}");
        spans.push(Span::styled(text, style));
    }
    if let Some(found) = measures {
        let chance = found.gini_by_chance;
        spans.push(Span::raw(format!(
            "  wasted {}",
            percent(found.wasted_capacity)
        )));
        spans.push(Span::raw(format!("  Gini by chance {chance:.3}")));
    }
    let mut used = 0;
    // What does not fit as a whole is left out: a number that is cut is another one.
    spans.retain(|span| {
        used += span.width();
        used <= room
    });
    Line::from(spans)
}

/// The shares, and what else is known: side by side, one below the other, or one of both.
fn body(buffer: &mut Buffer, area: Rect, view: View<'_>) -> Seen {
    let place = view.place;
    let rows = narrow(view.pool.backends.len()).saturating_add(1);
    let (shares, facts) = if area.width >= WIDE {
        let side = (area.width / 3).min(narrow(text::WIDEST));
        let shares = Rect {
            width: area.width - side - 3,
            ..area
        };
        let facts = Rect {
            x: area.right() - side,
            width: side,
            ..area
        };
        (shares, facts)
    } else if area.height > rows.saturating_add(TALL) {
        let shares = Rect {
            height: rows,
            ..area
        };
        let facts = Rect {
            y: area.y + rows + 1,
            height: area.height - rows - 1,
            ..area
        };
        (shares, facts)
    } else if place.facts {
        return tell(buffer, area, view, place.facts_cursor);
    } else {
        return backends::draw(buffer, area, view, Some(place.cursor));
    };
    let of_shares = backends::draw(buffer, shares, view, (!place.facts).then_some(place.cursor));
    let of_facts = tell(buffer, facts, view, place.facts_cursor);
    if place.facts { of_facts } else { of_shares }
}

fn tell(buffer: &mut Buffer, area: Rect, view: View<'_>, cursor: Cursor) -> Seen {
    let room = usize::from(area.width).min(text::WIDEST);
    let lines = facts::lines(view.world, view.detail, view.pool, room);
    text::draw(buffer, area, &lines, cursor)
}
