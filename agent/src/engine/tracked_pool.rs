//! One pool as it is tracked: which endpoints it consists of, and what they did within the window.

use std::sync::Arc;

use evenkeel_skew::Meter;

use super::endpoints::{Endpoints, Slot};
use super::window::{Shape, Window};
use crate::model::{BackendState, PerSignal, Pool, PoolState, SignalState, Verdict};

/// A pool with its window.
#[derive(Debug)]
pub(super) struct TrackedPool {
    pool: Arc<Pool>,
    slots: Vec<Slot>,
    window: Window,
}

impl TrackedPool {
    /// Tracks a pool; what `old`, the pool of that name so far, knows of the backends that stay is kept.
    pub(super) fn new(pool: Arc<Pool>, shape: Shape, old: Option<&Self>) -> Self {
        let window = match old {
            Some(old) => Window::inherit(&old.window, &origins(&old.pool, &pool)),
            None => Window::new(shape, pool.endpoints.len()),
        };
        Self {
            pool,
            slots: Vec::new(),
            window,
        }
    }

    /// The pool as it was described.
    pub(super) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Finds the pool's endpoints in the table, whose slots have changed.
    pub(super) fn bind(&mut self, endpoints: &mut Endpoints) {
        self.slots.clear();
        let found = self
            .pool
            .endpoints
            .iter()
            .map(|endpoint| endpoints.slot(*endpoint));
        self.slots.extend(found);
    }

    /// Takes what the endpoints did in this tick into the window.
    pub(super) fn advance(&mut self, endpoints: &Endpoints) {
        self.window.advance();
        for (backend, slot) in self.slots.iter().enumerate() {
            self.window.add(backend, endpoints.get(*slot).sample);
        }
    }

    /// Writes the pool as it is now over `state`, whose memory is used again.
    pub(super) fn write(&self, endpoints: &Endpoints, meter: &mut Meter, state: &mut PoolState) {
        if !Arc::ptr_eq(&state.pool, &self.pool) {
            state.pool = Arc::clone(&self.pool);
        }
        state.signals = self.signals(meter);
        let (signals, sums) = (&state.signals, self.window.sums());
        let ticks = f64::from(self.window.ticks().max(1));
        state.backends.clear();
        state
            .backends
            .extend(self.slots.iter().enumerate().map(|(backend, slot)| {
                let tracked = endpoints.get(*slot);
                let share = |load: f64, signal: &SignalState| {
                    (signal.total > 0.0).then(|| load / signal.total)
                };
                BackendState {
                    counters: tracked.counters,
                    active: tracked.active,
                    shares: PerSignal {
                        opened: share(sums.opened[backend] as f64, &signals.opened),
                        active: share(sums.active[backend] as f64 / ticks, &signals.active),
                        bytes: share(sums.bytes[backend] as f64, &signals.bytes),
                        failed: share(sums.failed[backend] as f64, &signals.failed),
                    },
                    expected_share: self.pool.expected.shares()[backend],
                    skewed: PerSignal::default(),
                }
            }));
    }

    /// A state to be written over.
    pub(super) fn blank(&self) -> PoolState {
        PoolState {
            pool: Arc::clone(&self.pool),
            backends: Vec::with_capacity(self.slots.len()),
            signals: PerSignal::default(),
            verdict: Verdict::Unknown,
            detection_time: None,
            dispersion: 1.0,
        }
    }

    fn signals(&self, meter: &mut Meter) -> PerSignal<SignalState> {
        let sums = self.window.sums();
        let total = |loads: &[u64]| loads.iter().map(|load| *load as f64).sum::<f64>();
        let opened = total(&sums.opened);
        let active = total(&sums.active) / f64::from(self.window.ticks().max(1));
        let mut signal = |loads: &[u64], total: f64, connections: f64| SignalState {
            total,
            // The lengths agree: window and shares are made of the same pool.
            measures: meter
                .measure_sample(&self.pool.expected, loads, connections)
                .ok()
                .flatten(),
            judgement: None,
        };
        PerSignal {
            opened: signal(&sums.opened, opened, opened),
            active: signal(&sums.active, active, active),
            // Bytes come in connections, and it is their number that chance plays with.
            bytes: signal(&sums.bytes, total(&sums.bytes), opened + active),
            failed: signal(&sums.failed, total(&sums.failed), total(&sums.failed)),
        }
    }
}

/// For each backend of `new`, its place in `old`.
fn origins(old: &Pool, new: &Pool) -> Vec<Option<usize>> {
    let places: std::collections::HashMap<_, _> = old
        .endpoints
        .iter()
        .enumerate()
        .map(|(place, endpoint)| (endpoint, place))
        .collect();
    new.endpoints
        .iter()
        .map(|endpoint| places.get(endpoint).copied())
        .collect()
}
