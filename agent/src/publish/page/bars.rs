//! A small picture of a pool: one bar per backend, its height the share, with a mark at the expected share.

use std::fmt::{self, Write};

use super::html::{Percent, Text};
use crate::model::{PoolState, Signal};

/// Bars of one picture. A larger pool shows its hottest backends.
const MOST_BARS: usize = 48;

/// Up to how many bars they are drawn wide.
const WIDE_BARS: usize = 16;

/// In pixels, as are all lengths here.
const HEIGHT: f64 = 34.0;

/// One backend's part of its pool's traffic.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    /// The backend's place in the pool.
    pub(super) index: usize,
    pub(super) share: f64,
    /// Greater than zero.
    pub(super) expected: f64,
}

impl Load {
    /// How much the backend gets for each part that it should get.
    pub(super) fn relative(&self) -> f64 {
        self.share / self.expected
    }
}

/// The loads of the backends of `pool`; none when there is no traffic.
pub(super) fn loads(pool: &PoolState, signal: Signal) -> impl Iterator<Item = Load> {
    let expected = pool.pool.expected.shares().iter();
    let backends = pool.backends.iter().zip(expected).enumerate();
    backends.filter_map(move |(index, (backend, expected))| {
        Some(Load {
            index,
            share: (*backend.shares.get(signal))?,
            expected: *expected,
        })
    })
}

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
    write!(
        out,
        "<svg width=\"{total}\" height=\"{HEIGHT}\" viewBox=\"0 0 {total} {HEIGHT}\" role=\"img\" aria-label=\"shares of the backends\">"
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
        "<g><title>{}: {}, expected {}</title>",
        Text(name),
        Percent(load.share),
        Percent(load.expected)
    )?;
    write_part(out, "room", x, width, HEIGHT - expected, expected)?;
    write_part(out, "within", x, width, HEIGHT - within, within)?;
    if share > expected {
        write_part(out, "over", x, width, HEIGHT - share, share - expected)?;
    }
    // The line stays inside of the picture when the expected share is the highest.
    let line = (HEIGHT - expected - 0.75).max(0.0);
    write_part(out, "line", x, width, line, 1.5)?;
    out.write_str("</g>")
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
