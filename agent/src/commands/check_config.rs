//! `evenkeel check-config`: says whether a configuration file is sound, and what to change if it is not.

use std::io::Write;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use crate::config::{self, Config, ConfigError, Discovery, Problem};
use crate::model::{Alerting, Detection};

/// The exit code for a sound configuration.
const FINE: u8 = 0;
/// The exit code for one that is not.
const BAD_CONFIGURATION: u8 = 2;

/// Checks the file at `path` and returns the exit code: 0 if it is sound, 2 if not.
///
/// A summary goes to `out`, problems go to `err`; with `json` both go to `out` as one object. Fails only if
/// neither can be written.
pub fn run(
    path: &Path,
    json: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    let result = Config::load(path);
    let code = if result.is_ok() {
        FINE
    } else {
        BAD_CONFIGURATION
    };
    let name = path.display().to_string();
    let written = match &result {
        _ if json => write_json(&name, &result, out),
        Ok(config) => writeln!(out, "{name}: ok: {}", summary(config)),
        Err(error) => writeln!(err, "{error}"),
    };
    written.context("cannot write the result")?;
    Ok(code)
}

/// What the configuration makes the agent do: one line on what it watches, two on what follows from that.
fn summary(config: &Config) -> String {
    format!(
        "{}, listening on {}\n  {}\n  {}",
        watched(config),
        config.web.listen,
        judged(&config.detection),
        told(&config.alerting)
    )
}

/// Which pools there are, and where more come from.
fn watched(config: &Config) -> String {
    let mut watched = Vec::new();
    if !config.pools.is_empty() {
        watched.push(counted(config.pools.len(), "pool"));
        watched.push(counted(config.backends(), "backend"));
    }
    let sources = sources(&config.discovery);
    if !sources.is_empty() {
        watched.push(format!("pools of {}", sources.join(", ")));
    }
    match (watched.is_empty(), config.discovery.auto) {
        (false, _) => watched.join(", "),
        (true, true) => "no pools, so those found on this host are watched".to_owned(),
        (true, false) => {
            "no pools, and nothing is watched because `discovery.auto` is false".to_owned()
        }
    }
}

/// The sources of pools that are to be asked, by their keys.
fn sources(discovery: &Discovery) -> Vec<&'static str> {
    let haproxy = &discovery.haproxy;
    let all = [
        ("nginx", !discovery.nginx.is_empty()),
        (
            "haproxy",
            !haproxy.files.is_empty() || haproxy.stats_socket.is_some(),
        ),
        ("envoy", discovery.envoy.is_some()),
        ("file_sd", !discovery.file_sd.is_empty()),
    ];
    all.into_iter()
        .filter_map(|(name, is_used)| is_used.then_some(name))
        .collect()
}

/// How pools are judged.
fn judged(detection: &Detection) -> String {
    let signals: Vec<_> = detection
        .signals
        .iter()
        .map(|signal| signal.as_str())
        .collect();
    format!(
        "pools are judged by {}, with a tolerance of {} and a false alarm every {}",
        signals.join(", "),
        detection.tolerance,
        config::shown(detection.false_alarm_every)
    )
}

/// Who is told of incidents; their addresses can be secrets.
fn told(alerting: &Alerting) -> String {
    let receivers: Vec<_> = [
        (alerting.alertmanagers.len(), "Alertmanager"),
        (alerting.webhooks.len(), "webhook"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, noun)| counted(count, noun))
    .collect();
    if receivers.is_empty() {
        "incidents are sent to nobody".to_owned()
    } else {
        format!("incidents are sent to {}", receivers.join(" and "))
    }
}

/// "1 pool", "2 pools".
fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// What `--output json` prints.
#[derive(Serialize)]
struct Outcome<'a> {
    file: &'a str,
    ok: bool,
    /// Absent for a configuration that is not sound.
    pools: Option<usize>,
    backends: Option<usize>,
    problems: Vec<ProblemJson<'a>>,
}

/// One problem; line and column are null if the file as a whole is meant.
#[derive(Serialize)]
struct ProblemJson<'a> {
    line: Option<usize>,
    column: Option<usize>,
    message: &'a str,
    help: Option<&'a str>,
}

impl<'a> From<&'a Problem> for ProblemJson<'a> {
    fn from(problem: &'a Problem) -> Self {
        let position = problem.position.as_ref();
        Self {
            line: position.map(|at| at.line),
            column: position.map(|at| at.column),
            message: &problem.message,
            help: problem.help.as_deref(),
        }
    }
}

fn write_json(
    name: &str,
    result: &Result<Config, ConfigError>,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let config = result.as_ref().ok();
    let problems = result.as_ref().err().map_or(&[][..], ConfigError::problems);
    let outcome = Outcome {
        file: name,
        ok: config.is_some(),
        pools: config.map(|config| config.pools.len()),
        backends: config.map(Config::backends),
        problems: problems.iter().map(ProblemJson::from).collect(),
    };
    serde_json::to_writer(&mut *out, &outcome)?;
    writeln!(out)
}
