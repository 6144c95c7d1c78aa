//! A pool in short, as the list of all pools shows it: rounded, so that it changes only when it looks different.

use serde::Serialize;

use crate::model::{PoolState, Role, Side, Signal, Source, State, Verdict};
use crate::publish::shown::{Load, elapsed, loads, signal_of};

/// Backends in the small picture; a larger pool shows its hottest.
const MOST_BARS: usize = 24;

/// One row of the list.
#[derive(Debug, Serialize)]
pub(super) struct Summary<'a> {
    name: &'a str,
    role: Role,
    source: Source,
    verdict: Verdict,
    backends: usize,
    /// Connections opened per second, over the window.
    rate: f64,
    active: u64,
    /// What the rest is about: the signal in which the pool is skewed, if it is.
    signal: Signal,
    max_to_mean: Option<f64>,
    gini: Option<f64>,
    gini_by_chance: Option<f64>,
    /// Share, expected share, both in thousandths, and 1, -1 or 0 for hot, cold or neither; 2 if connections fail.
    bars: Vec<(u16, u16, i8)>,
    worst: Option<Worst<'a>>,
    /// Backends with a mark.
    marked: usize,
}

/// The backend that is furthest from where it should be.
#[derive(Debug, Serialize)]
struct Worst<'a> {
    address: &'a str,
    share: f64,
    expected: f64,
    mark: i8,
}

impl<'a> Summary<'a> {
    pub(super) fn of(pool: &'a PoolState, state: &State) -> Self {
        let signal = signal_of(pool);
        let mut loads: Vec<Load> = loads(pool, signal).collect();
        let marked = loads.iter().filter(|load| load.side.is_some()).count();
        let worst = worst(&loads).map(|load| Worst {
            address: pool.pool.names.get(load.index).map_or("", String::as_str),
            share: rounded(load.share, 3),
            expected: rounded(load.expected, 3),
            mark: mark(load.side),
        });
        if loads.len() > MOST_BARS {
            loads.sort_by(|one, other| other.relative().total_cmp(&one.relative()));
            loads.truncate(MOST_BARS);
        }
        let measures = pool.signals.get(signal).measures.as_ref();
        let seconds = elapsed(state).as_secs_f64();
        let opened = pool.signals.opened.total;
        Self {
            name: &pool.pool.spec.name,
            role: pool.pool.spec.role,
            source: pool.pool.spec.source,
            verdict: pool.verdict,
            backends: pool.backends.len(),
            rate: if seconds > 0.0 {
                significant(opened / seconds)
            } else {
                0.0
            },
            active: pool.backends.iter().map(|backend| backend.active).sum(),
            signal,
            max_to_mean: measures.map(|found| rounded(found.max_to_mean, 2)),
            gini: measures.map(|found| rounded(found.gini, 3)),
            gini_by_chance: measures.map(|found| rounded(found.gini_by_chance, 3)),
            bars: loads.iter().map(bar).collect(),
            worst,
            marked,
        }
    }
}

/// Of the marked backends the one furthest from its share, or of all if none is marked.
fn worst(loads: &[Load]) -> Option<&Load> {
    let key = |load: &&Load| (load.side.is_some(), (load.relative() - 1.0).abs());
    loads.iter().max_by(|one, other| {
        key(one)
            .partial_cmp(&key(other))
            .unwrap_or(std::cmp::Ordering::Equal)
    })
}

fn bar(load: &Load) -> (u16, u16, i8) {
    (
        thousandths(load.share),
        thousandths(load.expected),
        mark(load.side),
    )
}

fn mark(side: Option<(Signal, Side)>) -> i8 {
    match side {
        Some((Signal::Failed, _)) => 2,
        Some((_, side)) => side.sign(),
        None => 0,
    }
}

fn thousandths(share: f64) -> u16 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share is from 0 to 1"
    )]
    let part = (share.clamp(0.0, 1.0) * 1000.0).round() as u16;
    part
}

fn rounded(value: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    (value * scale).round() / scale
}

/// To three significant digits, but never finer than hundredths.
fn significant(value: f64) -> f64 {
    match value {
        large if large >= 1000.0 => (large / 10.0).round() * 10.0,
        middle if middle >= 100.0 => middle.round(),
        small if small >= 10.0 => rounded(small, 1),
        tiny => rounded(tiny, 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_exact_as_they_are_shown() {
        for (value, shown) in [
            (0.004, 0.0),
            (1.234, 1.23),
            (12.34, 12.3),
            (123.4, 123.0),
            (12_345.0, 12_350.0),
        ] {
            assert!((significant(value) - shown).abs() < 1e-9, "{value}");
        }
        assert_eq!(thousandths(0.3334), 333);
        assert_eq!(thousandths(1.0), 1000);
    }
}
