//! Pools from configuration files of nginx.

use std::path::PathBuf;

use evenkeel_balancers::Product;

use super::files::BalancerFiles;
use super::names::Names;
use super::pools::specs;
use super::{Discovered, Finder};
use crate::model::Source;

/// Looks at files.
#[derive(Debug)]
pub(super) struct NginxFiles {
    files: BalancerFiles,
    /// How often names had changed when pools were made last.
    resolved: u64,
}

impl NginxFiles {
    /// Will read the configurations that begin with these files.
    pub(super) fn new(files: Vec<PathBuf>) -> Self {
        Self {
            files: BalancerFiles::new(Product::Nginx, files),
            resolved: 0,
        }
    }
}

impl Finder for NginxFiles {
    fn source(&self) -> Source {
        Source::Nginx
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
            stale: Vec::new(),
        };
        self.resolved = names.changes();
        Ok(Some(discovered))
    }
}
