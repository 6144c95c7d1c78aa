//! Apache httpd: balancers of `mod_proxy_balancer`, and what sends requests to them.
//!
//! lines -> directives (conditions decided, files included) -> config -> pools -> rules.
//!
//! `<IfModule>` follows the `LoadModule`s before it; in a part of a configuration, which has none, modules are taken to be
//! there. `<IfDefine>` follows `Define`. Macros are not expanded: their uses are told as unresolved.

mod balancer;
mod condition;
mod config;
mod document;
mod environment;
mod implicit;
mod include;
mod line;
mod member;
mod pass;
mod pools;
mod rules;
mod sections;
mod shares;
mod url;

use std::path::Path;

pub(crate) use rules::RULES;

use crate::configuration::{Configuration, Options};
use crate::error::ReadError;
use crate::finding::Report;
use crate::product::Product;
use crate::source::{Files, Loader};

/// Reads a configuration of Apache httpd.
pub(crate) fn read(
    files: &dyn Files,
    path: &Path,
    options: &Options,
) -> Result<Configuration, ReadError> {
    let mut loader = Loader::new(files, options.limits);
    let mut report = Report::default();
    let document = document::read(&mut loader, path, options.version, &mut report)?;
    let config = config::config(&document);
    let views = pools::views(&config);
    rules::check(&config, &document.modules, &views, &mut report);
    let mut unresolved = implicit::unresolved(&config);
    unresolved.extend(document.unresolved);
    let mut pools: Vec<_> = views.into_iter().map(|view| view.pool).collect();
    pools.extend(implicit::implicit(&config));
    Ok(Configuration {
        unresolved,
        ..Configuration::new(
            Product::Apache,
            loader.into_sources(),
            pools,
            report,
            document.suppressions,
        )
    })
}

/// Whether a text looks like Apache httpd's configuration.
pub(crate) fn recognises(name: &Path, text: &str) -> bool {
    const NAMES: [&str; 2] = ["apache2.conf", "httpd.conf"];
    const BEGINNINGS: [&str; 10] = [
        "<VirtualHost ",
        "<IfModule ",
        "<Proxy balancer://",
        "<Proxy \"balancer://",
        "LoadModule ",
        "ServerRoot ",
        "BalancerMember ",
        "ProxyPass ",
        "ProxyPassMatch ",
        "IncludeOptional ",
    ];
    let named = name
        .file_name()
        .is_some_and(|name| NAMES.iter().any(|known| name == *known));
    let begins = |line: &str| BEGINNINGS.iter().any(|begin| line.starts_with(begin));
    named || text.lines().map(str::trim_start).any(begins)
}
