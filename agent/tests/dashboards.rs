//! What users load into Prometheus, Alertmanager and Grafana: it is sound by the judgement of their own tools, it asks for
//! metrics that exist, alerts lead to runbooks, and every question gets an answer from a real Prometheus.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy allows both in tests, but not in what tests call"
)]
#![allow(clippy::float_cmp, reason = "what is counted is whole, in floats too")]

#[path = "dashboards/alertmanager.rs"]
mod alertmanager;
#[path = "dashboards/board.rs"]
mod board;
mod common;
#[allow(dead_code, reason = "made for tests of the metrics themselves")]
#[path = "prometheus/documented.rs"]
mod documented;
#[path = "dashboards/grafana.rs"]
mod grafana;
#[path = "common/host.rs"]
mod host;
#[path = "dashboards/live.rs"]
mod live;
#[path = "dashboards/names.rs"]
mod names;
#[path = "dashboards/promql.rs"]
mod promql;
#[path = "dashboards/rulefile.rs"]
mod rulefile;
#[path = "dashboards/rules.rs"]
mod rules;
#[path = "dashboards/runbooks.rs"]
mod runbooks;
#[allow(dead_code, reason = "made for tests of the metrics themselves")]
#[path = "prometheus/server.rs"]
mod server;

use std::path::PathBuf;
use std::process::Command;

use evenkeel_lab::parts::require;

/// A file or folder of the repository.
fn repository(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(path)
}

/// The text of a file of the repository.
fn text(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Runs a program and asserts that it has no objection.
fn assert_accepts(program: &str, arguments: &[&str]) {
    let mut command = Command::new(require(program).unwrap());
    let output = command.args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}\n{}",
        output.status,
        said.concat()
    );
}
