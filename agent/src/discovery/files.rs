//! Pools from the configuration files of nginx or `HAProxy`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use evenkeel_balancers::source::{Files, HostFiles};
use evenkeel_balancers::{Configuration, Options, Product, ReadError, read, read_haproxy};

use super::findings::attach;
use super::names::Names;
use super::pools::{source, specs};
use super::seen::{Noted, Seen};
use super::{Discovered, Finder};
use crate::model::Source;

/// Looks at files.
#[derive(Debug)]
pub(super) struct BalancerFiles {
    product: Product,
    files: Vec<PathBuf>,
    /// What could be read last.
    last: Option<Reading>,
    /// How often names had changed when pools were made of it.
    resolved: u64,
}

#[derive(Debug)]
struct Reading {
    seen: Seen,
    configurations: Vec<Arc<Configuration>>,
}

impl BalancerFiles {
    /// Will read `files`: each a configuration of nginx, or all of them one of `HAProxy`.
    pub(super) fn new(product: Product, files: Vec<PathBuf>) -> Self {
        Self {
            product,
            files,
            last: None,
            resolved: 0,
        }
    }

    fn read(&self) -> Result<Reading, ReadError> {
        let files = Noted::new(&HostFiles);
        let configurations = self.configurations(&files)?;
        Ok(Reading {
            configurations: configurations.into_iter().map(Arc::new).collect(),
            seen: files.into_seen(),
        })
    }

    fn configurations(&self, files: &dyn Files) -> Result<Vec<Configuration>, ReadError> {
        let options = Options::default();
        let mut paths = self.files.iter().map(PathBuf::as_path);
        if self.product == Product::Haproxy {
            let paths: Vec<&Path> = paths.collect();
            return Ok(vec![read_haproxy(files, &paths, &options)?]);
        }
        paths.try_fold(Vec::new(), |mut all, path| {
            all.push(read(self.product, files, path, &options)?);
            Ok(all)
        })
    }
}

impl Finder for BalancerFiles {
    fn source(&self) -> Source {
        source(self.product)
    }

    fn look(&mut self, names: &Names) -> anyhow::Result<Option<Discovered>> {
        let current = |last: &Reading| last.seen.is_current(&HostFiles);
        if !self.last.as_ref().is_some_and(current) {
            // If that fails, what was read last stays known.
            self.last = Some(self.read()?);
        } else if self.resolved == names.changes() {
            return Ok(None);
        }
        let discovered = self.last.as_ref().map(|last| last.discovered(names));
        self.resolved = names.changes();
        Ok(discovered)
    }
}

impl Reading {
    fn discovered(&self, names: &Names) -> Discovered {
        let configurations = self.configurations.iter();
        let pools = configurations.flat_map(|one| attach(one, specs(&one.pools, None, names)));
        let paths = self.seen.paths();
        Discovered {
            pools: pools.collect(),
            files: paths.map(|path| path.display().to_string()).collect(),
            configurations: self.configurations.clone(),
        }
    }
}
