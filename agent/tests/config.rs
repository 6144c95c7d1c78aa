//! The configuration as users meet it: what is accepted, and every message that is printed for what is not.
//!
//! Each file in `config/bad` has the report that it must lead to in `config/reports`.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy allows both in tests, but not in what tests call"
)]

#[path = "config/alerting.rs"]
mod alerting;
#[path = "config/check.rs"]
mod check;
#[path = "config/properties.rs"]
mod properties;
#[path = "config/receivers.rs"]
mod receivers;
#[path = "config/size.rs"]
mod size;
#[path = "config/unreadable.rs"]
mod unreadable;
#[path = "config/web_file.rs"]
mod web_file;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use evenkeel::config::{Config, ConfigError, Discovery, Haproxy, Kubernetes};
use evenkeel::model::{
    Algorithm, BackendSpec, Detection, Expectation, PoolSpec, Role, Signal, Source, Weight,
};

/// A path below the crate.
fn path(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(below)
}

/// The files of a folder of `tests/config`, by name.
fn fixtures(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(path("tests/config").join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// A file that must be sound.
fn good(name: &str) -> Config {
    Config::load(&path("tests/config/good").join(name)).unwrap_or_else(|error| panic!("{error}"))
}

/// What is printed for an error, with the folder taken off the file's name.
fn report(file: &Path, error: &ConfigError) -> String {
    let folder = format!("{}/", file.parent().unwrap().display());
    error.to_string().replace(&folder, "")
}

fn stems(files: &[PathBuf]) -> BTreeSet<String> {
    let stem = |file: &PathBuf| file.file_stem().unwrap().to_str().unwrap().to_owned();
    files.iter().map(stem).collect()
}

#[test]
fn every_mistake_is_explained() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("config/reports");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for file in fixtures("bad") {
            let error = Config::load(&file).expect_err(&file.display().to_string());
            let name = file.file_stem().unwrap().to_str().unwrap();
            insta::assert_snapshot!(name, report(&file, &error));
        }
    });
}

#[test]
fn no_report_is_left_over() {
    assert_eq!(stems(&fixtures("bad")), stems(&fixtures("reports")));
}

#[test]
fn an_empty_file_means_all_defaults() {
    for name in [
        "empty.yaml",
        "comment-only.yaml",
        "document-start.yaml",
        "empty-sections.yaml",
    ] {
        assert_eq!(good(name), Config::default(), "{name}");
    }
    let default = Config::default();
    assert_eq!(default.web.listen.to_string(), "127.0.0.1:9797");
    assert_eq!(default.interval, Duration::from_secs(1));
    assert_eq!(default.window, Duration::from_secs(60));
    assert_eq!(default.live_interval, Duration::from_secs(5));
    assert!(default.pools.is_empty());
    assert!(default.discovery.auto);
}

