//! What counts, built from a configuration: the sources of pools, the kernel side, and the engine. With or without a server around it.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::conductor::{Applicant, Conductor};
use crate::config::Config;
use crate::discovery::DiscoveryHandle;
use crate::engine::{Engine, Plan};
use crate::kernel::{Extent, Identity, Kernel, Options, netns_cookie};
use crate::model::{Endpoint, Incident, NetnsCookie, State};
use crate::privileges::Loader;
use crate::recording::Recorder;
use crate::runner::{Runner, RunnerHandle};

/// What is known from before, and where what is counted goes.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) past: Vec<Incident>,
    pub(crate) recorder: Option<Recorder>,
}

/// Counting that has begun: the programs are attached, and there is a first state.
pub(crate) struct Counting {
    pub(crate) runner: Runner,
    pub(crate) handle: RunnerHandle,
    pub(crate) state: watch::Receiver<Arc<State>>,
    pub(crate) conductor: Conductor,
    pub(crate) applicant: Applicant,
    pub(crate) discovery: DiscoveryHandle,
}

impl Counting {
    /// Loads and attaches the programs, and reads the counters for the first time. On error nothing is left in the kernel.
    /// `loader` does what takes rights; `remember` is asked once the programs are attached.
    pub(crate) fn begin(
        identity: Identity,
        config: &Config,
        extent: Extent,
        loader: Loader,
        remember: impl FnOnce(&Plan, NetnsCookie) -> anyhow::Result<Memory>,
    ) -> anyhow::Result<Self> {
        let (mut conductor, applicant, discovery) = Conductor::begin(config, &Handle::current());
        let plan = conductor.plan();
        // The kernel first: reading its types takes memory for a moment, which the windows can have afterwards.
        let options = Options {
            extent,
            capacity: conductor.capacity(),
            learning: plan.pools.is_none(),
            live_interval: config.live_interval,
        };
        let netns = netns_cookie()
            .context("the kernel does not tell the cookie of the network namespace")?;
        let endpoints: Vec<Endpoint> = watched(&plan, netns).collect();
        let kernel = loader.run(move || Kernel::attach(identity, options, endpoints))??;
        let Memory { past, recorder } = remember(&plan, netns)?;
        let engine = Engine::new(plan, netns, past)?;
        let (runner, handle, state) = Runner::new(kernel, engine, config.interval, recorder)?;
        Ok(Self {
            runner,
            handle,
            state,
            conductor,
            applicant,
            discovery,
        })
    }
}

/// The endpoints of all pools.
fn watched(plan: &Plan, own: NetnsCookie) -> impl Iterator<Item = Endpoint> {
    plan.described().flat_map(move |pool| pool.endpoints(own))
}
