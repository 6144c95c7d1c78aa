//! The shares of the last hour, for every pool, so that whoever opens the page after an alert sees the onset.
//!
//! All pools together get a fixed amount of memory. A point is taken every [`FINEST`] while the hour of all backends fits
//! into it, otherwise every 20 s, 40 s and so on: shares over a sliding window do not jump, so that a coarser step
//! loses little. What is kept ends with the agent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::model::{Pool, Signal, State};

/// How far back it reaches.
const REACH: Duration = Duration::from_secs(60 * 60);

/// The finest step, and the coarsest: eleven points an hour, for a hundred thousand backends.
const FINEST: Duration = Duration::from_secs(10);
const COARSEST: Duration = Duration::from_secs(320);

/// Bytes for all points of all pools, unless the coarsest step needs more.
const BUDGET: usize = 2 << 20;

/// What is kept: where nearly every skew shows.
pub(super) const SIGNALS: [Signal; 2] = [Signal::Opened, Signal::Active];

/// A share in two bytes: 0 if there was none, otherwise one more than its part of [`WHOLE`].
type Cell = u16;
const WHOLE: f64 = 65_534.0;

/// The shares of all pools, kept up by one task and read by others.
#[derive(Debug)]
pub(super) struct Hour(Mutex<Points>);

impl Hour {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Points {
            step: FINEST,
            times: Vec::new(),
            tracks: Vec::new(),
        }))
    }

    /// Takes a point of `state` if it is time for one.
    pub(super) fn note(&self, state: &State) {
        self.points().note(state);
    }

    /// When the last point was taken.
    pub(super) fn last(&self) -> Option<SystemTime> {
        self.points().times.last().copied()
    }

    /// The points of the pool called `name` that were taken later than `after`; `None` if there is no such pool yet.
    pub(super) fn of(&self, name: &str, after: Option<SystemTime>) -> Option<Trace> {
        self.points().of(name, after)
    }

    fn points(&self) -> MutexGuard<'_, Points> {
        // What is behind a poisoned lock is still shares.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The points of one pool.
#[derive(Debug)]
pub(super) struct Trace {
    pub(super) step: Duration,
    pub(super) times: Vec<SystemTime>,
    pub(super) pool: Arc<Pool>,
    /// Row by row, each with the backends' shares of the first signal, then of the second.
    cells: Vec<Cell>,
}

impl Trace {
    /// The shares of a backend, in the order of `times`; `None` while the pool had nothing of the signal.
    pub(super) fn shares(
        &self,
        signal: usize,
        backend: usize,
    ) -> impl Iterator<Item = Option<f64>> {
        let backends = self.pool.names.len();
        let place = signal * backends + backend;
        let rows = self.cells.chunks_exact(width(backends));
        rows.map(move |row| decode(row[place]))
    }
}

#[derive(Debug)]
struct Points {
    step: Duration,
    times: Vec<SystemTime>,
    /// Ordered by name, each with a row for each of `times`.
    tracks: Vec<Track>,
}

#[derive(Debug)]
struct Track {
    pool: Arc<Pool>,
    cells: Vec<Cell>,
}

impl Points {
    fn note(&mut self, state: &State) {
        if !self.is_due(state) {
            return;
        }
        let same = self.tracks.len() == state.pools.len()
            && self
                .tracks
                .iter()
                .zip(&state.pools)
                .all(|(track, pool)| Arc::ptr_eq(&track.pool, &pool.pool));
        if !same {
            self.regroup(state);
        }
        let most = points(self.step);
        let full = self.times.len() >= most;
        if full {
            self.times.drain(..=self.times.len() - most);
        }
        self.times.push(state.taken);
        for (track, pool) in self.tracks.iter_mut().zip(&state.pools) {
            if full {
                let keep = (self.times.len() - 1) * width(pool.backends.len());
                track.cells.drain(..track.cells.len() - keep);
            }
            for signal in SIGNALS {
                let shares = pool.backends.iter().map(|one| *one.shares.get(signal));
                track.cells.extend(shares.map(encode));
            }
        }
    }

