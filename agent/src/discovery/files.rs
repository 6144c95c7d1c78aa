//! Configurations of a balancer in files, read again when any of them changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use evenkeel_balancers::source::{Files, HostFiles};
use evenkeel_balancers::{Configuration, Options, Product, ReadError, read, read_haproxy};

use super::seen::{Noted, Seen};

/// Files of a balancer, with what could be read of them last.
#[derive(Debug)]
pub(super) struct BalancerFiles {
    product: Product,
    paths: Vec<PathBuf>,
    seen: Option<Seen>,
    configurations: Vec<Arc<Configuration>>,
}

impl BalancerFiles {
    /// Will read `paths`: each begins a configuration, or all of them are one of `HAProxy`.
    pub(super) fn new(product: Product, paths: Vec<PathBuf>) -> Self {
        Self {
            product,
            paths,
            seen: None,
            configurations: Vec::new(),
        }
    }

    /// Reads them if anything has changed, and tells whether. If they cannot be read, what was read last stays known.
    pub(super) fn refresh(&mut self) -> Result<bool, ReadError> {
        let current = |seen: &Seen| seen.is_current(&HostFiles);
        if self.seen.as_ref().is_some_and(current) {
            return Ok(false);
        }
        let files = Noted::new(&HostFiles);
        self.configurations = self.read(&files)?;
        self.seen = Some(files.into_seen());
        Ok(true)
    }

    /// What could be read last.
    pub(super) fn configurations(&self) -> &[Arc<Configuration>] {
        &self.configurations
    }

    /// The files that this took.
    pub(super) fn names(&self) -> Vec<String> {
        let paths = self.seen.iter().flat_map(Seen::paths);
        paths.map(|path| path.display().to_string()).collect()
    }

    fn read(&self, files: &dyn Files) -> Result<Vec<Arc<Configuration>>, ReadError> {
        let options = Options::default();
        let paths = self.paths.iter().map(PathBuf::as_path);
        if self.product == Product::Haproxy {
            let paths: Vec<&Path> = paths.collect();
            return Ok(vec![Arc::new(read_haproxy(files, &paths, &options)?)]);
        }
        let read = |path| read(self.product, files, path, &options).map(Arc::new);
        paths.map(read).collect()
    }
}
