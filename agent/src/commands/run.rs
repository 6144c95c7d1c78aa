//! `evenkeel run`: the daemon.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{DEFAULT_CONFIG, exit};
use crate::app::{App, Record, Setup};
use crate::config::Config;
use crate::kernel::{Capabilities, Extent};
use crate::model::{State, View};
use crate::privileges::{Kept, Loader, confine, give_up};
use crate::publish::Access;
use crate::reload::ReloadHandle;

/// Runs until SIGTERM or SIGINT.
pub(super) fn run(
    file: Option<PathBuf>,
    extent: Extent,
    record: Option<Record>,
    unconfined: bool,
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
    let (loader, kept) = if unconfined {
        (Loader::Here, None)
    } else {
        // Before the runtime starts its threads, which have what this one has.
        let (loader, kept) = keep_what_is_needed(&config)?;
        (loader, Some(kept))
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // Scrapes and pages are light; the tick has a thread of its own.
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the async runtime")?;
    let setup = Setup {
        config_file: file,
        extent,
        record,
        kept,
    };
    runtime.block_on(serve(config, setup, loader))?;
    Ok(exit::FINE)
}

/// Gives up all rights that the configuration has no need of, but for those of the thread that loads the programs.
fn keep_what_is_needed(config: &Config) -> anyhow::Result<(Loader, Kept)> {
    let began_with = Capabilities::effective().context("is /proc mounted?")?;
    let kept = Kept::of(config, began_with);
    let loader = Loader::start().context("cannot start the thread that loads the programs")?;
    give_up(&kept)?;
    Ok((loader, kept))
}

async fn serve(config: Config, setup: Setup, loader: Loader) -> anyhow::Result<()> {
    // Signals first: one that comes while the programs are loaded must not kill the process half way.
    let stop = CancellationToken::new();
    let stopped = stop_on_signals(stop.clone())?;
    let kept = setup.kept.clone();
    let app = App::build(&config, setup, loader)?;
    // The agent has taken over what it needs.
    drop(config);
    give_memory_back();
    if let Some(kept) = &kept {
        confine(kept)?;
        announce_rights(kept);
    } else {
        warn!("--unconfined: all rights are kept, and all system calls are open");
    }
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

fn announce_rights(kept: &Kept) {
    if kept.capabilities().is_empty() {
        info!("rights: no capability is left, and system calls that are not needed are closed");
        return;
    }
    for (capability, reason) in kept.reasons() {
        let capability = capability.as_str();
        info!(capability, reason, "rights: kept");
    }
    info!("rights: all others were given up, and system calls that are not needed are closed");
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
