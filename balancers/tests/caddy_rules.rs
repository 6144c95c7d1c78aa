//! Every rule of Caddy's: a configuration that shows it and one that does not, both accepted by Caddy itself.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on must fail"
)]

mod common;

use std::path::Path;
use std::process::Command;

use evenkeel_balancers::model::{Comparability, State, Target};
use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{
    Configuration, Options, Product, ReadError, Rule, Version, detect, read, read_any, rules,
};
use evenkeel_lab::parts::caddy;

use common::rules::{
    bad_ones_show_their_rule, good_ones_show_nothing_but_notes, the_product_accepts_them,
};
use common::{folder, today};

/// The rules that only a Caddy configuration can show.
fn shown_by_caddy() -> impl Iterator<Item = &'static Rule> {
    rules().filter(|rule| rule.product == Some(Product::Caddy))
}

fn read_text(text: &str, options: &Options) -> Result<Configuration, ReadError> {
    let files = MemoryFiles::new().with("caddy.json", text);
    read(Product::Caddy, &files, Path::new("caddy.json"), options)
}

/// A server with one handler, whose fields are these.
fn handler(fields: &str) -> String {
    format!(
        r#"{{"apps": {{"http": {{"servers": {{"web": {{"routes": [{{"handle": [{{"handler": "reverse_proxy", {fields}}}]}}]}}}}}}}}}}"#
    )
}

fn read_handler(fields: &str) -> Configuration {
    read_text(&handler(fields), &Options::default()).unwrap()
}

#[test]
fn bad_configurations_show_their_rule() {
    bad_ones_show_their_rule(Product::Caddy, "bad.json", shown_by_caddy());
}

#[test]
fn good_configurations_show_nothing_but_notes() {
    good_ones_show_nothing_but_notes(Product::Caddy, "good.json", shown_by_caddy());
}

#[test]
fn caddy_accepts_them() {
    the_product_accepts_them(
        Product::Caddy,
        ["bad.json", "good.json"],
        shown_by_caddy(),
        |_| false,
        |path| {
            let mut command = Command::new(caddy().unwrap());
            command.arg("validate").arg("--config").arg(path);
            command.output().unwrap()
        },
    );
}

/// All texts that the tests hold are told by their content alone.
#[test]
fn content_tells_the_product() {
    for rule in shown_by_caddy() {
        let path = folder(Product::Caddy).join(rule.id).join("bad.json");
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(detect(Path::new("x"), &text), Some(Product::Caddy));
    }
    assert_eq!(detect(Path::new("x"), r#"{"apps": {"tls": {}}}"#), None);
}

/// A Caddyfile is recognised, and the error says how to make JSON of it; what `caddy adapt` makes of it is read.
#[test]
fn caddyfiles_are_to_be_adapted() {
    let text = "{\n\tadmin off\n}\n:18080 {\n\treverse_proxy 192.0.2.1:80 192.0.2.2:80 {\n\t\tlb_policy ip_hash\n\t\tfail_duration 30s\n\t}\n\thandle_path /api/* {\n\t\treverse_proxy unix//run/api.sock\n\t}\n}\n";
    for name in ["Caddyfile", "x"] {
        let files = MemoryFiles::new().with(name, text);
        let error = read_any(&files, Path::new(name), &Options::default()).unwrap_err();
        let said = error.to_string();
        assert!(said.starts_with(&format!("{name}:1:1: ")), "{said}");
        assert!(said.contains("`caddy adapt --pretty --config"), "{said}");
    }
    let work = tempfile::tempdir().unwrap();
    let path = work.path().join("Caddyfile");
    std::fs::write(&path, text).unwrap();
    let mut command = Command::new(caddy().unwrap());
    let output = command
        .args(["adapt", "--pretty", "--config"])
        .arg(&path)
        .output()
        .unwrap();
    let adapted = String::from_utf8(output.stdout).unwrap();
    assert_eq!(detect(Path::new("x"), &adapted), Some(Product::Caddy));
    let read = read_text(&adapted, &Options::default()).unwrap();
    let pools: Vec<_> = read
        .pools
        .iter()
        .map(|pool| (pool.name.as_str(), pool.algorithm.name.as_str()))
        .collect();
    assert_eq!(
        pools,
        [("srv0 route 1.2", "random"), ("srv0 route 2", "ip_hash")]
    );
    let socket = &read.pools[0].servers[0].address;
    assert_eq!(socket.target, Target::Unix("/run/api.sock".to_owned()));
}

/// Handlers are found in subroutes, in error routes and in what follows a response.
#[test]
fn all_handlers_are_found() {
    let proxy = |dial: &str| {
        format!(r#"{{"handler": "reverse_proxy", "upstreams": [{{"dial": "{dial}"}}]}}"#)
    };
    let (a, b, c, d) = (proxy("a:1"), proxy("b:1"), proxy("c:1"), proxy("d:1"));
    let text = format!(
        r#"{{"apps": {{"http": {{"servers": {{"web": {{
            "routes": [
              {{"handle": [{a}, {{"handler": "subroute", "routes": [{{}}, {{"handle": [{b}]}}]}}]}},
              {{"handle": [{{"@id": "shop", "handler": "reverse_proxy", "handle_response": [{{"routes": [{{"handle": [{c}]}}]}}]}}]}}],
            "errors": {{"routes": [{{"handle": [{d}]}}]}} }} }} }} }} }}"#
    );
    let read = read_text(&text, &Options::default()).unwrap();
    let names: Vec<_> = read.pools.iter().map(|pool| pool.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "web route 1",
            "web route 1.2",
            "shop",
            "web route 2.1",
            "web route 1 (2)"
        ]
    );
}

