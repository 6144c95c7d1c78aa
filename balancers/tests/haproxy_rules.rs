//! Every rule of `HAProxy`'s: a configuration that shows it and one that does not, both accepted by `HAProxy` itself.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use std::path::Path;
use std::process::Command;

use evenkeel_balancers::source::{Files as _, HostFiles, MemoryFiles};
use evenkeel_balancers::{Options, Product, Rule, Severity, Version, read, read_haproxy, rules};
use evenkeel_lab::parts::require;

use common::rules::{
    bad_ones_show_their_rule, good_ones_show_nothing_but_notes, the_product_accepts_them,
};
use common::{configuration, folder, shown, today};

/// The rules that a configuration of `HAProxy` can show: it includes no other files.
fn shown_by_haproxy() -> impl Iterator<Item = &'static Rule> {
    rules().filter(|rule| match rule.product {
        Some(product) => product == Product::Haproxy,
        None => rule.is_of_one() && rule.id != "EVK-004",
    })
}

#[test]
fn bad_configurations_show_their_rule() {
    bad_ones_show_their_rule(Product::Haproxy, "bad.conf", shown_by_haproxy());
}

#[test]
fn good_configurations_show_nothing_but_notes() {
    good_ones_show_nothing_but_notes(Product::Haproxy, "good.conf", shown_by_haproxy());
}

#[test]
fn haproxy_accepts_them() {
    let haproxy = require("haproxy").unwrap();
    the_product_accepts_them(
        Product::Haproxy,
        ["bad.conf", "good.conf"],
        shown_by_haproxy(),
        |_| false,
        |path| {
            let mut command = Command::new(&haproxy);
            command.args(["-c", "-f"]).arg(path).output().unwrap()
        },
    );
}

/// Debian's own configuration, as its package installs it, is not at fault.
#[test]
fn the_example_of_debian_has_no_finding() {
    require("haproxy").unwrap();
    let path = Path::new("/etc/haproxy/haproxy.cfg");
    let configuration = configuration(Product::Haproxy, path);
    let audit = configuration.audit(today());
    assert!(
        audit.findings.is_empty(),
        "{}",
        shown(&configuration, &audit, Path::new("/etc/haproxy"))
    );
}

/// The examples that come with `HAProxy` show at most what is worth knowing.
#[test]
fn the_examples_of_the_package_have_nothing_but_notes() {
    const EXAMPLES: &str = "/usr/share/doc/haproxy/examples";
    require("haproxy").unwrap();
    let files = HostFiles.glob(&format!("{EXAMPLES}/*.cfg"), 100).unwrap();
    assert!(
        files.len() > 3,
        "no files in {EXAMPLES}: dpkg is told to leave documentation out (`path-exclude` in /etc/dpkg)"
    );
    for path in files {
        let configuration = configuration(Product::Haproxy, &path);
        let audit = configuration.audit(today());
        let worst = audit.worst().unwrap_or(Severity::Note);
        let shown = shown(&configuration, &audit, Path::new(EXAMPLES));
        assert_eq!(worst, Severity::Note, "{shown}");
    }
}

/// What a backend without `balance` does depends on the version: so does what is found.
#[test]
fn the_default_algorithm_is_that_of_the_version() {
    let path = folder(Product::Haproxy).join("HAP-002/bad.conf");
    for (version, name, severity) in [
        (None, "roundrobin", Some(Severity::Note)),
        (Some(Version(2, 6, 12)), "roundrobin", None),
        (Some(Version(3, 3, 1)), "random", Some(Severity::Warning)),
        (Some(Version(3, 4, 0)), "random", Some(Severity::Note)),
    ] {
        let options = Options {
            version,
            ..Options::default()
        };
        let configuration = read(Product::Haproxy, &HostFiles, &path, &options).unwrap();
        assert_eq!(configuration.pools[0].algorithm.name, name);
        let audit = configuration.audit(today());
        assert_eq!(audit.worst(), severity, "{version:?}");
    }
}

/// The files of a folder are one configuration, in the order of their names.
#[test]
fn folders_are_read_in_order() {
    let files = MemoryFiles::new()
        .with("/h/20-shop.cfg", "backend shop\n server b 192.0.2.1:80\n")
        .with(
            "/h/10-defaults.cfg",
            "defaults\n mode http\n balance leastconn\n",
        )
        .with("/h/README", "not a configuration")
        .with("/h/.hidden.cfg", "nor this");
    let configuration = read(
        Product::Haproxy,
        &files,
        Path::new("/h"),
        &Options::default(),
    )
    .unwrap();
    assert_eq!(configuration.sources.iter().count(), 2);
    assert_eq!(configuration.pools[0].algorithm.name, "leastconn");

    // The other way round there are no defaults yet.
    let paths = ["/h/20-shop.cfg", "/h/10-defaults.cfg"].map(Path::new);
    let configuration = read_haproxy(&files, &paths, &Options::default()).unwrap();
    assert_eq!(configuration.pools[0].algorithm.name, "roundrobin");
}

/// What a page shows before the fix has the finding, and what it shows after has it no more.
#[test]
fn examples_of_pages_show_what_they_say() {
    let own = |rule: &&Rule| rule.product == Some(Product::Haproxy);
    for rule in rules().filter(own) {
        let (before, after) = rule.page.split_once("After:").unwrap();
        assert!(shows(rule, before), "{} before", rule.id);
        // Templates are worth a note however many slots they have.
        if rule.id != "HAP-019" {
            assert!(!shows(rule, after), "{} after", rule.id);
        }
    }
}

/// Whether the first configuration in a part of a page has a finding.
fn shows(rule: &Rule, page: &str) -> bool {
    let example = page.split("```").nth(1).unwrap();
    let example = example.strip_prefix("haproxy\n").unwrap();
    let text = format!("defaults\n mode http\n{example}");
    let files = MemoryFiles::new().with("haproxy.cfg", text);
    let path = Path::new("haproxy.cfg");
    let configuration = read(Product::Haproxy, &files, path, &Options::default()).unwrap();
    let audit = configuration.audit(today());
    audit.findings.iter().any(|finding| finding.rule == rule)
}
