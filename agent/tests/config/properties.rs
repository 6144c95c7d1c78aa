//! What holds for every file: it is read or refused, in bounded time and with a report that points into it; and
//! what is valid means what was written.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use evenkeel::config::{Config, Discovery, Web};
use evenkeel::model::{
    Algorithm, BackendSpec, Detection, Expectation, PoolSpec, Role, Signal, Source, Weight,
};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use tempfile::NamedTempFile;

use super::receivers::{self, alerting};
use super::size::timed;

/// Checks that a text is read or refused as it should be.
fn is_handled(text: &str) -> Result<(), TestCaseError> {
    let (result, took) = timed(text);
    prop_assert!(took < Duration::from_secs(10), "{took:?}");
    let Err(error) = result else { return Ok(()) };
    prop_assert!(!error.problems().is_empty());
    prop_assert!(
        !error
            .to_string()
            .chars()
            .any(|char| char.is_control() && char != '\n')
    );
    let lines = text.split(['\n', '\r']).count();
    for at in error
        .problems()
        .iter()
        .filter_map(|problem| problem.position.as_ref())
    {
        prop_assert!((1..=lines + 1).contains(&at.line), "{at:?}");
        prop_assert!(at.column >= 1 && at.length >= 1, "{at:?}");
    }
    Ok(())
}

/// Pieces that YAML and the configuration are made of.
const PIECES: &[&str] = &[
    "pools",
    "name",
    "backends",
    "address",
    "weight",
    "labels",
    "web",
    "listen",
    "interval",
    "auto",
    "detection",
    "for",
    "signals",
    "alerting",
    "webhooks",
    "url",
    "http://a",
    "basic_auth",
    "tls_config",
    "password",
    ":",
    ": ",
    "- ",
    "\n",
    "\n  ",
    "\n    ",
    "\r\n",
    "\t",
    " ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "\"",
    "'",
    "&a ",
    "*a",
    "<<: ",
    "!t ",
    "!!int ",
    "|\n",
    ">-\n",
    "#",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "? ",
    "1",
    "1s",
    "0",
    ".nan",
    "null",
    "~",
    "true",
    "10.0.0.1:80",
    "é",
    "\u{feff}",
    "\0",
    "\u{2028}",
];

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        let file = NamedTempFile::new().unwrap();
        fs::write(file.path(), &bytes).unwrap();
        if let Err(error) = Config::load(file.path()) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        is_handled(&text)?;
    }

    #[test]
    fn anything_like_a_configuration_is_read_or_refused(pieces in vec(select(PIECES), 0..60)) {
        is_handled(&pieces.concat())?;
    }

    #[test]
    fn a_damaged_configuration_is_read_or_refused(
        config in config(),
        at in any::<prop::sample::Index>(),
        cut in 0..6_usize,
        piece in select(PIECES),
    ) {
        let mut chars: Vec<char> = written(&config).chars().collect();
        let start = at.index(chars.len());
        let end = (start + cut).min(chars.len());
        chars.splice(start..end, piece.chars());
        is_handled(&chars.into_iter().collect::<String>())?;
    }

    #[test]
    fn what_is_written_is_what_is_meant(config in config()) {
        let text = written(&config);
        match Config::parse("generated", &text) {
            Ok(parsed) => prop_assert_eq!(parsed, config),
            Err(error) => prop_assert!(false, "{}\n{}", error, text),
        }
    }
}

/// A configuration as a user could write it.
fn written(config: &Config) -> String {
    let mut text = String::new();
    writeln!(text, "web: {{listen: \"{}\"}}", config.web.listen).unwrap();
    writeln!(text, "interval: {}", millis(config.interval)).unwrap();
    writeln!(text, "window: {}", millis(config.window)).unwrap();
    writeln!(text, "live_interval: {}", millis(config.live_interval)).unwrap();
    writeln!(text, "discovery:\n  auto: {}", config.discovery.auto).unwrap();
    write_detection(&mut text, &config.detection);
    receivers::write(&mut text, &config.alerting);
    if let Some(directory) = &config.incidents_directory {
        let directory = quoted(directory.to_str().unwrap());
        writeln!(text, "incidents:\n  directory: {directory}").unwrap();
    }
    writeln!(text, "pools:").unwrap();
    for pool in &config.pools {
        writeln!(text, "  - name: {}", quoted(&pool.name)).unwrap();
        writeln!(text, "    role: {}", pool.role).unwrap();
        writeln!(text, "    algorithm: {}", pool.algorithm).unwrap();
        if let Some(expected) = pool.expected {
            writeln!(text, "    expected: {}", expected.as_str()).unwrap();
        }
        if let Some(tolerance) = pool.tolerance {
            writeln!(text, "    tolerance: {tolerance:?}").unwrap();
        }
        writeln!(text, "    backends:").unwrap();
        for backend in &pool.backends {
            writeln!(text, "      - address: \"{}\"", backend.address).unwrap();
            writeln!(text, "        weight: {:?}", backend.weight.get()).unwrap();
            writeln!(text, "        labels:").unwrap();
            for (name, value) in &backend.labels {
                writeln!(text, "          {name}: {}", quoted(value)).unwrap();
            }
        }
    }
    text
}

