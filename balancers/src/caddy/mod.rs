//! Caddy: its configuration in JSON, as `caddy adapt` makes it of a Caddyfile and as the admin interface tells it at `/config/`.
//!
//! tree -> `reverse_proxy` handlers wherever they are in the routes (`routes.rs`) -> upstreams and policy (`proxy.rs`) -> pools ->
//! rules. A Caddyfile is not read: what it means depends on the plugins of the Caddy that adapts it.

mod policy;
mod pools;
mod proxy;
mod routes;
mod rules;

use std::path::Path;

pub(crate) use rules::RULES;

use crate::configuration::{Configuration, Options};
use crate::error::{ReadError, Why};
use crate::finding::Report;
use crate::product::Product;
use crate::source::{Files, Loader, Place};
use crate::yaml;

/// Reads a configuration of Caddy.
pub(crate) fn read(
    files: &dyn Files,
    path: &Path,
    options: &Options,
) -> Result<Configuration, ReadError> {
    let mut loader = Loader::new(files, options.limits);
    let file = loader.enter(path, None)?;
    if !is_json(&loader.source(file).text) && !is_adapted(&loader.source(file).text) {
        return Err(loader.error(Place::top(file), Why::Syntax(CADDYFILE.to_owned())));
    }
    let (tree, suppressions) = yaml::parse(&loader, file)?;
    loader.leave();
    let proxies: Vec<_> = routes::proxies(&tree)
        .into_iter()
        .map(proxy::proxy)
        .collect();
    let views = pools::views(&proxies);
    let mut report = Report::default();
    rules::check(&views, options, &mut report);
    Ok(Configuration {
        product: Product::Caddy,
        sources: loader.into_sources(),
        pools: views.into_iter().map(|view| view.pool).collect(),
        unresolved: Vec::new(),
        findings: report.into_findings(),
        suppressions,
    })
}

const CADDYFILE: &str = "this is not Caddy's JSON; of a Caddyfile audit what Caddy makes of it: `caddy adapt --pretty --config Caddyfile | evenkeel audit -`";

/// Whether a text is JSON: a brace that a name or another brace follows. A Caddyfile may begin with a brace too, and a new line.
fn is_json(text: &str) -> bool {
    let within = text.trim_start().strip_prefix('{').map(str::trim_start);
    within.is_some_and(|within| within.starts_with(['"', '}']))
}

/// Whether a text is the same in YAML, as an adapter of Caddy takes it.
fn is_adapted(text: &str) -> bool {
    text.lines()
        .any(|line| line.trim_end() == "apps:" || line.starts_with("apps: {"))
}

/// Whether a text looks like Caddy's configuration. A Caddyfile does, so that its reader is told what to do with it.
pub(crate) fn recognises(name: &Path, text: &str) -> bool {
    let named = name.file_name().and_then(|name| name.to_str());
    let caddyfile = named.is_some_and(|name| name == "Caddyfile" || name.ends_with(".caddyfile"));
    let adapted = is_json(text) && (text.contains("\"apps\"") || text.contains("\"admin\""))
        || is_adapted(text);
    let known = ["reverse_proxy", "\"http\"", "http:", "layer4"];
    let directive = |line: &str| line.trim_start().starts_with("reverse_proxy ");
    caddyfile
        || (adapted && known.iter().any(|word| text.contains(word)))
        || (!is_json(text) && text.lines().any(directive))
}
