//! `HAProxy`: files, and the files of folders in the order of their names, as `-f` takes them.
//!
//! lines -> sections -> proxies (with defaults taken in) -> pools -> rules.
//!
//! Conditions (`.if`) that depend on the host are not decided: all their branches are read, and the shares of a backend in
//! which something depends on one are not known. Variables are those that the configuration itself sets; others stand in
//! words as `${NAME}`.

mod admin;
mod balance;
mod branches;
mod condition;
mod document;
mod environment;
mod line;
mod params;
mod pools;
mod proxy;
mod rules;
mod server;
mod settings;
mod shares;
mod text;

use std::path::Path;

pub(crate) use admin::admin;
pub(crate) use rules::RULES;
pub use text::{HaproxyLine, HaproxyProxy, HaproxyText, haproxy_text};

use crate::configuration::{Configuration, Options};
use crate::error::{ReadError, Why};
use crate::finding::Report;
use crate::product::Product;
use crate::source::{Files, Loader, Place, is_pattern};

/// Reads a configuration of `HAProxy`: files, and all `*.cfg` of folders, in their order.
pub(crate) fn read(
    files: &dyn Files,
    paths: &[&Path],
    options: &Options,
) -> Result<Configuration, ReadError> {
    let mut loader = Loader::new(files, options.limits);
    let mut found = Vec::new();
    for path in paths {
        found.extend(within(files, path, options)?);
    }
    let document = document::read(&mut loader, &found, options.version)?;
    let config = proxy::config(&document);
    let config =
        config.map_err(|(place, what): (Place, String)| loader.error(place, Why::Syntax(what)))?;
    let views = pools::views(&config, options);
    let mut report = Report::default();
    rules::check(&views, &mut report);
    Ok(Configuration {
        unresolved: pools::unresolved(&config),
        ..Configuration::new(
            Product::Haproxy,
            loader.into_sources(),
            views.into_iter().map(|view| view.pool).collect(),
            report,
            document.suppressions,
        )
    })
}

/// The files of a folder, else the path itself. Hidden files are passed over, as `HAProxy` does.
fn within(
    files: &dyn Files,
    path: &Path,
    options: &Options,
) -> Result<Vec<std::path::PathBuf>, ReadError> {
    let name = path.display().to_string();
    let most = options.limits.inclusions;
    let pattern = path.join("*.cfg").display().to_string();
    let found = if is_pattern(&name) {
        Vec::new()
    } else {
        // What is no folder has no files in it.
        files.glob(&pattern, most).unwrap_or_default()
    };
    if found.len() > most {
        return Err(ReadError::file(name, Why::TooManyFiles(most)));
    }
    Ok(if found.is_empty() {
        vec![path.to_owned()]
    } else {
        found
    })
}

/// Whether a text looks like `HAProxy`'s configuration.
pub(crate) fn recognises(name: &Path, text: &str) -> bool {
    let named = name
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with("haproxy"));
    named || text.lines().any(begins)
}

/// Whether a line begins a section as no other product's does.
fn begins(line: &str) -> bool {
    let bare = line.split('#').next().unwrap_or_default();
    let mut words = bare.split_whitespace();
    let (first, second, third) = (words.next(), words.next(), words.next());
    let plain =
        |word: Option<&str>| word.is_none_or(|word| !word.contains(['{', '}', ';', '=', ':']));
    let alone = second.is_none();
    match first {
        Some("global") => alone,
        Some("defaults") => (alone || plain(second)) && third.is_none_or(|word| word == "from"),
        Some("frontend" | "backend" | "listen") => {
            second.is_some() && plain(second) && third.is_none_or(|word| word == "from")
        }
        _ => false,
    }
}
