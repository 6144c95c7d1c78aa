//! What the agent counts about its sending, as Prometheus counts its own.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use super::ReceiverKind;

/// What happened with one receiver since it was configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverStatistics {
    /// Its address without anything that may be secret: no query, and of a webhook no path. No two of one kind are alike.
    pub receiver: String,
    /// What it is.
    pub kind: ReceiverKind,
    /// Alerts, or changes, that it accepted; repetitions count.
    pub sent: u64,
    /// Alerts, or changes, that were given up and that it will never know of.
    pub dropped: u64,
    /// Alerts, or changes, in requests that failed or were refused; each attempt counts.
    pub errors: u64,
    /// Alerts, or changes, that are to be sent now.
    pub queue_length: usize,
    /// The most that may wait.
    pub queue_capacity: usize,
    /// How long its requests took, all together, also those that failed.
    pub latency_sum: Duration,
    /// How many requests it was sent.
    pub latency_count: u64,
}

/// Counts of one receiver, kept while it is configured.
#[derive(Debug, Default)]
pub(super) struct Counts {
    sent: AtomicU64,
    dropped: AtomicU64,
    errors: AtomicU64,
    pending: AtomicUsize,
    latency_micros: AtomicU64,
    requests: AtomicU64,
}

impl Counts {
    /// A request with `alerts` was answered, or not, after `took`.
    pub(super) fn requested(&self, alerts: usize, accepted: bool, took: Duration) {
        let outcome = if accepted { &self.sent } else { &self.errors };
        outcome.fetch_add(alerts as u64, Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.latency_micros.fetch_add(micros, Relaxed);
        self.requests.fetch_add(1, Relaxed);
    }

    /// Alerts were given up.
    pub(super) fn dropped(&self, alerts: u64) {
        self.dropped.fetch_add(alerts, Relaxed);
    }

    /// So many alerts wait.
    pub(super) fn pending(&self, alerts: usize) {
        self.pending.store(alerts, Relaxed);
    }

    /// The counts now, of the receiver with this name.
    pub(super) fn sample(
        &self,
        receiver: String,
        kind: ReceiverKind,
        queue_capacity: usize,
    ) -> ReceiverStatistics {
        ReceiverStatistics {
            receiver,
            kind,
            sent: self.sent.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
            errors: self.errors.load(Relaxed),
            queue_length: self.pending.load(Relaxed),
            queue_capacity,
            latency_sum: Duration::from_micros(self.latency_micros.load(Relaxed)),
            latency_count: self.requests.load(Relaxed),
        }
    }
}
