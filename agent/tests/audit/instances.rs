//! HAProxy's configurations of several files, against HAProxy itself.

use std::path::Path;
use std::process::Command;

use evenkeel_lab::parts::require;
use serde_json::Value;
use tempfile::tempdir;

use crate::bed::{audit_in, write};

const GLOBAL: &str = "global\n  maxconn 100\n";
const DEFAULTS: &str = "defaults\n  mode http\n  balance first\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s\n";
const FRONTEND: &str = "frontend web\n  bind 127.0.0.1:8080\n  default_backend shop\n";
const SHOP: &str = "backend shop\n  server a 192.0.2.1:80 check\n  server b 192.0.2.2:80 check\n";

/// Whether HAProxy takes what these arguments name.
fn accepted(folder: &Path, arguments: &[&str]) -> bool {
    let mut command = Command::new(require("haproxy").unwrap());
    command.arg("-c").current_dir(folder);
    for argument in arguments {
        command.arg("-f").arg(argument);
    }
    command.output().unwrap().status.success()
}

/// The files of each configuration that an audit finds, and the rules of what it finds in them.
fn read(folder: &Path, arguments: &[&str]) -> Vec<(Vec<String>, Vec<String>)> {
    let answer = audit_in(folder, &[&["--output", "json"], arguments].concat());
    let json = answer.json();
    assert_eq!(json["errors"], serde_json::json!([]), "{answer:?}");
    let texts = |list: &Value, text: fn(&Value) -> &Value| -> Vec<String> {
        let all = list.as_array().unwrap().iter();
        all.map(|found| text(found).as_str().unwrap().to_owned())
            .collect()
    };
    let all = json["configurations"].as_array().unwrap().iter();
    all.map(|read| {
        let rules = texts(&read["findings"], |found| &found["rule"]);
        (texts(&read["files"], |name| name), rules)
    })
    .collect()
}

#[test]
fn a_folder_that_haproxy_takes_is_one_configuration() {
    let folder = tempdir().unwrap();
    let files = [
        ("lb/00-global.cfg", GLOBAL),
        ("lb/10-defaults.cfg", DEFAULTS),
        ("lb/20-web.cfg", FRONTEND),
        ("lb/30-shop.cfg", SHOP),
        // Not taken by HAProxy: hidden, or of another name.
        ("lb/.40-hidden.cfg", "backend shop\n"),
        ("lb/50-old.cfg.bak", "backend shop\n"),
    ];
    let files = files.map(|(name, text)| (name, text.as_bytes()));
    write(folder.path(), &files);
    assert!(accepted(folder.path(), &["lb"]));
    let [(files, rules)] = &read(folder.path(), &["lb"])[..] else {
        panic!("one configuration")
    };
    let expected = [
        "lb/00-global.cfg",
        "lb/10-defaults.cfg",
        "lb/20-web.cfg",
        "lb/30-shop.cfg",
    ];
    assert_eq!(*files, expected);
    // `balance first` stands in the defaults of another file.
    assert!(rules.contains(&"HAP-004".to_owned()), "{rules:?}");
    // One file alone is read without them.
    let [(_, rules)] = &read(folder.path(), &["lb/30-shop.cfg"])[..] else {
        panic!("one configuration")
    };
    assert!(!rules.contains(&"HAP-004".to_owned()), "{rules:?}");
}

#[test]
fn a_folder_of_parts_follows_the_file_above() {
    let folder = tempdir().unwrap();
    let main = [GLOBAL, DEFAULTS].concat();
    let files = [
        ("haproxy/haproxy.cfg", main.as_str()),
        ("haproxy/conf.d/shop.cfg", SHOP),
        ("haproxy/conf.d/web.cfg", FRONTEND),
    ];
    write(
        folder.path(),
        &files.map(|(name, text)| (name, text.as_bytes())),
    );
    let together = ["haproxy/haproxy.cfg", "haproxy/conf.d"];
    assert!(accepted(folder.path(), &together));
    let of_folder = read(folder.path(), &["haproxy"]);
    let named = read(folder.path(), &[&["--together"], &together[..]].concat());
    assert_eq!(of_folder, named);
    let [(files, rules)] = &named[..] else {
        panic!("one configuration")
    };
    let expected = [
        "haproxy/haproxy.cfg",
        "haproxy/conf.d/shop.cfg",
        "haproxy/conf.d/web.cfg",
    ];
    assert_eq!(*files, expected);
    assert!(rules.contains(&"HAP-004".to_owned()), "{rules:?}");
    // The order is that of the command line, and defaults hold for what follows.
    let turned = read(
        folder.path(),
        &["--together", "haproxy/conf.d", "haproxy/haproxy.cfg"],
    );
    assert!(!turned[0].1.contains(&"HAP-004".to_owned()));
}

#[test]
fn what_haproxy_refuses_together_is_read_apart() {
    let folder = tempdir().unwrap();
    let one = [GLOBAL, DEFAULTS, FRONTEND, SHOP].concat();
    let files = [
        ("fleet/lb1.cfg", one.as_str()),
        ("fleet/lb2.cfg", one.as_str()),
    ];
    write(
        folder.path(),
        &files.map(|(name, text)| (name, text.as_bytes())),
    );
    assert!(
        !accepted(folder.path(), &["fleet"]),
        "two backends of one name"
    );
    assert!(accepted(folder.path(), &["fleet/lb1.cfg"]));
    let read = read(folder.path(), &["fleet"]);
    assert_eq!(read[0].0, ["fleet/lb1.cfg"]);
    assert_eq!(read[1].0, ["fleet/lb2.cfg"]);

    let together = audit_in(folder.path(), &["--together", "fleet"]);
    assert_eq!(together.code, 2);
    assert!(
        together.err.contains("another backend has this name"),
        "{}",
        together.err
    );
    let other = audit_in(folder.path(), &["--together", "--as", "nginx", "fleet"]);
    assert_eq!(other.code, 2);
    assert!(
        other.err.contains("--together is for HAProxy"),
        "{}",
        other.err
    );
}
