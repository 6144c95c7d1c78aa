//! A small picture of a pool: one bar per backend, its height the share, with a mark at the expected share.

use std::fmt::{self, Write};

use super::html::{Percent, Text};
use crate::model::{PoolState, Side, Signal};
use crate::publish::shown::{Load, loads};

/// Bars of one picture. A larger pool shows its hottest backends.
const MOST_BARS: usize = 48;

/// Up to how many bars they are drawn wide.
const WIDE_BARS: usize = 16;

/// Of the bars; in pixels, as are all lengths here.
const HEIGHT: f64 = 34.0;

/// Room for marks below the bars.
const MARKS: f64 = 9.0;

/// Writes the picture as SVG; nothing when there is no traffic.
pub(super) fn write(out: &mut impl Write, pool: &PoolState, signal: Signal) -> fmt::Result {
    let mut loads: Vec<Load> = loads(pool, signal).collect();
    let all = loads.len();
    if all > MOST_BARS {
        loads.sort_by(|one, other| other.relative().total_cmp(&one.relative()));
        loads.truncate(MOST_BARS);
    }
    let highest = loads
        .iter()
        .map(|load| load.share.max(load.expected))
        .fold(0.0, f64::max);
    if highest <= 0.0 {
        return Ok(());
    }
    let (pitch, width) = if loads.len() <= WIDE_BARS {
        (13, 10)
    } else {
        (5, 4)
    };
    let total = loads.len() * pitch;
    let height = HEIGHT + MARKS;
    write!(
        out,
        "<svg width=\"{total}\" height=\"{height}\" viewBox=\"0 0 {total} {height}\" role=\"img\" aria-label=\"shares of the backends\">"
    )?;
    for (place, load) in loads.iter().enumerate() {
        let name = pool.pool.names.get(load.index).map_or("", String::as_str);
        write_bar(out, load, name, place * pitch, width, HEIGHT / highest)?;
    }
    out.write_str("</svg>")?;
    if all > MOST_BARS {
        write!(out, " <small>the {MOST_BARS} hottest</small>")?;
    }
    Ok(())
}

fn write_bar(
    out: &mut impl Write,
    load: &Load,
    name: &str,
    x: usize,
    width: usize,
    scale: f64,
) -> fmt::Result {
    let (share, expected) = (load.share * scale, load.expected * scale);
    let within = share.min(expected);
    write!(
        out,
        "<g><title>{}: {}, expected {}{}</title>",
        Text(name),
        Percent(load.share),
        Percent(load.expected),
        match load.side {
            None => "",
            Some((Signal::Failed, _)) => ", failing",
            Some((_, Side::Hot)) => ", hot",
            Some((_, Side::Cold)) => ", cold",
        }
    )?;
    write_part(out, "room", x, width, HEIGHT - expected, expected)?;
    write_part(out, "within", x, width, HEIGHT - within, within)?;
    if share > expected {
        write_part(out, "over", x, width, HEIGHT - share, share - expected)?;
    }
    // The line stays inside of the picture when the expected share is the highest.
    let line = (HEIGHT - expected - 0.75).max(0.0);
    write_part(out, "line", x, width, line, 1.5)?;
    if let Some(side) = load.side {
        write_mark(out, side, x, width)?;
    }
    out.write_str("</g>")
}

/// A triangle up or down, or a cross, below the bar.
fn write_mark(
    out: &mut impl Write,
    (signal, side): (Signal, Side),
    x: usize,
    width: usize,
) -> fmt::Result {
    let (left, right) = (x, x + width);
    let (middle, top, low) = (
        f64::from(u32::try_from(left + right).unwrap_or(u32::MAX)) / 2.0,
        HEIGHT + 3.0,
        HEIGHT + MARKS,
    );
    match (signal, side) {
        (Signal::Failed, _) => write!(
            out,
            "<path class=\"cross\" d=\"M{left} {top}L{right} {low}M{right} {top}L{left} {low}\"/>"
        ),
        (_, Side::Hot) => write!(
            out,
            "<path class=\"hot\" d=\"M{left} {low}L{right} {low}L{middle} {top}Z\"/>"
        ),
        (_, Side::Cold) => write!(
            out,
            "<path class=\"cold\" d=\"M{left} {top}L{right} {top}L{middle} {low}Z\"/>"
        ),
    }
}

fn write_part(
    out: &mut impl Write,
    class: &str,
    x: usize,
    width: usize,
    y: f64,
    height: f64,
) -> fmt::Result {
    write!(
        out,
        "<rect class=\"{class}\" x=\"{x}\" y=\"{y:.1}\" width=\"{width}\" height=\"{height:.1}\"/>"
    )
}
