//! Large configurations: the largest allowed is read quickly, larger ones are refused with the reason.

use std::fmt::Write as _;
use std::time::Duration;

use evenkeel::config::{Config, ConfigError, MAX_BACKENDS};
use rustix::time::{ClockId, clock_gettime};

/// A configuration of one pool.
fn pool_of(backends: usize, rest: &str) -> String {
    let mut text = "pools:\n  - name: large\n    backends:\n".to_owned();
    for index in 0..backends {
        let [_, a, b, c] = u32::try_from(index).unwrap().to_be_bytes();
        writeln!(text, "      - {{address: 10.{a}.{b}.{c}:80{rest}}}").unwrap();
    }
    text
}

/// Parses, and says how much processor time that took; unlike the time of day it does not grow when other work
/// runs at the same time.
pub(super) fn timed(text: &str) -> (Result<Config, ConfigError>, Duration) {
    let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap();
    let start = now();
    let result = Config::parse("large.yaml", text);
    (result, now().saturating_sub(start))
}

/// Without optimisation the parser is about ten times slower.
fn limit(optimised: Duration) -> Duration {
    optimised * if cfg!(debug_assertions) { 15 } else { 1 }
}

#[test]
fn the_most_backends_are_read_within_two_seconds() {
    let text = pool_of(MAX_BACKENDS, ", weight: 2, labels: {zone: a}");
    let (config, took) = timed(&text);
    assert_eq!(config.unwrap().backends(), 100_000);
    assert!(took < limit(Duration::from_secs(2)), "{took:?}");
}

#[test]
fn one_more_is_refused() {
    let text = pool_of(MAX_BACKENDS / 2, "") + "  - name: more\n    backends:\n";
    let more = pool_of(MAX_BACKENDS / 2 + 1, "");
    let text = text + more.split_once("backends:\n").unwrap().1;
    let error = Config::parse("large.yaml", &text).unwrap_err();
    insta::assert_snapshot!(error, @r"
    large.yaml:1:1: error: there are 100001 backends, and one agent watches at most 100000
      |
    1 | pools:
      | ^^^^^
      = help: spread the pools over several agents
    ");
}

#[test]
fn a_million_backends_are_refused() {
    let (result, took) = timed(&pool_of(1_000_000, ""));
    insta::assert_snapshot!(result.unwrap_err(), @r"
    large.yaml:1:1: error: there are 1000000 backends, and one agent watches at most 100000
      |
    1 | pools:
      | ^^^^^
      = help: spread the pools over several agents
    ");
    assert!(took < limit(Duration::from_secs(5)), "{took:?}");
}

#[test]
fn a_file_of_too_many_values_is_refused() {
    let text = format!("pools: [{}]", "1,".repeat(4_000_000));
    let (result, took) = timed(&text);
    let error = result.unwrap_err();
    let problem = &error.problems()[0];
    assert_eq!(problem.message, "the file holds more than 4,000,000 values");
    assert!(took < limit(Duration::from_secs(10)), "{took:?}");
}

#[test]
fn one_set_of_labels_serves_thousands_of_backends() {
    let mut text =
        "pools: [{name: a, backends: [{address: 192.0.2.1:80, labels: &l {zone: a}}".to_owned();
    for port in 1..5000 {
        write!(text, ", {{address: 10.0.0.1:{port}, labels: *l}}").unwrap();
    }
    let config = Config::parse("", &(text + "]}]")).unwrap();
    let labelled = |labels: &std::collections::BTreeMap<_, _>| labels.len() == 1;
    assert_eq!(config.backends(), 5000);
    assert!(
        config.pools[0]
            .backends
            .iter()
            .all(|backend| labelled(&backend.labels))
    );
}

#[test]
fn thousands_of_problems_are_cut_short() {
    let error = Config::parse("", &pool_of(3000, ", weight: 0")).unwrap_err();
    assert_eq!(error.problems().len(), 1000);
    let report = error.to_string();
    assert_eq!(report.matches("error:").count(), 20);
    assert!(report.ends_with("\n\n… and 2980 more problems"), "{report}");
}
