//! Pools from a running Envoy: the clusters of `/config_dump?include_eds` of its administration interface, with the endpoints
//! that discovery brought it, as it sees their health.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::names::Names;
use super::pools::specs;
use super::{Discovered, Finder};
use crate::admin::{Address, envoy};
use crate::model::{PoolSpec, Source};

/// How long Envoy may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks an Envoy.
#[derive(Debug)]
pub(super) struct EnvoyAdmin {
    address: Address,
    runtime: Handle,
    last: Option<Vec<PoolSpec>>,
}

impl EnvoyAdmin {
    /// Will ask the Envoy at `address`.
    pub(super) fn new(address: Address, runtime: Handle) -> Self {
        Self {
            address,
            runtime,
            last: None,
        }
    }
}

impl Finder for EnvoyAdmin {
    fn source(&self) -> Source {
        Source::Envoy
    }

    /// A dump is made on Envoy's main thread, and may be large.
    fn interval(&self) -> Duration {
        Duration::from_secs(2)
    }

    fn look(&mut self, names: &Names) -> anyhow::Result<Option<Discovered>> {
        let name = format!("config_dump of {}", self.address);
        let dump = envoy::configuration(&self.address, &name, PATIENCE);
        let configuration = self.runtime.block_on(dump)?;
        let pools = specs(&configuration.pools, None, names);
        if self.last.as_ref() == Some(&pools) {
            return Ok(None);
        }
        self.last = Some(pools.clone());
        Ok(Some(Discovered {
            pools,
            files: Vec::new(),
            configurations: vec![Arc::new(configuration)],
            findings: Vec::new(),
            stale: Vec::new(),
        }))
    }
}