fn write_detection(text: &mut String, detection: &Detection) {
    let signals: Vec<_> = detection
        .signals
        .iter()
        .map(|signal| signal.as_str())
        .collect();
    writeln!(text, "detection:").unwrap();
    writeln!(text, "  tolerance: {:?}", detection.tolerance).unwrap();
    let days = detection.false_alarm_every.as_secs() / (24 * 60 * 60);
    let rest = detection.false_alarm_every.as_secs() % (24 * 60 * 60);
    writeln!(text, "  false_alarm_every: {days}d {rest}s").unwrap();
    writeln!(text, "  for: {}", millis(detection.hold)).unwrap();
    writeln!(text, "  signals: [{}]", signals.join(", ")).unwrap();
}

pub(super) fn millis(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}

/// JSON's strings are YAML's.
pub(super) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn config() -> impl Strategy<Value = Config> {
    let times = (100..=60_000_u64)
        .prop_flat_map(|interval| (Just(interval), interval..=86_400_000, interval..=300_000));
    let pools = btree_map("[^\\p{Cc}]{0,20}[a-z]", pool(), 0..4);
    let directory = proptest::option::of("/[^\\p{Cc}]{0,20}");
    let listen = (address(), any::<u16>());
    let rest = (any::<bool>(), detection(), alerting(), directory);
    (times, pools, listen, rest).prop_map(
        |((interval, window, live), pools, listen, (auto, detection, alerting, directory))| {
            Config {
                web: Web {
                    listen: SocketAddr::from(listen),
                    ..Web::default()
                },
                interval: Duration::from_millis(interval),
                window: Duration::from_millis(window),
                live_interval: Duration::from_millis(live),
                pools: pools
                    .into_iter()
                    .map(|(name, pool)| PoolSpec { name, ..pool })
                    .collect(),
                discovery: Discovery {
                    auto,
                    ..Discovery::default()
                },
                detection,
                alerting,
                incidents_directory: directory.map(Into::into),
                fleet: None,
            }
        },
    )
}

fn detection() -> impl Strategy<Value = Detection> {
    let signals = vec![Signal::Opened, Signal::Active, Signal::Bytes];
    let signals = subsequence(signals, 1..=3).prop_shuffle();
    let every = 60 * 60..=100 * 365 * 24 * 60 * 60_u64;
    (1e-6..=10.0_f64, every, 0..=86_400_000_u64, signals).prop_map(
        |(tolerance, every, hold, signals)| Detection {
            tolerance,
            false_alarm_every: Duration::from_secs(every),
            hold: Duration::from_millis(hold),
            signals,
        },
    )
}

fn pool() -> impl Strategy<Value = PoolSpec> {
    let role = select(&[Role::Upstream, Role::Local][..]);
    let tolerance = proptest::option::of(1e-6..=10.0_f64);
    let algorithm = select(&Algorithm::ALL[..]);
    let expected = select(&[None, Some(Expectation::Weights), Some(Expectation::Learned)][..]);
    let backends = btree_map((address(), 1..=u16::MAX), backend(), 1..5);
    let pool = (role, tolerance, algorithm, expected, backends);
    pool.prop_map(
        |(role, tolerance, algorithm, expected, backends)| PoolSpec {
            name: String::new(),
            role,
            source: Source::Config,
            tolerance,
            algorithm,
            expected,
            standby: Vec::new(),
            findings: Vec::new(),
            backends: backends
                .into_iter()
                .map(|(address, backend)| BackendSpec {
                    identity: None,
                    address: SocketAddr::from(address),
                    ..backend
                })
                .collect(),
        },
    )
}

fn backend() -> impl Strategy<Value = BackendSpec> {
    let labels = btree_map("l[a-zA-Z0-9_]{0,8}", any::<String>(), 0..4);
    (1e-4..1e4_f64, labels).prop_map(|(weight, labels): (f64, BTreeMap<_, _>)| BackendSpec {
        identity: None,
        address: SocketAddr::from(([192, 0, 2, 1], 80)),
        netns: None,
        weight: Weight::new(weight).unwrap(),
        share: None,
        labels,
    })
}

/// Addresses that a backend can have.
pub(super) fn address() -> impl Strategy<Value = IpAddr> {
    let v4 = any::<[u8; 3]>().prop_map(|[a, b, c]| IpAddr::from(Ipv4Addr::new(10, a, b, c)));
    let v6 = any::<[u16; 2]>()
        .prop_map(|[a, b]| IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, a, b)));
    prop_oneof![v4, v6]
}