    /// Whether a step has passed. A clock that was set back begins a new hour.
    fn is_due(&mut self, state: &State) -> bool {
        let Some(last) = self.times.last() else {
            return state.tick > 0;
        };
        if let Ok(passed) = state.taken.duration_since(*last) {
            // Ticks come a little early or late.
            return passed + state.interval / 2 >= self.step;
        }
        self.times.clear();
        self.tracks.clear();
        true
    }

    /// Follows the pools as they are now; backends that stay keep their shares.
    fn regroup(&mut self, state: &State) {
        let backends = state.pools.iter().map(|pool| pool.backends.len()).sum();
        while self.step < COARSEST && bytes(backends, self.step) > BUDGET {
            self.coarsen();
        }
        let old: HashMap<&str, &Track> = self
            .tracks
            .iter()
            .map(|track| (track.pool.spec.name.as_str(), track))
            .collect();
        let (rows, most) = (self.times.len(), points(self.step));
        let tracks = state.pools.iter().map(|pool| {
            let before = old.get(pool.pool.spec.name.as_str()).copied();
            Track::inherit(&pool.pool, before, rows, most)
        });
        self.tracks = tracks.collect();
    }

    /// Doubles the step: every second point goes, the last one stays.
    fn coarsen(&mut self) {
        let rows = self.times.len();
        let stays = |row: usize| (rows - 1 - row).is_multiple_of(2);
        for track in &mut self.tracks {
            let rows = track.cells.chunks_exact(width(track.pool.names.len()));
            let kept = rows.enumerate().filter(|(row, _)| stays(*row));
            track.cells = kept.flat_map(|(_, cells)| cells).copied().collect();
        }
        let mut row = 0..;
        self.times.retain(|_| row.next().is_some_and(stays));
        self.step *= 2;
    }

    fn of(&self, name: &str, after: Option<SystemTime>) -> Option<Trace> {
        let by_name = |track: &Track| track.pool.spec.name.as_str().cmp(name);
        let track = &self.tracks[self.tracks.binary_search_by(by_name).ok()?];
        let from = after.map_or(0, |after| self.times.partition_point(|time| *time <= after));
        Some(Trace {
            step: self.step,
            times: self.times[from..].to_vec(),
            pool: Arc::clone(&track.pool),
            cells: track.cells[from * width(track.pool.names.len())..].to_vec(),
        })
    }
}

impl Track {
    /// A track with `rows` rows and room for `most`, with what `old` has of the same backends.
    fn inherit(pool: &Arc<Pool>, old: Option<&Self>, rows: usize, most: usize) -> Self {
        let backends = pool.names.len();
        let mut cells = Vec::with_capacity(most * width(backends));
        cells.resize(rows * width(backends), 0);
        if let Some(old) = old {
            let before = old.pool.names.len();
            let places: HashMap<&str, usize> = (old.pool.names.iter().map(String::as_str))
                .zip(0..)
                .collect();
            for (to, name) in pool.names.iter().enumerate() {
                let is_same = |from: &&usize| {
                    !pool.spec.backends[to].replaces(&old.pool.spec.backends[**from])
                };
                let Some(&from) = places.get(name.as_str()).filter(is_same) else {
                    continue;
                };
                for line in 0..rows * SIGNALS.len() {
                    cells[line * backends + to] = old.cells[line * before + from];
                }
            }
        }
        Self {
            pool: Arc::clone(pool),
            cells,
        }
    }
}

/// Cells of one point of a pool.
fn width(backends: usize) -> usize {
    backends * SIGNALS.len()
}

/// Points in an hour.
fn points(step: Duration) -> usize {
    usize::try_from(REACH.as_secs() / step.as_secs().max(1)).unwrap_or(usize::MAX)
}

fn bytes(backends: usize, step: Duration) -> usize {
    points(step) * width(backends) * size_of::<Cell>()
}

fn encode(share: Option<f64>) -> Cell {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share is from 0 to 1"
    )]
    let part = |share: f64| (share.clamp(0.0, 1.0) * WHOLE).round() as Cell + 1;
    share.map_or(0, part)
}

/// To four decimals, which is what two bytes hold.
fn decode(cell: Cell) -> Option<f64> {
    let share = f64::from(cell.checked_sub(1)?) / WHOLE;
    Some((share * 1e4).round() / 1e4)
}

#[cfg(test)]
mod tests;
