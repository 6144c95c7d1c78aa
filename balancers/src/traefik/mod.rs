//! Traefik: the file that it starts with, and the files that its file provider reads, in YAML or JSON.
//!
//! trees of all files (`files.rs`) -> document (services by protocol and name, routers) -> service (servers, or a composition of
//! other services) -> pools, and the shares of compositions -> rules. Field names are those of `pkg/config/dynamic`. Files in
//! TOML are recognised, and not read.

mod compose;
mod document;
mod files;
mod pools;
mod rules;
mod service;
mod shares;

use std::path::Path;

pub(crate) use rules::RULES;

use crate::configuration::{Configuration, Options};
use crate::error::ReadError;
use crate::finding::Report;
use crate::product::Product;
use crate::source::{Files, Loader};
use crate::yaml::{Entry, Value};

/// Reads a configuration of Traefik.
pub(crate) fn read(
    files: &dyn Files,
    path: &Path,
    options: &Options,
) -> Result<Configuration, ReadError> {
    let mut loader = Loader::new(files, options.limits);
    let mut report = Report::default();
    let (trees, suppressions) = files::read(&mut loader, path, &mut report)?;
    let document = document::document(&trees);
    let views = pools::views(&document);
    let splits = compose::splits(&document);
    rules::check(&document, &views, &splits, &mut report);
    let mut pools: Vec<_> = views.into_iter().map(|view| view.pool).collect();
    pools.extend(splits.into_iter().map(|split| split.pool));
    Ok(Configuration {
        product: Product::Traefik,
        sources: loader.into_sources(),
        pools,
        unresolved: Vec::new(),
        findings: report.into_findings(),
        suppressions,
    })
}

/// Whether a text looks like Traefik's configuration, in YAML, JSON or TOML.
pub(crate) fn recognises(name: &Path, text: &str) -> bool {
    let named = name.file_stem().and_then(|name| name.to_str());
    let begins = |word: &str| text.lines().any(|line| begins_with(line, word));
    let holds = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let services = holds(&["loadBalancer", "loadbalancer", "weighted", "routers"]);
    let dynamic = services && (begins("http") || begins("tcp") || begins("udp"));
    let fixed = begins("entryPoints") && (begins("providers") || begins("api") || begins("log"));
    files::is_toml(text)
        || dynamic
        || fixed
        || (named == Some("traefik") && (begins("entryPoints") || begins("providers")))
}

/// Whether a line begins with a key: `http:`, or `"http": {` within the outermost braces of JSON.
fn begins_with(line: &str, key: &str) -> bool {
    let plain = line
        .strip_prefix(key)
        .is_some_and(|rest| rest.starts_with(':'));
    let quoted = || {
        let rest = line.trim_start_matches([' ', '\t', '{']).strip_prefix('"');
        let rest = rest.and_then(|rest| rest.strip_prefix(key));
        rest.and_then(|rest| rest.strip_prefix('"'))
            .is_some_and(|rest| rest.trim_start().starts_with(':'))
    };
    plain || quoted()
}

/// A key with its value. Traefik does not tell upper from lower case in keys.
fn entry<'a>(value: Value<'a>, key: &str) -> Option<Entry<'a>> {
    let named = |entry: &Entry<'a>| {
        entry
            .key
            .text()
            .is_some_and(|text| text.eq_ignore_ascii_case(key))
    };
    value.entries().find(named)
}

/// The value of a key.
fn field<'a>(value: Value<'a>, key: &str) -> Option<Value<'a>> {
    entry(value, key).map(|entry| entry.value)
}

/// The value at the end of several keys.
fn at<'a>(value: Value<'a>, keys: &[&str]) -> Option<Value<'a>> {
    keys.iter().try_fold(value, |value, key| field(value, key))
}

/// A whole number, which may be negative.
fn integer(value: Value<'_>) -> Option<i64> {
    value.text()?.parse().ok()
}