/// What the rules find beside what the configurations on disk show: a change to one of them, and words of the message.
#[test]
fn milder_and_worse_cases() {
    let cases = [
        (
            "CAD-001",
            "[1, 1]",
            "[8]",
            "192.0.2.1:8080 gets 100 % of the requests",
        ),
        (
            "CAD-001",
            "[1, 1]",
            "[1, 1, 1, 1]",
            "192.0.2.1:8080 50.0 %, 192.0.2.2:8080 25.0 % and",
        ),
        (
            "CAD-002",
            "[8, 2, 1]",
            "[1, 8, 1]",
            "without 192.0.2.2:8080 requests go to 192.0.2.1:8080 20.0 % instead of 50.0 %",
        ),
        (
            "CAD-003",
            "\"choose\": 2",
            "\"choose\": 9",
            "192.0.2.1:8080 gets 100.0 %",
        ),
        (
            "CAD-007",
            "round_robin",
            "uri_hash",
            "keys go to where it stands first",
        ),
        (
            "CAD-008",
            "least_conn",
            "first",
            "up to 100.0 % of the requests",
        ),
        (
            "CAD-013",
            ", \"max_requests\": 100",
            "",
            "some of which have no limit",
        ),
    ];
    for (id, from, to, words) in cases {
        let path = folder(Product::Caddy).join(id).join("bad.json");
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains(from), "{id}");
        let audit = read_text(&text.replacen(from, to, 1), &Options::default())
            .unwrap()
            .audit(today());
        let told: Vec<_> = audit
            .findings
            .iter()
            .filter(|finding| finding.rule.id == id)
            .map(|finding| finding.message.as_str())
            .collect();
        assert!(
            told.iter().any(|told| told.contains(words)),
            "{id}: {told:?}"
        );
    }
}

/// What Caddy does since 2.11.7 is not told of an older one.
#[test]
fn versions_count() {
    let path = folder(Product::Caddy).join("CAD-003/bad.json");
    let text = std::fs::read_to_string(path).unwrap();
    for (version, found) in [
        (None, true),
        (Some("2.11.7"), true),
        (Some("2.11.4"), false),
    ] {
        let options = Options {
            version: version.and_then(Version::parse),
            ..Options::default()
        };
        let audit = read_text(&text, &options).unwrap().audit(today());
        let shown = audit
            .findings
            .iter()
            .any(|finding| finding.rule.id == "CAD-003");
        assert_eq!(shown, found, "{version:?}");
    }
}

/// Upstreams that DNS tells come before those that are written, and nobody knows their shares.
/// CAD-003: a sample of one, which Caddy refuses, has no first; none written is one of two.
#[test]
fn samples_have_two_upstreams_or_more() {
    let found = |choose: &str| {
        let fields = format!(
            r#""load_balancing": {{"selection_policy": {{"policy": "random_choose"{choose}}}}}, "upstreams": [{{"dial": "192.0.2.1:80"}}, {{"dial": "192.0.2.2:80"}}, {{"dial": "192.0.2.3:80"}}]"#
        );
        let audit = read_handler(&fields).audit(today());
        audit.findings.iter().any(|one| one.rule.id == "CAD-003")
    };
    assert!(!found(r#", "choose": 1"#));
    assert!(found(r#", "choose": 2"#) && found(r#", "choose": 9"#) && found(""));
}

#[test]
fn dynamic_upstreams_are_open() {
    let read = read_handler(
        r#""upstreams": [{"dial": "192.0.2.1:80"}], "dynamic_upstreams": {"source": "multi", "sources": [
            {"source": "srv", "service": "http", "proto": "tcp", "name": "shop.example"},
            {"source": "a", "name": "{env.SHOP}", "port": "80"}]}"#,
    );
    let pool = &read.pools[0];
    let told: Vec<_> = pool
        .members()
        .map(|(server, share)| (server.title(), server.state, share.low(), share.high()))
        .collect();
    assert_eq!(
        told,
        [
            ("192.0.2.1:80", State::Backup, 0.0, 0.0),
            ("_http._tcp.shop.example", State::InRotation, 0.0, 1.0),
            ("{env.SHOP}:80", State::InRotation, 0.0, 1.0),
        ]
    );
    assert_eq!(pool.servers[2].address.target, Target::Unknown);
}

#[test]
fn transports_tell_what_connections_are_worth() {
    for (transport, expected) in [
        (r#"{"protocol": "http"}"#, Comparability::Approximate),
        (
            r#"{"protocol": "http", "keep_alive": {"enabled": false}}"#,
            Comparability::Exact,
        ),
        (r#"{"protocol": "fastcgi"}"#, Comparability::Exact),
        (
            r#"{"protocol": "http", "versions": ["h2c", "2"]}"#,
            Comparability::Unusable,
        ),
    ] {
        let read = read_handler(&format!(
            r#""transport": {transport}, "upstreams": [{{"dial": ":80"}}]"#
        ));
        assert_eq!(read.pools[0].comparability, expected, "{transport}");
    }
}
