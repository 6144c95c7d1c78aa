//! Every rule of nginx': a configuration that shows it and one that does not, both accepted by nginx itself.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use evenkeel_balancers::{Product, Rule, Version, rules};
use evenkeel_lab::parts::require;

use common::rules::{
    bad_ones_show_their_rule, good_ones_show_nothing_but_notes, the_product_accepts_them,
};
use common::{configuration, folder, shown, today};

/// Configurations that need a newer nginx than Debian's, which must refuse them; and since when they are accepted.
const NEWER: [(&str, Version); 2] = [
    ("NGX-019/bad.conf", Version(1, 29, 6)),
    ("NGX-019/good.conf", Version(1, 29, 6)),
];

/// What nginx cannot accept: the file that it includes is missing, which is the point.
const REFUSED: [&str; 1] = ["EVK-004/bad.conf"];

/// Names in the configurations, as nginx resolves them when it starts.
const HOSTS: &str = "127.0.0.1 localhost\n\
                     192.0.2.11 app-1.example\n\
                     192.0.2.12 app-2.example\n\
                     192.0.2.13 search.example\n";

/// The rules that an nginx configuration can show.
fn shown_by_nginx() -> impl Iterator<Item = &'static Rule> {
    rules().filter(|rule| match rule.product {
        Some(product) => product == Product::Nginx,
        None => rule.is_of_one(),
    })
}

#[test]
fn bad_configurations_show_their_rule() {
    bad_ones_show_their_rule(Product::Nginx, "bad.conf", shown_by_nginx());
}

#[test]
fn good_configurations_show_nothing_but_notes() {
    good_ones_show_nothing_but_notes(Product::Nginx, "good.conf", shown_by_nginx());
}

#[test]
fn nginx_accepts_them() {
    let version = version();
    let too_new = |name: &str| {
        let newer = NEWER.iter().find(|(newer, _)| *newer == name);
        newer.is_some_and(|(_, since)| version < *since)
    };
    the_product_accepts_them(
        Product::Nginx,
        ["bad.conf", "good.conf"],
        shown_by_nginx(),
        |name| REFUSED.contains(&name) || too_new(name),
        |path| nginx_test(path, "-t"),
    );
}

/// Debian's own configuration, as its packages install it, is not at fault.
#[test]
fn the_example_of_debian_has_no_finding() {
    require("nginx").unwrap();
    let configuration = configuration(Product::Nginx, Path::new("/etc/nginx/nginx.conf"));
    assert!(
        configuration.sources.iter().count() > 3,
        "its includes were read"
    );
    let audit = configuration.audit(today());
    assert!(
        audit.findings.is_empty(),
        "{}",
        shown(&configuration, &audit, Path::new("/etc/nginx"))
    );
}

/// What `nginx -T` writes is understood as its files are, with the same places.
#[test]
fn a_dump_by_nginx_reads_like_its_files() {
    let path = folder(Product::Nginx).join("NGX-001/bad.conf");
    let output = nginx_test(&path, "-T");
    assert!(output.status.success(), "{output:?}");
    let work = tempfile::tempdir().unwrap();
    let dump = work.path().join("dump");
    std::fs::write(&dump, output.stdout).unwrap();
    let (file, dumped) = (
        configuration(Product::Nginx, &path),
        configuration(Product::Nginx, &dump),
    );
    assert_eq!(file.pools, dumped.pools);
    assert_eq!(file.audit(today()), dumped.audit(today()));
    assert_eq!(
        dumped.sources.locate(dumped.pools[0].place),
        file.sources.locate(file.pools[0].place)
    );
}

fn version() -> Version {
    let output = Command::new(require("nginx").unwrap())
        .arg("-v")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    Version::parse(said.split_once('/').unwrap().1).unwrap()
}

/// nginx with `-t` or `-T`, in a mount namespace of its own where the names of the configurations resolve.
fn nginx_test(path: &Path, mode: &str) -> Output {
    let nginx = require("nginx").unwrap();
    let work = tempfile::tempdir().unwrap();
    let hosts = work.path().join("hosts");
    std::fs::write(&hosts, HOSTS).unwrap();
    let stream = PathBuf::from("/usr/lib/nginx/modules/ngx_stream_module.so");
    assert!(
        stream.is_file(),
        "nginx has no stream module; on Debian: apt-get install libnginx-mod-stream"
    );
    let globals = format!(
        "pid {}/pid; load_module {};",
        work.path().display(),
        stream.display()
    );
    let script = "mount --bind \"$1\" /etc/hosts && shift && exec \"$@\"";
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--net", "sh", "-c", script, "sh"])
        .arg(&hosts)
        .arg(nginx);
    command
        .args([mode, "-q", "-e", "stderr", "-g", &globals, "-c"])
        .arg(path);
    command.output().unwrap()
}
