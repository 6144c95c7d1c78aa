//! What became of looking for pools: for metrics and the API.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::watch;

use crate::model::{Finding, Source};

/// How all sources of pools are.
#[derive(Clone, Debug, Default)]
pub struct DiscoveryStatus {
    /// Those in use, in the order in which their pools are taken.
    pub sources: Vec<SourceStatus>,
    /// Members of pools that are not watched because the kernel's map has no room for them.
    pub left_out: u64,
    /// What the audit finds in the balancers' configurations that pools come from, also about pools that are not watched.
    pub findings: Arc<[Finding]>,
}

/// How a source of pools is.
#[derive(Clone, Debug)]
pub struct SourceStatus {
    /// Which.
    pub source: Source,
    /// When it was first asked.
    pub since: SystemTime,
    /// When it last answered; `None` if it never did.
    pub last_success: Option<SystemTime>,
    /// How often it did not.
    pub failures: u64,
    /// Why it did not answer when it was last asked, if it did not.
    pub error: Option<String>,
    /// Pools that it found last.
    pub pools: usize,
    /// Backends of those, without members that should get no traffic.
    pub backends: usize,
    /// The files that were read for it.
    pub files: Vec<String>,
    /// Files that could not be read when the source last answered; of each, what it said last stays in force.
    pub stale: Vec<StaleFile>,
}

/// A file of pools that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaleFile {
    /// Its path.
    pub file: String,
    /// When that was noticed.
    pub since: SystemTime,
    /// Why.
    pub error: String,
}

impl SourceStatus {
    pub(crate) fn new(source: Source, since: SystemTime) -> Self {
        Self {
            source,
            since,
            last_success: None,
            failures: 0,
            error: None,
            pools: 0,
            backends: 0,
            files: Vec::new(),
            stale: Vec::new(),
        }
    }

    /// Since when what it said has been in force without being asked again in full: when it last answered, or since when one of
    /// its files could not be read; when it was first asked if it never answered.
    pub fn fresh(&self) -> SystemTime {
        let answered = self.last_success.unwrap_or(self.since);
        let stale = self.stale.iter().map(|stale| stale.since);
        stale.fold(answered, SystemTime::min)
    }
}

/// Tells what was found, to readers.
#[derive(Clone, Debug)]
pub struct DiscoveryHandle(watch::Receiver<DiscoveryStatus>);

impl DiscoveryHandle {
    pub(crate) fn new(status: watch::Receiver<DiscoveryStatus>) -> Self {
        Self(status)
    }

    /// How the sources are now.
    pub fn status(&self) -> DiscoveryStatus {
        self.0.borrow().clone()
    }
}