#[test]
fn every_key_has_its_effect() {
    let config = good("everything.yaml");
    assert_eq!(config.web.listen.to_string(), "[::1]:0");
    assert_eq!(config.interval, Duration::from_millis(500));
    assert_eq!(config.window, Duration::from_secs(90));
    assert_eq!(config.live_interval, Duration::from_secs(2));
    let beside = |name: &str| path("tests/config/good").join(name);
    let expected = Discovery {
        auto: false,
        nginx: vec!["/etc/nginx/nginx.conf".into(), beside("edge/nginx.conf")],
        haproxy: Haproxy {
            files: vec!["/etc/haproxy/haproxy.cfg".into(), beside("haproxy.d")],
            stats_socket: Some("/run/haproxy/admin.sock".parse().unwrap()),
        },
        envoy: Some("[::1]:9901".parse().unwrap()),
        apache: vec![beside("httpd.conf")],
        caddy: vec!["/etc/caddy/caddy.json".into()],
        traefik: vec![beside("traefik.yml")],
        file_sd: vec![beside("pools/*.json")],
        kubernetes: Some(Kubernetes {
            namespaces: vec!["shop".to_owned(), "payments".to_owned()],
            selector: Some("app=checkout".to_owned()),
            role: Role::Upstream,
            node: Some("worker-1".to_owned()),
            pod_labels: vec!["track".to_owned()],
            kubeconfig: Some(beside("kubeconfig")),
        }),
    };
    assert_eq!(config.discovery, expected);
    assert_eq!(config.incidents_directory, Some("/var/lib/evenkeel".into()));
    assert_eq!(
        config.detection,
        Detection {
            tolerance: 0.1,
            false_alarm_every: Duration::from_hours(30 * 24),
            hold: Duration::from_mins(1),
            signals: vec![Signal::Bytes, Signal::Opened],
        }
    );
    let checkout = PoolSpec {
        name: "checkout".to_owned(),
        role: Role::Local,
        source: Source::Config,
        tolerance: Some(0.5),
        algorithm: Algorithm::LoadDependent,
        expected: Some(Expectation::Learned),
        standby: Vec::new(),
        findings: Vec::new(),
        backends: vec![
            BackendSpec {
                identity: None,
                address: "10.0.0.11:8080".parse().unwrap(),
                netns: None,
                weight: Weight::new(3.0).unwrap(),
                // Text stays as it is written, whatever YAML takes it for.
                share: None,
                labels: labels(&[
                    ("zone", "a"),
                    ("version", "1.10"),
                    ("canary", "no"),
                    ("build", "007"),
                ]),
            },
            BackendSpec {
                identity: None,
                // Written as an IPv6 address that maps it.
                address: "10.0.0.12:8080".parse().unwrap(),
                netns: None,
                weight: Weight::new(1.5).unwrap(),
                share: None,
                labels: BTreeMap::new(),
            },
            plain("[2001:db8::1]:8080"),
        ],
    };
    let year = PoolSpec {
        name: "2024".to_owned(),
        role: Role::Upstream,
        source: Source::Config,
        tolerance: None,
        algorithm: Algorithm::default(),
        expected: None,
        standby: Vec::new(),
        findings: Vec::new(),
        backends: vec![plain("10.0.0.11:8080")],
    };
    assert_eq!(config.pools, [checkout, year]);
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// A backend of which only the address is given.
fn plain(address: &str) -> BackendSpec {
    BackendSpec {
        identity: None,
        address: address.parse().unwrap(),
        netns: None,
        weight: Weight::ONE,
        share: None,
        labels: BTreeMap::new(),
    }
}

#[test]
fn anchors_and_merges_repeat_what_they_name() {
    let config = good("anchors.yaml");
    let [a, b] = &config.pools[..] else {
        panic!("{:?}", config.pools)
    };
    assert_eq!(a.backends, b.backends);
    assert_eq!(a.backends.len(), 3);
    for backend in &a.backends {
        assert_eq!(backend.labels, labels(&[("zone", "a")]));
    }
    assert_eq!(a.backends[2].address.to_string(), "10.0.0.3:80");
}

#[test]
fn a_long_interval_lengthens_the_default_live_interval() {
    let config = Config::parse("", "interval: 20s").unwrap();
    assert_eq!(config.live_interval, Duration::from_secs(20));
    let error = Config::parse("", "interval: 20s\nlive_interval: 5s").unwrap_err();
    assert_eq!(error.problems()[0].position.as_ref().unwrap().line, 2);
}

#[test]
fn algorithms_have_the_names_that_balancers_give_them() {
    let algorithm = |name: &str| {
        let text = format!(
            "pools: [{{name: a, algorithm: {name}, backends: [{{address: 192.0.2.1:80}}]}}]"
        );
        let config = Config::parse("", &text).unwrap_or_else(|error| panic!("{error}"));
        config.pools[0].algorithm
    };
    for own in Algorithm::ALL {
        assert_eq!(algorithm(own.as_str()), own);
    }
    for (names, meant) in [
        (
            "round_robin roundrobin static-rr wrr ROUND_ROBIN",
            Algorithm::Rotation,
        ),
        ("RANDOM", Algorithm::Random),
        (
            "least_conn leastconn least_request least_time random_two p2c LEAST_REQUEST",
            Algorithm::LoadDependent,
        ),
        (
            "ip_hash hash source uri ring_hash maglev sticky consistent RING_HASH",
            Algorithm::KeyDependent,
        ),
        ("priority locality", Algorithm::PolicyGated),
    ] {
        for name in names.split(' ') {
            assert_eq!(algorithm(name), meant, "{name}");
        }
    }
}

#[test]
fn bounds_are_themselves_allowed() {
    for text in [
        "{interval: 100ms, window: 100ms, live_interval: 100ms}",
        "{interval: 1m, window: 24h, live_interval: 5m}",
        "pools: [{name: a, tolerance: 10, backends: [{address: 10.0.0.1:65535, weight: 1e-300}]}]",
        "detection: {tolerance: 10, false_alarm_every: 1h, for: 0s, signals: [bytes]}",
        "detection: {tolerance: 1e-9, false_alarm_every: 36500d, for: 24h}",
        "detection: {for: 0}",
        "alerting: {resend: 5s, webhooks: [{url: http://a, timeout: 100ms}]}",
        "alerting: {resend: 1h, webhooks: [{url: http://a:65535, timeout: 5m}]}",
        "pools: [{name: a, tolerance: 1e-9, backends: [{address: 10.0.0.1:1, weight: 1e300}]}]",
    ] {
        Config::parse("", text).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn comments_are_unlimited_and_marks_and_line_ends_do_not_matter() {
    assert_eq!(good("many-comments.yaml").backends(), 1);
    assert_eq!(
        good("byte-order-mark.yaml").interval,
        Duration::from_secs(2)
    );
}

#[test]
fn the_example_is_sound() {
    let example = path("../deploy/evenkeel.example.yaml");
    let config = Config::load(&example).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((config.pools.len(), config.backends()), (2, 5));
    // What it shows without a comment sign, beside the pools, are the defaults.
    let default = Config::default();
    assert_eq!(
        config,
        Config {
            pools: config.pools.clone(),
            ..default
        }
    );
}

#[test]
fn what_the_example_has_in_comments_is_sound() {
    let example = fs::read_to_string(path("../deploy/evenkeel.example.yaml")).unwrap();
    // Comments that are YAML, rather than words, begin with a key or an item.
    let uncommented = |line: &str| {
        let (indent, text) = line
            .split_once("# ")
            .filter(|(indent, _)| indent.trim().is_empty())?;
        let key = text
            .trim_start()
            .trim_start_matches("- ")
            .split(':')
            .next()?;
        let is_key = text.contains(':')
            && key
                .chars()
                .all(|char| char.is_ascii_lowercase() || char == '_');
        is_key.then(|| format!("{indent}{text}"))
    };
    let text: Vec<_> = example
        .lines()
        .map(|line| uncommented(line).unwrap_or_else(|| line.to_owned()))
        .collect();
    let config =
        Config::parse("example", &text.join("\n")).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(config.alerting.alertmanagers.len(), 2);
    assert_eq!(config.alerting.webhooks.len(), 1);
    assert!(config.incidents_directory.is_some());
}

#[test]
fn the_examples_of_the_reference_are_sound() {
    let reference = fs::read_to_string(path("../docs/configuration.md")).unwrap();
    let examples: Vec<_> = reference
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    // One for each key.
    assert_eq!(examples.len(), reference.matches("\n### `").count());
    for example in examples {
        Config::parse("example", example).unwrap_or_else(|error| panic!("{error}"));
    }
}
