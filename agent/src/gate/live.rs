//! Counting while a command runs: the kernel's counters, read tick by tick into a [`Series`].

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::series::Series;
use crate::discovery::auto;
use crate::kernel::{Identity, Kernel, LoadError, Observed, Options};
use crate::model::{Endpoint, NetnsCookie};

/// How often open connections are visited: bytes of those that stay open are known that often.
const VISIT: Duration = Duration::from_millis(500);

/// The attached programs, and what they have counted. Dropping it detaches them.
#[derive(Debug)]
pub struct Live {
    kernel: Kernel,
    snapshot: Vec<Observed>,
    series: Series,
}

impl Live {
    /// Attaches, beside the host's agent if there is one, and reads what later counts are compared with. Without endpoints, all that this host connects to are counted.
    pub fn attach(
        endpoints: Option<Vec<Endpoint>>,
        cgroup: Option<PathBuf>,
    ) -> Result<Self, LoadError> {
        let count = endpoints.as_ref().map_or(0, Vec::len);
        let options = Options {
            extent: cgroup.into(),
            capacity: u32::try_from(count + 1)
                .unwrap_or(u32::MAX)
                .max(auto::MOST_ENDPOINTS),
            learning: endpoints.is_none(),
            live_interval: VISIT,
        };
        let kernel = Kernel::attach(Identity::Gate, options, endpoints.unwrap_or_default())?;
        let mut live = Self {
            kernel,
            snapshot: Vec::new(),
            series: Series::default(),
        };
        live.tick().map_err(LoadError::Map)?;
        Ok(live)
    }

    /// Reads the counters.
    pub fn tick(&mut self) -> io::Result<()> {
        let snapshot = &mut self.snapshot;
        snapshot.clear();
        self.kernel.read(|observed| snapshot.push(observed))?;
        self.series.tick(&self.snapshot);
        Ok(())
    }

    /// Reads the counters with all that open connections have carried so far.
    pub fn last_tick(&mut self) -> io::Result<()> {
        self.kernel.set_live_interval(Duration::ZERO);
        self.tick()
    }

    /// Notes that the command has ended.
    pub fn command_ended(&mut self) {
        self.series.command_ended();
    }

    /// Connections opened, failed and closed so far, of all endpoints: whether this moves says whether there is traffic.
    pub fn activity(&self) -> u64 {
        let counters = self.snapshot.iter().map(|observed| &observed.counters);
        counters
            .map(|counters| counters.opened + counters.failed + counters.closed)
            .sum()
    }

    /// What was counted.
    pub fn series(&self) -> &Series {
        &self.series
    }

    /// The network namespace that loopback addresses belong to.
    pub fn netns(&self) -> NetnsCookie {
        self.kernel.netns()
    }

    /// Connections that could not be counted because there was no room for them.
    pub fn lost(&self) -> u64 {
        let losses = &self.kernel.state().losses;
        losses.map_full + losses.insert_refused
    }
}
