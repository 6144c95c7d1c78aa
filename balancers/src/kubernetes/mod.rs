//! Kubernetes: manifests of Services and what they lead to, in YAML or JSON, one file or a folder of them.
//!
//! tree -> objects (Istio's and Traefik's too) -> pools (one per port of a Service, one per rule of a route) -> rules.

mod mesh;
mod objects;
mod pools;
mod routes;
mod rules;

use std::path::{Path, PathBuf};

pub(crate) use rules::RULES;

use crate::configuration::{Configuration, Options};
use crate::error::ReadError;
use crate::finding::Report;
use crate::product::Product;
use crate::source::{Files, Loader};
use crate::yaml;

/// Reads a file of manifests (several documents, a `List`), or the files of a folder that end in `.yaml`, `.yml` or `.json`.
pub(crate) fn read(
    files: &dyn Files,
    path: &Path,
    options: &Options,
) -> Result<Configuration, ReadError> {
    let mut loader = Loader::new(files, options.limits);
    let (mut trees, mut suppressions) = (Vec::new(), Vec::new());
    for path in manifests(files, path, options) {
        let file = loader.enter(&path, None)?;
        let (tree, says) = yaml::parse(&loader, file)?;
        trees.push(tree);
        suppressions.extend(says);
        loader.leave();
    }
    let objects = objects::objects(&trees);
    let views = pools::views(&objects);
    let mut report = Report::default();
    rules::check(&objects, &views, &mut report);
    let mut pools: Vec<_> = views.into_iter().map(|view| view.pool).collect();
    pools.extend(pools::splits(&objects));
    Ok(Configuration::new(
        Product::Kubernetes,
        loader.into_sources(),
        pools,
        report,
        suppressions,
    ))
}

/// The files to read: those of a folder, else the path itself.
fn manifests(files: &dyn Files, path: &Path, options: &Options) -> Vec<PathBuf> {
    let most = options.limits.inclusions;
    let named = |end: &str| files.glob(&format!("{}/*.{end}", path.display()), most);
    let mut found: Vec<PathBuf> = ["yaml", "yml", "json"]
        .iter()
        .filter_map(|end| named(end).ok())
        .flatten()
        .collect();
    found.sort();
    if found.is_empty() {
        vec![path.to_owned()]
    } else {
        found
    }
}

/// Whether a text looks like a manifest.
pub(crate) fn recognises(text: &str) -> bool {
    let json = text.trim_start().starts_with('{')
        && text.contains("\"apiVersion\"")
        && text.contains("\"kind\"");
    json || text.lines().any(|line| line.starts_with("apiVersion:"))
}
