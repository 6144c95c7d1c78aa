//! What tests of all products share: configurations on disk, findings as text, any bytes, and traffic.

#![allow(dead_code, reason = "each test file uses a part")]
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on must fail"
)]

pub(crate) mod bytes;
pub(crate) mod rules;
pub(crate) mod traffic;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use evenkeel_balancers::source::HostFiles;
use evenkeel_balancers::{Audit, Configuration, Date, Options, Product, read};

/// The day of all tests.
pub(crate) fn today() -> Date {
    "2026-11-22".parse().unwrap()
}

/// The folder of a product's configurations: one folder per rule, with `bad.conf` and `good.conf`.
pub(crate) fn folder(product: Product) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(product.as_str())
}

/// Reads a configuration that can be read.
pub(crate) fn configuration(product: Product, path: &Path) -> Configuration {
    match read(product, &HostFiles, path, &Options::default()) {
        Ok(configuration) => configuration,
        Err(error) => panic!("{error}"),
    }
}

/// Findings as a terminal would show them, with paths relative to the folder of the configuration.
pub(crate) fn shown(configuration: &Configuration, audit: &Audit, root: &Path) -> String {
    let mut text = String::new();
    let root = format!("{}/", root.display());
    let locate = |place| configuration.sources.locate(place).replace(&root, "");
    for finding in &audit.findings {
        let (severity, id) = (finding.severity.as_str(), finding.rule.id);
        let excerpt = configuration.sources.excerpt(finding.place);
        writeln!(text, "{severity}[{id}] {}", locate(finding.place)).unwrap();
        writeln!(text, "  | {}", excerpt.line).unwrap();
        writeln!(
            text,
            "  | {}{}",
            " ".repeat(excerpt.indent),
            "^".repeat(excerpt.carets)
        )
        .unwrap();
        writeln!(text, "  {}", finding.message).unwrap();
        writeln!(text, "  help: {}", finding.help).unwrap();
        for (place, what) in &finding.related {
            writeln!(text, "  {}: {what}", locate(*place)).unwrap();
        }
    }
    for allowed in &audit.allowed {
        let (id, because) = (allowed.finding.rule.id, &allowed.because);
        writeln!(
            text,
            "allowed[{id}] {}: {because}",
            locate(allowed.finding.place)
        )
        .unwrap();
    }
    text
}
