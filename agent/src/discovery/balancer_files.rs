//! Pools from configuration files of balancers that are told by their files alone: nginx, Apache httpd, Caddy, Traefik.

use std::path::PathBuf;

use evenkeel_balancers::Product;

use super::files::BalancerFiles;
use super::names::Names;
use super::pools::specs;
use super::{Discovered, Finder};
use crate::model::Source;

/// Looks at files.
#[derive(Debug)]
pub(super) struct FilesOf {
    source: Source,
    files: BalancerFiles,
    /// How often names had changed when pools were made last.
    resolved: u64,
}

impl FilesOf {
    /// Will read the configurations of `product` that begin with these files, as `source`.
    pub(super) fn new(product: Product, source: Source, files: Vec<PathBuf>) -> Self {
        Self {
            source,
            files: BalancerFiles::new(product, files),
            resolved: 0,
        }
    }
}

impl Finder for FilesOf {
    fn source(&self) -> Source {
        self.source
    }

    fn look(&mut self, names: &Names) -> anyhow::Result<Option<Discovered>> {
        if !self.files.refresh()? && self.resolved == names.changes() {
            return Ok(None);
        }
        let configurations = self.files.configurations();
        let pools = configurations
            .iter()
            .flat_map(|one| specs(&one.pools, None, names));
        let discovered = Discovered {
            pools: pools.collect(),
            files: self.files.names(),
            configurations: configurations.to_vec(),
            findings: Vec::new(),
            stale: Vec::new(),
        };
        self.resolved = names.changes();
        Ok(Some(discovered))
    }
}
