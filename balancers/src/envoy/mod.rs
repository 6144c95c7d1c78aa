//! Envoy: bootstrap files, xDS resources in files, and what `/config_dump` of the admin interface says; YAML or JSON.
//!
//! trees of all files -> document (where clusters, endpoints and listeners stand) -> cluster, policy, users -> pools -> rules.
//! Field names are those of `envoy/config` and `envoy/extensions` of Envoy's API, version 3.

mod admin;
mod cluster;
mod document;
mod files;
mod policy;
mod pools;
mod rules;
mod shares;
mod splits;
mod text;
mod users;

use std::path::Path;

pub(crate) use admin::admin;
pub(crate) use rules::RULES;
pub use text::{EnvoyText, envoy_text};

use crate::configuration::{Configuration, Options};
use crate::error::ReadError;
use crate::finding::Report;
use crate::product::Product;
use crate::source::{Files, Loader, Place};
use crate::yaml;

/// Reads a configuration of Envoy, or a dump of one.
pub(crate) fn read(
    files: &dyn Files,
    path: &Path,
    options: &Options,
) -> Result<Configuration, ReadError> {
    let mut loader = Loader::new(files, options.limits);
    let mut report = Report::default();
    let (trees, suppressions) = files::read(&mut loader, path, &mut report)?;
    let parts = document::parts(&trees);
    let clusters = cluster::clusters(&parts);
    let users = users::users(&parts);
    let views = pools::views(&clusters, &users, options);
    rules::check(&views, &users, &mut report);
    let mut pools: Vec<_> = views.into_iter().map(|view| view.pool).collect();
    pools.extend(splits::pools(&users));
    Ok(Configuration::new(
        Product::Envoy,
        loader.into_sources(),
        pools,
        report,
        suppressions,
    ))
}

/// Whether a text looks like Envoy's configuration.
pub(crate) fn recognises(_name: &Path, text: &str) -> bool {
    const SIGNS: [&str; 8] = [
        "static_resources",
        "staticResources",
        "dynamic_resources",
        "dynamicResources",
        "envoy.admin.v3.",
        "envoy.config.cluster.v3.",
        "envoy.config.endpoint.v3.",
        "load_assignment",
    ];
    SIGNS.iter().any(|sign| text.contains(sign))
}

/// A text with its place.
#[derive(Clone, Copy, Debug)]
struct Word<'a> {
    text: &'a str,
    place: Place,
}

impl<'a> Word<'a> {
    /// The text of a scalar.
    fn of(value: yaml::Value<'a>) -> Option<Self> {
        let text = value.text()?;
        Some(Self {
            text,
            place: value.place(),
        })
    }
}

/// `3s`, `0.25s`: in seconds.
fn duration(value: yaml::Value<'_>) -> Option<f64> {
    let seconds: f64 = value.text()?.strip_suffix('s')?.parse().ok()?;
    seconds.is_finite().then_some(seconds)
}

/// `{value: 30}`, or the number alone.
fn percent(value: yaml::Value<'_>) -> Option<f64> {
    value.get("value").unwrap_or(value).number()
}
