//! Where pools come from. One file per source; all yield the same [`PoolSpec`].
//!
//! Data flows one way: each source is a [`Finder`] that looks again and again on a thread of its own; [`Discovery`] keeps
//! what each found last, merges it with the pools of the configuration, and gives the plan to whoever ticks.

pub mod auto;
mod conductor;
mod file_sd;
mod files;
mod findings;
mod merge;
mod names;
mod pools;
mod seen;
mod status;

use std::sync::Arc;

use evenkeel_balancers::{Configuration, Product};

pub(crate) use self::conductor::{Applicant, Discovery};
pub use self::status::{Audited, DiscoveryHandle, DiscoveryStatus, SourceStatus};

use self::file_sd::FileSd;
use self::files::BalancerFiles;
use self::names::Names;
use crate::config;
use crate::model::{PoolSpec, Source};

/// What a source has found.
#[derive(Clone, Debug, Default)]
struct Discovered {
    /// The pools, in the source's order.
    pools: Vec<PoolSpec>,
    /// The files that were read for it.
    files: Vec<String>,
    /// The balancers' configurations among them.
    configurations: Vec<Arc<Configuration>>,
}

/// A place that pools are found in.
trait Finder: Send {
    /// What it is called.
    fn source(&self) -> Source;

    /// Looks at what is there now; `None` if that is what was found last. May block for a few seconds.
    fn look(&mut self, names: &Names) -> anyhow::Result<Option<Discovered>>;
}

/// A finder for each source that the configuration names.
fn finders(sources: &config::Discovery) -> Vec<Box<dyn Finder>> {
    let mut finders: Vec<Box<dyn Finder>> = Vec::new();
    let files = [
        (Product::Nginx, &sources.nginx),
        (Product::Haproxy, &sources.haproxy),
    ];
    for (product, files) in files {
        if !files.is_empty() {
            finders.push(Box::new(BalancerFiles::new(product, files.clone())));
        }
    }
    if !sources.file_sd.is_empty() {
        finders.push(Box::new(FileSd::new(sources.file_sd.clone())));
    }
    finders
}
