//! Entry points: read a configuration, audit it.

use std::path::Path;

use serde::Serialize;

use crate::apache;
use crate::caddy;
use crate::date::Date;
use crate::envoy;
use crate::error::{ReadError, Why};
use crate::finding::{Audit, Finding, Report, Suppression};
use crate::haproxy;
use crate::kubernetes;
use crate::model::{Address, Pool, Traffic};
use crate::nginx;
use crate::product::Product;
use crate::source::{Files, Limits, Place, Sources};
use crate::traefik;
use crate::version::Version;

/// What is known besides the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How large the configuration may be.
    pub limits: Limits,
    /// The version of the product that reads it. Without it, findings hold for what is usual and name the versions.
    pub version: Option<Version>,
    /// The processors of its host, for what is configured as one per processor.
    pub cpus: Option<u32>,
}

/// A configuration: what it means, and what was found in it.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Whose it is.
    pub product: Product,
    /// Its texts.
    pub sources: Sources,
    /// Its pools, in the order in which they are declared; implicit ones come last.
    pub pools: Vec<Pool>,
    /// Words that send traffic where only a request or the running process knows.
    pub unresolved: Vec<Unresolved>,
    /// Sorted by place.
    pub(crate) findings: Vec<Finding>,
    pub(crate) suppressions: Vec<Suppression>,
}

/// A word that sends traffic where the configuration does not say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unresolved {
    /// As it is written, with its variables: `http://$backend`.
    pub written: String,
    /// What is balanced.
    pub traffic: Traffic,
    /// Where.
    pub place: Place,
}

impl Configuration {
    /// A configuration in which every word says where traffic goes.
    pub(crate) fn new(
        product: Product,
        sources: Sources,
        pools: Vec<Pool>,
        report: Report,
        suppressions: Vec<Suppression>,
    ) -> Self {
        Self {
            product,
            sources,
            pools,
            unresolved: Vec::new(),
            findings: report.into_findings(),
            suppressions,
        }
    }

    /// What was found, against the comments that allow findings at the given day.
    pub fn audit(&self, today: Date) -> Audit {
        Audit::new(&self.findings, &self.suppressions, today)
    }

    /// Adds what was found in comparison with something else.
    pub(crate) fn add(&mut self, report: Report) {
        self.findings.extend(report.into_findings());
        self.findings.sort_by(|a, b| {
            (a.place, a.rule.id, &a.message).cmp(&(b.place, b.rule.id, &b.message))
        });
    }

    /// Where the product that runs with this configuration can be asked for its state: `HAProxy`'s `stats socket`, Envoy's
    /// `admin`. Other products have no such thing, or none that is understood.
    pub fn admin(&self) -> Vec<Address> {
        match self.product {
            Product::Haproxy => haproxy::admin(&self.sources),
            Product::Envoy => envoy::admin(&self.sources),
            _ => Vec::new(),
        }
    }
}

/// Reads the configuration that begins at `path`, with all that it includes.
pub fn read(
    product: Product,
    files: &dyn Files,
    path: &Path,
    options: &Options,
) -> Result<Configuration, ReadError> {
    match product {
        Product::Nginx => nginx::read(files, path, options),
        Product::Haproxy => haproxy::read(files, &[path], options),
        Product::Envoy => envoy::read(files, path, options),
        Product::Kubernetes => kubernetes::read(files, path, options),
        Product::Apache => apache::read(files, path, options),
        Product::Caddy => caddy::read(files, path, options),
        Product::Traefik => traefik::read(files, path, options),
    }
}

/// Reads files of `HAProxy` as one configuration, in their order, as `haproxy -f ONE -f TWO` does. Of folders it takes all
/// `*.cfg`.
pub fn read_haproxy(
    files: &dyn Files,
    paths: &[&Path],
    options: &Options,
) -> Result<Configuration, ReadError> {
    haproxy::read(files, paths, options)
}

/// The product whose configuration this looks like; `name` is the file's, and helps where content leaves it open.
pub fn detect(name: &Path, text: &str) -> Option<Product> {
    Product::ALL.into_iter().find(|product| match product {
        Product::Nginx => nginx::recognises(name, text),
        Product::Haproxy => haproxy::recognises(name, text),
        Product::Envoy => envoy::recognises(name, text),
        Product::Kubernetes => kubernetes::recognises(text),
        Product::Apache => apache::recognises(name, text),
        Product::Caddy => caddy::recognises(name, text),
        Product::Traefik => traefik::recognises(name, text),
    })
}

/// Reads a configuration of whichever product it looks like.
pub fn read_any(
    files: &dyn Files,
    path: &Path,
    options: &Options,
) -> Result<Configuration, ReadError> {
    let name = || path.display().to_string();
    let bytes = files
        .read(path, options.limits.file_bytes)
        .map_err(|error| ReadError::file(name(), Why::Unreadable(name(), error)))?;
    let product = detect(path, &String::from_utf8_lossy(&bytes));
    let known = || Product::ALL.map(Product::title).join(", ");
    let product = product.ok_or_else(|| ReadError::file(name(), Why::Unrecognised(known())))?;
    read(product, files, path, options)
}
