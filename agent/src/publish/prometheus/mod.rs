//! `/metrics`: the state as Prometheus reads it.
//!
//! A scrape is a collector over one [`State`] and nothing else, so a series lives exactly as long as what it is
//! about: a backend that left its pool is gone from the next scrape, one without traffic has its counters at 0.

mod agent;
mod alerts;
mod audit;
mod backends;
mod detection;
mod dialect;
mod discovery;
mod family;
mod fleet;
mod identity;
mod pools;
mod process;
mod recording;

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::registry::Registry;

use super::alerts::ReceiverStatistics;
use super::traffic::TrafficSample;
use crate::discovery::DiscoveryStatus;
use crate::model::State;
use crate::recording::RecordingSample;
use crate::reload::ReloadStatus;
use dialect::Dialect;
use family::Exposition;
use identity::Identities;

pub use dialect::Format;
pub use process::{Process, boot_time};

/// Everything that one scrape shows.
#[derive(Clone, Debug)]
pub struct Scrape {
    /// What the engine published last.
    pub state: Arc<State>,
    /// What came of the last reload.
    pub reload: ReloadStatus,
    /// The agent as a process.
    pub process: Process,
    /// The agent's own HTTP server.
    pub traffic: TrafficSample,
    /// What was sent to the receivers of alerts.
    pub alerts: Vec<ReceiverStatistics>,
    /// How much was recorded; `None` if nothing is to be.
    pub recording: Option<RecordingSample>,
    /// How the sources of pools are.
    pub discovery: DiscoveryStatus,
}

impl Scrape {
    /// Writes the exposition in `format`; fails only when `out` does.
    pub fn write(self, format: Format, out: &mut impl fmt::Write) -> fmt::Result {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut dialect = Dialect::new(out, format);
        text::encode(&mut dialect, &registry)
    }
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let window = format!("{}s", self.state.window.as_secs_f64());
        let fleet = self.state.kernel.fleet.as_ref();
        let mut out = Exposition::new(encoder, window, fleet.is_some());
        let identities = Identities::of(&self.state.pools);
        backends::write(&mut out, &self.state.pools, &identities)?;
        pools::write(&mut out, &self.state.pools)?;
        detection::write(&mut out, &self.state, &identities)?;
        if let Some(fleet) = fleet {
            fleet::write(&mut out, &self.state, fleet)?;
            agent::write_server(&mut out, &self.reload, &self.traffic)?;
            alerts::write(&mut out, &self.alerts)?;
            return self.process.write(&mut out);
        }
        agent::write(&mut out, &self.state)?;
        agent::write_server(&mut out, &self.reload, &self.traffic)?;
        discovery::write(&mut out, &self.state, &self.discovery)?;
        audit::write(&mut out, &self.discovery.findings)?;
        alerts::write(&mut out, &self.alerts)?;
        recording::write(&mut out, self.recording)?;
        self.process.write(&mut out)
    }
}
