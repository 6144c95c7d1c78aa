//! Which figures of a pool are shown: of which signal, over what time.

use std::time::Duration;

use crate::model::{BackendState, PoolState, Side, Signal, State, Verdict};

/// One backend's part of its pool's traffic.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    /// The backend's place in the pool.
    pub(super) index: usize,
    pub(super) share: f64,
    /// Greater than zero.
    pub(super) expected: f64,
    /// What was found of it, and in which signal.
    pub(super) side: Option<(Signal, Side)>,
}

impl Load {
    /// How much the backend gets for each part that it should get.
    pub(super) fn relative(&self) -> f64 {
        self.share / self.expected
    }
}

/// The loads of the backends of `pool`; none when there is no traffic.
pub(super) fn loads(pool: &PoolState, signal: Signal) -> impl Iterator<Item = Load> {
    let backends = pool.backends.iter().enumerate();
    backends.filter_map(move |(index, backend)| {
        Some(Load {
            index,
            share: (*backend.shares.get(signal))?,
            expected: backend.expected_share,
            side: side(backend, signal),
        })
    })
}

/// The signal in which the pool is skewed. Otherwise connections opened, which are what balancers spread; a pool without any
/// within the window is shown by those open.
pub(super) fn signal_of(pool: &PoolState) -> Signal {
    let quiet = pool.signals.opened.measures.is_none();
    let usual = if quiet && pool.signals.active.measures.is_some() {
        Signal::Active
    } else {
        Signal::Opened
    };
    skewed_in(pool).unwrap_or(usual)
}

/// The signal in which a pool is worst, if its shares are skewed in any.
fn skewed_in(pool: &PoolState) -> Option<Signal> {
    let shares = [Signal::Opened, Signal::Active, Signal::Bytes];
    shares.into_iter().find(|signal| {
        let judgement = pool.signals.get(*signal).judgement;
        judgement.is_some_and(|found| found.verdict == Verdict::Skewed)
    })
}

/// The mark of a backend in a signal, or else whether connections to it fail.
fn side(backend: &BackendState, signal: Signal) -> Option<(Signal, Side)> {
    [signal, Signal::Failed]
        .into_iter()
        .find_map(|signal| Some((signal, (*backend.skewed.get(signal))?)))
}

/// How much of the window has passed: all of it, except just after the start.
pub(super) fn elapsed(state: &State) -> Duration {
    let ticks = u32::try_from(state.tick).unwrap_or(u32::MAX);
    state.interval.saturating_mul(ticks).min(state.window)
}
