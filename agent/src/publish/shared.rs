//! What all request handlers share.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::access::AccessHandle;
use super::alerts::AlertsHandle;
use super::health::Pulse;
use super::hour::Hour;
use super::limits::Limits;
use super::prometheus::{Process, Scrape, boot_time};
use super::render::Gate;
use super::traffic::Traffic;
use crate::discovery::{DiscoveryHandle, DiscoveryStatus};
use crate::model::State;
use crate::recording::RecordingStatistics;
use crate::reload::ReloadHandle;

/// Parts of the agent that tell of themselves, as far as they run.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) alerts: Option<AlertsHandle>,
    pub(super) recording: Option<RecordingStatistics>,
    pub(super) discovery: Option<DiscoveryHandle>,
}

/// What handlers read from, and the limits they keep.
#[derive(Debug)]
pub(super) struct Shared {
    states: watch::Receiver<Arc<State>>,
    pub(super) reload: ReloadHandle,
    parts: Parts,
    pub(super) limits: Limits,
    /// Who is let in.
    pub(super) access: AccessHandle,
    pub(super) pulse: Pulse,
    pub(super) traffic: Traffic,
    /// For `/metrics` alone, so that no other reader can keep Prometheus out.
    pub(super) scrapes: Gate,
    /// For the page and the API.
    pub(super) pages: Gate,
    /// For readers that stay: a place for each.
    pub(super) streams: Arc<Semaphore>,
    /// The shares of the last hour.
    pub(super) hour: Hour,
    /// Cancelled when connections should end.
    pub(super) closing: CancellationToken,
    /// The name of this host, for the page.
    pub(super) host: String,
    booted: Option<u64>,
}

impl Shared {
    pub(super) fn new(
        states: watch::Receiver<Arc<State>>,
        reload: ReloadHandle,
        parts: Parts,
        limits: Limits,
        access: AccessHandle,
        closing: CancellationToken,
    ) -> Self {
        let host = if states.borrow().kernel.fleet.is_some() {
            "the fleet".to_owned()
        } else {
            fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default()
        };
        Self {
            states,
            reload,
            parts,
            pulse: Pulse::new(),
            traffic: Traffic::default(),
            scrapes: Gate::new(limits.scrapes, limits.patience()),
            pages: Gate::new(limits.pages, limits.patience()),
            streams: Arc::new(Semaphore::new(limits.streams)),
            hour: Hour::new(),
            access,
            closing,
            host: host.trim().to_owned(),
            booted: boot_time(),
            limits,
        }
    }

    /// What the engine published last.
    pub(super) fn state(&self) -> Arc<State> {
        Arc::clone(&self.states.borrow())
    }

    /// Tells of each publication of the engine.
    pub(super) fn states(&self) -> watch::Receiver<Arc<State>> {
        self.states.clone()
    }

    /// How old the last tick may be before it is worth telling.
    pub(super) fn patience(&self) -> Duration {
        let state = self.state();
        let delay = state.kernel.fleet.as_ref().map(|fleet| fleet.delay);
        self.limits.late.max(state.interval * 3) + delay.unwrap_or_default()
    }

    /// Notes each publication of the engine, until the engine is gone.
    pub(super) async fn watch_pulse(&self) {
        let mut states = self.states();
        while states.changed().await.is_ok() {
            self.pulse.beat();
            let state = Arc::clone(&states.borrow_and_update());
            self.hour.note(&state);
        }
    }

    /// What a scrape shows now.
    pub(super) fn scrape(&self) -> Scrape {
        Scrape {
            state: self.state(),
            reload: self.reload.status(),
            process: Process::sample(self.booted),
            traffic: self.traffic.sample(),
            alerts: self
                .parts
                .alerts
                .as_ref()
                .map_or_else(Vec::new, AlertsHandle::statistics),
            recording: self
                .parts
                .recording
                .as_ref()
                .map(RecordingStatistics::sample),
            discovery: self.discovery(),
        }
    }

    /// How the sources of pools are.
    pub(super) fn discovery(&self) -> DiscoveryStatus {
        let handle = self.parts.discovery.as_ref();
        handle.map_or_else(DiscoveryStatus::default, DiscoveryHandle::status)
    }
}
