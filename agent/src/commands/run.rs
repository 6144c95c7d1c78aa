//! `evenkeel run`: the daemon.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::{DEFAULT_CONFIG, exit};
use crate::app::{App, Record, Setup};
use crate::config::Config;
use crate::kernel::Extent;
use crate::model::{State, View};
use crate::publish::Access;
use crate::reload::ReloadHandle;

/// Runs until SIGTERM or SIGINT.
pub(super) fn run(
    file: Option<PathBuf>,
    extent: Extent,
    record: Option<Record>,
) -> anyhow::Result<u8> {
    let file = file.or_else(|| {
        Path::new(DEFAULT_CONFIG)
            .exists()
            .then(|| DEFAULT_CONFIG.into())
    });
    let config = match file.as_deref().map(Config::load).transpose() {
        Ok(config) => config.unwrap_or_default(),
        Err(error) => {
            writeln!(std::io::stderr(), "{error}")?;
            return Ok(exit::USAGE);
        }
    };
    // Wrong settings of TLS are wrong configuration, whatever else fails later.
    if let Err(error) = Access::open(&config.web.file) {
        writeln!(std::io::stderr(), "{error}")?;
        return Ok(exit::USAGE);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // Scrapes and pages are light; the tick has a thread of its own.
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the async runtime")?;
    runtime.block_on(serve(
        config,
        Setup {
            config_file: file,
            extent,
            record,
        },
    ))?;
    Ok(exit::FINE)
}

async fn serve(config: Config, setup: Setup) -> anyhow::Result<()> {
    // Signals first: one that comes while the programs are loaded must not kill the process half way.
    let stop = CancellationToken::new();
    let stopped = stop_on_signals(stop.clone())?;
    let app = App::build(&config, setup)?;
    // The agent has taken over what it needs.
    drop(config);
    give_memory_back();
    announce(&app);
    let reloads = reload_on_hangup(app.reload())?;
    let outcome = app.run(stop).await;
    stopped.abort();
    reloads.abort();
    outcome
}

/// Gives the system the memory back that reading the configuration and the kernel's types took: with ten thousand backends 3 MiB
/// that the allocator would keep.
fn give_memory_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: the function takes no pointer, and may be called by any thread at any time.
    unsafe {
        libc::malloc_trim(0);
    }
}

fn announce(app: &App) {
    let state = app.state();
    let state: &State = &state.borrow();
    info!(
        version = env!("CARGO_PKG_VERSION"),
        page = app.page(),
        pools = state.pools.len(),
        auto = state.kernel.learning,
        map_capacity = state.kernel.map_capacity,
        map_bytes = state.kernel.map_capacity * crate::kernel::BYTES_PER_ENDPOINT,
        live = matches!(state.kernel.view, View::Live { .. }),
        "counting"
    );
}

pub(super) fn stop_on_signals(
    stop: CancellationToken,
) -> anyhow::Result<tokio::task::JoinHandle<()>> {
    let context = "cannot listen for signals";
    let mut terminate = signal(SignalKind::terminate()).context(context)?;
    let mut interrupt = signal(SignalKind::interrupt()).context(context)?;
    Ok(tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.cancel();
    }))
}

fn reload_on_hangup(reload: ReloadHandle) -> anyhow::Result<tokio::task::JoinHandle<()>> {
    let mut hangup = signal(SignalKind::hangup()).context("cannot listen for SIGHUP")?;
    Ok(tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            // What came of it is in the log and in the metrics.
            drop(reload.reload().await);
        }
    }))
}
