//! `evenkeel fleet`: the daemon that watches what all agents exported.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::exit;
use super::run::stop_on_signals;
use crate::config::{Config, Fleet};
use crate::fleet::Service;
use crate::publish::Access;

/// What `evenkeel fleet` is told.
#[derive(Debug, clap::Args)]
pub(super) struct FleetArgs {
    /// The configuration file, of which `fleet`, `web`, `detection`, `alerting` and `incidents` count.
    #[arg(long, value_name = "FILE", required_unless_present = "prometheus")]
    config: Option<PathBuf>,
    /// Where the API of Prometheus, Thanos, Mimir or VictoriaMetrics is, without `/api/v1`; instead of `fleet.prometheus.url`.
    #[arg(long, value_name = "URL")]
    prometheus: Option<String>,
    /// Where to serve metrics, API and page; instead of `web.listen`.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

/// Runs until SIGTERM or SIGINT.
pub(super) fn run(args: &FleetArgs) -> anyhow::Result<u8> {
    let config = match args.config.as_deref().map(Config::load).transpose() {
        Ok(config) => config.unwrap_or_default(),
        Err(error) => return usage(&error.to_string()),
    };
    let Some((config, fleet)) = told(config, args) else {
        return usage(
            "the configuration does not say where the agents' counters are: add \
             `fleet: {prometheus: {url: http://127.0.0.1:9090}}`, or name the store with --prometheus",
        );
    };
    if let Err(error) = Access::open(&config.web.file) {
        return usage(&error.to_string());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // One evaluates, the other serves.
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the async runtime")?;
    runtime.block_on(serve(&config, &fleet))?;
    Ok(exit::FINE)
}

fn usage(message: &str) -> anyhow::Result<u8> {
    writeln!(std::io::stderr(), "{message}")?;
    Ok(exit::USAGE)
}

/// The configuration with what the command line says; `None` if neither names a store.
fn told(mut config: Config, args: &FleetArgs) -> Option<(Config, Fleet)> {
    if let Some(listen) = args.listen {
        config.web.listen = listen;
    }
    let fleet = match (config.fleet.take(), &args.prometheus) {
        (Some(mut fleet), Some(url)) => {
            fleet.store.url.clone_from(url);
            fleet
        }
        (Some(fleet), None) => fleet,
        (None, Some(url)) => Fleet::at(url.clone()),
        (None, None) => return None,
    };
    Some((config, fleet))
}

async fn serve(config: &Config, fleet: &Fleet) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let stopped = stop_on_signals(stop.clone())?;
    let service = Service::build(config, fleet)?;
    info!(
        version = env!("CARGO_PKG_VERSION"),
        page = service.page(),
        store = fleet.store.url,
        "reading what the store knows"
    );
    let outcome = service.run(stop).await;
    stopped.abort();
    outcome
}
