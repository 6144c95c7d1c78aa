//! Counting by this process, for as long as it shows what it counts: the agent without its server, its alerts and its files.

use std::convert::Infallible;
use std::path::PathBuf;

use anyhow::Context as _;
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;

use crate::config::Config;
use crate::counting::{Counting, Memory};
use crate::kernel::Identity;
use crate::privileges::Loader;
use crate::publish::Tap;
use crate::runner::RunnerHandle;

/// What counts. Dropping it ends the ticks; the kernel removes the programs when the process ends.
pub(super) struct Own {
    handle: RunnerHandle,
    ended: oneshot::Receiver<anyhow::Result<()>>,
    discovering: AbortOnDropHandle<()>,
}

impl Own {
    /// Begins to count.
    pub(super) fn begin(config: &Config, cgroup: Option<PathBuf>) -> anyhow::Result<(Self, Tap)> {
        let Counting {
            runner,
            handle,
            state,
            conductor,
            applicant: _,
            discovery,
        } = Counting::begin(
            Identity::Top,
            config,
            cgroup.into(),
            Loader::Here,
            |_, _| Ok(Memory::default()),
        )?;
        let (sender, ended) = oneshot::channel();
        std::thread::Builder::new()
            .name("evenkeel-tick".to_owned())
            .spawn(move || drop(sender.send(runner.run())))
            .context("cannot start the thread that ticks")?;
        let discovering = tokio::spawn(conductor.run(handle.clone()));
        let own = Self {
            handle,
            ended,
            discovering: AbortOnDropHandle::new(discovering),
        };
        Ok((own, Tap::new(state, discovery)))
    }

    /// Waits for the ticks to end, which they should not.
    pub(super) async fn broken(mut self) -> anyhow::Result<Infallible> {
        let ended = tokio::select! {
            ended = &mut self.ended => ended.context("the tick panicked").flatten(),
            ended = &mut self.discovering => ended.context("the discovery of pools panicked"),
        };
        ended.context("counting failed")?;
        anyhow::bail!("counting ended although nobody asked it to")
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.handle.stop();
    }
}
