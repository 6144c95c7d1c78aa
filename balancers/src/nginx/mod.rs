//! nginx: `http` and `stream`, files or dumps of `nginx -T`.
//!
//! tokens -> tree -> included -> config (what decides who gets traffic) -> pools -> rules.

mod config;
mod include;
mod lua;
mod pass;
mod pools;
mod rules;
mod server;
mod shares;
mod splits;
mod statement;
mod token;
mod tree;
mod upstream;
mod uses;

use std::path::Path;

pub(crate) use rules::RULES;
pub use statement::{NginxStatement, NginxText, nginx_text};

use crate::configuration::{Configuration, Options};
use crate::error::ReadError;
use crate::finding::Report;
use crate::product::Product;
use crate::source::{Files, Loader};

/// Reads a configuration of nginx, or a dump of one.
pub(crate) fn read(
    files: &dyn Files,
    path: &Path,
    options: &Options,
) -> Result<Configuration, ReadError> {
    let mut loader = Loader::new(files, options.limits);
    let file = loader.enter(path, None)?;
    if include::is_dump(&loader.source(file).text)
        && let Some((path, dumped)) = include::dumped(&loader.source(file).text)
    {
        return read_files(Loader::new(&dumped, options.limits), &path, options);
    }
    loader.leave();
    read_files(loader, path, options)
}

fn read_files(
    mut loader: Loader<'_>,
    path: &Path,
    options: &Options,
) -> Result<Configuration, ReadError> {
    let mut report = Report::default();
    let (directives, suppressions) = include::read(&mut loader, path, &mut report)?;
    let config = config::config(&directives);
    let views = pools::views(&config, options);
    rules::check(&config, &views, options, &mut report);
    let mut pools: Vec<_> = views.into_iter().map(|view| view.pool).collect();
    pools.extend(splits::splits(&config));
    pools.extend(pools::implicit(&config, options));
    Ok(Configuration {
        unresolved: config.unresolved(),
        ..Configuration::new(
            Product::Nginx,
            loader.into_sources(),
            pools,
            report,
            suppressions,
        )
    })
}

/// Whether a text looks like nginx' configuration.
pub(crate) fn recognises(name: &Path, text: &str) -> bool {
    if include::is_dump(text) {
        return true;
    }
    let begins = |line: &str, word: &str| {
        let rest = line.strip_prefix(word);
        rest.is_some_and(|rest| rest.trim_start().starts_with('{'))
    };
    let named = name
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with("nginx"));
    named
        || text.lines().map(str::trim_start).any(|line| {
            let named = line
                .strip_prefix("upstream ")
                .is_some_and(|rest| rest.contains('{'));
            named
                || ["http", "stream", "server"]
                    .iter()
                    .any(|word| begins(line, word))
        })
}
