//! What all request handlers share.

use std::fs;
use std::sync::Arc;

use tokio::sync::watch;

use super::alerts::AlertsHandle;
use super::health::Pulse;
use super::limits::Limits;
use super::prometheus::{Process, Scrape, boot_time};
use super::render::Gate;
use super::traffic::Traffic;
use crate::discovery::{DiscoveryHandle, DiscoveryStatus};
use crate::model::State;
use crate::recording::RecordingStatistics;
use crate::reload::ReloadHandle;

/// What handlers read from, and the limits they keep.
#[derive(Debug)]
pub(super) struct Shared {
    states: watch::Receiver<Arc<State>>,
    pub(super) reload: ReloadHandle,
    alerts: Option<AlertsHandle>,
    recording: Option<RecordingStatistics>,
    discovery: Option<DiscoveryHandle>,
    pub(super) limits: Limits,
    pub(super) pulse: Pulse,
    pub(super) traffic: Traffic,
    /// For `/metrics` alone, so that no other reader can keep Prometheus out.
    pub(super) scrapes: Gate,
    /// For the page and the API.
    pub(super) pages: Gate,
    /// The name of this host, for the page.
    pub(super) host: String,
    booted: Option<u64>,
}

impl Shared {
    pub(super) fn new(
        states: watch::Receiver<Arc<State>>,
        reload: ReloadHandle,
        alerts: Option<AlertsHandle>,
        recording: Option<RecordingStatistics>,
        discovery: Option<DiscoveryHandle>,
        limits: Limits,
    ) -> Self {
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Self {
            states,
            reload,
            alerts,
            recording,
            discovery,
            pulse: Pulse::new(),
            traffic: Traffic::default(),
            scrapes: Gate::new(limits.scrapes, limits.patience()),
            pages: Gate::new(limits.pages, limits.patience()),
            host: host.trim().to_owned(),
            booted: boot_time(),
            limits,
        }
    }

    /// What the engine published last.
    pub(super) fn state(&self) -> Arc<State> {
        Arc::clone(&self.states.borrow())
    }

    /// Notes each publication of the engine, until the engine is gone.
    pub(super) async fn watch_pulse(&self) {
        let mut states = self.states.clone();
        while states.changed().await.is_ok() {
            self.pulse.beat();
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
                .alerts
                .as_ref()
                .map_or_else(Vec::new, AlertsHandle::statistics),
            recording: self.recording.as_ref().map(RecordingStatistics::sample),
            discovery: self.discovery(),
        }
    }

    /// How the sources of pools are.
    pub(super) fn discovery(&self) -> DiscoveryStatus {
        let handle = self.discovery.as_ref();
        handle.map_or_else(DiscoveryStatus::default, DiscoveryHandle::status)
    }
}
