//! Every rule of Apache httpd's: a configuration that shows it and one that does not, both accepted by httpd itself.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use std::path::Path;
use std::process::{Command, Output};

use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{Options, Product, Rule, read, rules};
use evenkeel_lab::parts::require;

use common::rules::{
    bad_ones_show_their_rule, good_ones_show_nothing_but_notes, the_product_accepts_them,
};
use common::{configuration, shown, today};

/// What httpd cannot accept: the file that it includes is missing, which is the point.
const REFUSED: [&str; 1] = ["EVK-004/bad.conf"];

/// The modules that configurations need and do not load themselves.
const MODULES: [&str; 11] = [
    "mpm_event",
    "authz_core",
    "slotmem_shm",
    "proxy",
    "proxy_http",
    "proxy_wstunnel",
    "proxy_balancer",
    "lbmethod_byrequests",
    "lbmethod_bytraffic",
    "lbmethod_bybusyness",
    "alias",
];

/// The rules that a configuration of httpd can show.
fn shown_by_apache() -> impl Iterator<Item = &'static Rule> {
    rules().filter(|rule| match rule.product {
        Some(product) => product == Product::Apache,
        None => rule.is_of_one(),
    })
}

#[test]
fn bad_configurations_show_their_rule() {
    bad_ones_show_their_rule(Product::Apache, "bad.conf", shown_by_apache());
}

#[test]
fn good_configurations_show_nothing_but_notes() {
    good_ones_show_nothing_but_notes(Product::Apache, "good.conf", shown_by_apache());
}

#[test]
fn apache_accepts_them() {
    the_product_accepts_them(
        Product::Apache,
        ["bad.conf", "good.conf"],
        shown_by_apache(),
        |name| REFUSED.contains(&name),
        apache_test,
    );
}

/// `apache2 -t`.
fn apache_test(path: &Path) -> Output {
    let work = tempfile::tempdir().unwrap();
    let mut command = Command::new(require("apache2").unwrap());
    let log = format!("ErrorLog {}/error.log", work.path().display());
    command.args(["-C", "ServerName localhost", "-C", &log]);
    for module in MODULES {
        let line = format!("LoadModule {module}_module /usr/lib/apache2/modules/mod_{module}.so");
        command.args(["-C", &line]);
    }
    command.args(["-t", "-f"]).arg(path).output().unwrap()
}

/// Debian's own configuration, as its packages install it, is not at fault.
#[test]
fn the_example_of_debian_has_no_finding() {
    require("apache2").unwrap();
    for (path, files) in [
        ("apache2.conf", 20),
        ("sites-available/000-default.conf", 1),
        ("sites-available/default-ssl.conf", 1),
        ("mods-available/proxy_balancer.conf", 1),
    ] {
        let path = Path::new("/etc/apache2").join(path);
        let configuration = configuration(Product::Apache, &path);
        let read = configuration.sources.iter().count();
        assert!(read >= files, "{read} of its files were read");
        let audit = configuration.audit(today());
        assert!(
            audit.findings.is_empty(),
            "{}",
            shown(&configuration, &audit, Path::new("/etc/apache2"))
        );
    }
}

/// What a page shows before the fix has the finding, and what it shows after has it no more.
#[test]
fn examples_of_pages_show_what_they_say() {
    let own = |rule: &&Rule| rule.product == Some(Product::Apache);
    for rule in rules().filter(own) {
        let (before, after) = rule.page.split_once("After:").unwrap();
        assert!(shows(rule, before), "{} before", rule.id);
        assert!(!shows(rule, after), "{} after", rule.id);
    }
}

/// Whether the first configuration in a part of a page has a finding.
fn shows(rule: &Rule, page: &str) -> bool {
    let example = page.split("```").nth(1).unwrap();
    let example = example.strip_prefix("apache\n").unwrap();
    let files = MemoryFiles::new().with("httpd.conf", example);
    let path = Path::new("httpd.conf");
    let configuration = read(Product::Apache, &files, path, &Options::default()).unwrap();
    let audit = configuration.audit(today());
    audit.findings.iter().any(|finding| finding.rule == rule)
}
