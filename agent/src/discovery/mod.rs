//! Where pools come from. One file per source; all yield the same [`PoolSpec`].
//!
//! Each source is a `Finder`, which looks when it is asked to; `conductor` asks all of them again and again, merges
//! what they found with the pools of the configuration, and gives the plan to whoever ticks.

pub mod auto;
mod balancer_files;
mod envoy;
pub mod file_sd;
mod files;
pub(crate) mod findings;
mod haproxy;
mod kubernetes;
mod merge;
mod names;
mod pools;
mod running;
mod seen;
mod status;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_balancers::{Configuration, Product};
use tokio::runtime::Handle;

pub(crate) use self::findings::Audited;
pub(crate) use self::merge::{Merged, merge};
pub(crate) use self::names::Names;
pub use self::status::{DiscoveryHandle, DiscoveryStatus, SourceStatus, StaleFile};

use self::balancer_files::FilesOf;
use self::envoy::EnvoyAdmin;
use self::file_sd::FileSd;
use self::haproxy::Haproxy;
use self::kubernetes::Cluster;
use self::running::RunningBalancers;
use crate::config;
use crate::model::{Finding, PoolSpec, Source};

/// What a source has found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Discovered {
    /// The pools, in the source's order.
    pub(crate) pools: Vec<PoolSpec>,
    /// The files that were read for it.
    pub(crate) files: Vec<String>,
    /// The balancers' configurations among them.
    pub(crate) configurations: Vec<Arc<Configuration>>,
    /// What was found beside the configurations; the pools have it already.
    pub(crate) findings: Vec<Finding>,
    /// The files that cannot be read, of which the pools have what each said last.
    pub(crate) stale: Vec<StaleFile>,
}

/// A place that pools are found in.
pub(crate) trait Finder: Send {
    /// What it is called.
    fn source(&self) -> Source;

    /// How often it is worth looking.
    fn interval(&self) -> Duration {
        Duration::from_secs(1)
    }

    /// Looks at what is there now; `None` if that is what was found last. May block for a few seconds.
    fn look(&mut self, names: &Names) -> anyhow::Result<Option<Discovered>>;
}

/// A finder for each source; `auto` is one if nothing else is configured.
pub(crate) fn finders(sources: &config::Discovery, runtime: &Handle) -> Vec<Box<dyn Finder>> {
    let mut finders: Vec<Box<dyn Finder>> = Vec::new();
    if sources.auto {
        finders.push(Box::new(RunningBalancers::default()));
    }
    let files_of = |finders: &mut Vec<Box<dyn Finder>>, product, source, files: &[PathBuf]| {
        if !files.is_empty() {
            finders.push(Box::new(FilesOf::new(product, source, files.to_vec())));
        }
    };
    files_of(&mut finders, Product::Nginx, Source::Nginx, &sources.nginx);
    if sources.haproxy != config::Haproxy::default() {
        finders.push(Box::new(Haproxy::new(&sources.haproxy, runtime.clone())));
    }
    if let Some(admin) = &sources.envoy {
        finders.push(Box::new(EnvoyAdmin::new(admin.clone(), runtime.clone())));
    }
    files_of(
        &mut finders,
        Product::Apache,
        Source::Apache,
        &sources.apache,
    );
    files_of(&mut finders, Product::Caddy, Source::Caddy, &sources.caddy);
    files_of(
        &mut finders,
        Product::Traefik,
        Source::Traefik,
        &sources.traefik,
    );
    if !sources.file_sd.is_empty() {
        finders.push(Box::new(FileSd::new(sources.file_sd.clone())));
    }
    if let Some(cluster) = &sources.kubernetes {
        finders.push(Box::new(Cluster::new(cluster, runtime)));
    }
    finders
}
