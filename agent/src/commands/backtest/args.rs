//! The command line of `evenkeel backtest`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::UsageError;
use super::when::{When, moment};
use crate::backtest::Setting;
use crate::commands::Output;
use crate::model::Signal;

/// The most settings that are tried at once: each has engines of its own.
const MOST_SETTINGS: usize = 100;

const HOUR: Duration = Duration::from_secs(60 * 60);
/// 100 years, as in a configuration.
const LONGEST_PROMISE: Duration = Duration::from_secs(100 * 365 * 24 * HOUR.as_secs());
/// As in a configuration.
const LONGEST_HOLD: Duration = Duration::from_secs(24 * HOUR.as_secs());

/// What is replayed, and with which settings.
#[derive(Debug, Args)]
pub(in crate::commands) struct BacktestArgs {
    /// Recordings that `evenkeel run --record FILE` wrote, of one agent or of several.
    #[arg(
        value_name = "FILE",
        required_unless_present = "prometheus",
        conflicts_with = "prometheus"
    )]
    pub(super) files: Vec<PathBuf>,

    /// Take the counts from a Prometheus that scraped agents, instead of recordings: its root, like `http://127.0.0.1:9090`.
    #[arg(long, value_name = "URL", requires = "start")]
    pub(super) prometheus: Option<String>,
    /// The first moment: RFC 3339, seconds since the epoch, or back from now, like `-6h`.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = moment, conflicts_with = "files")]
    pub(super) start: Option<When>,
    /// The last moment, written like --start.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = moment, default_value = "now", conflicts_with = "files")]
    pub(super) end: When,
    /// How far ticks are apart when Prometheus is asked; not less than its scrape interval. Nothing shorter can be seen.
    #[arg(long, value_name = "DURATION", value_parser = step, default_value = "15s", conflicts_with = "files")]
    pub(super) step: Duration,
    /// Only series that these PromQL matchers select, like `pool="shop",instance=~"lb.*"`.
    #[arg(long, value_name = "MATCHERS", conflicts_with = "files")]
    pub(super) selector: Option<String>,
    /// The user name for Prometheus.
    #[arg(
        long,
        value_name = "NAME",
        requires = "prometheus_password_file",
        conflicts_with = "files"
    )]
    pub(super) prometheus_username: Option<String>,
    /// A file with the password for Prometheus.
    #[arg(long, value_name = "FILE", requires = "prometheus_username")]
    pub(super) prometheus_password_file: Option<PathBuf>,
    /// A file with a token, sent as `Authorization: Bearer`.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["files", "prometheus_username"]
    )]
    pub(super) prometheus_token_file: Option<PathBuf>,
    /// Certificates of the authorities to trust, as PEM, instead of the system's.
    #[arg(long, value_name = "FILE", conflicts_with = "files")]
    pub(super) prometheus_ca_file: Option<PathBuf>,
    /// How long Prometheus may take for one answer.
    #[arg(long, value_name = "DURATION", value_parser = patience, default_value = "60s")]
    pub(super) prometheus_timeout: Duration,

    /// A configuration whose `detection`, `window` and, if it has any, `pools` take the place of those recorded.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// By how much a share may differ from the expected one, for all pools. Several, here and in the following, are compared.
    #[arg(long, value_name = "PART", value_parser = tolerance)]
    tolerance: Vec<f64>,
    /// The mean time between false alarms of a pool, like `90d`.
    #[arg(long, value_name = "DURATION", value_parser = promise)]
    false_alarm_every: Vec<Duration>,
    /// How long the evidence has to stand before it is an incident.
    #[arg(long = "for", value_name = "DURATION", value_parser = hold)]
    hold: Vec<Duration>,
    /// The signals that are judged: `opened`, `active`, `bytes`, with commas between them.
    #[arg(long, value_name = "SIGNALS", value_delimiter = ',', value_parser = signal)]
    signals: Option<Vec<Signal>>,

    /// Show all pools and incidents, not only the worst.
    #[arg(long)]
    pub(super) all: bool,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}

impl BacktestArgs {
    /// Each tolerance with each time.
    pub(super) fn settings(&self) -> Result<Vec<Setting>, UsageError> {
        let mut settings = Vec::new();
        for tolerance in each(&self.tolerance) {
            for false_alarm_every in each(&self.false_alarm_every) {
                for hold in each(&self.hold) {
                    settings.push(Setting {
                        tolerance,
                        false_alarm_every,
                        hold,
                        signals: self.signals.clone(),
                    });
                }
            }
        }
        if settings.len() > MOST_SETTINGS {
            return Err(UsageError::Other(format!(
                "these are {} settings, and at most {MOST_SETTINGS} are tried at once: leave some out",
                settings.len()
            )));
        }
        Ok(settings)
    }
}

/// What was written, or once that nothing was.
fn each<T: Copy>(written: &[T]) -> Vec<Option<T>> {
    if written.is_empty() {
        return vec![None];
    }
    written.iter().copied().map(Some).collect()
}

fn tolerance(text: &str) -> Result<f64, String> {
    let number = text.parse().ok();
    number
        .filter(|tolerance| *tolerance > 0.0 && *tolerance <= 10.0)
        .ok_or_else(|| "write a number greater than 0 and at most 10: `0.25` for 25 %".to_owned())
}

fn signal(text: &str) -> Result<Signal, String> {
    let judged = [Signal::Opened, Signal::Active, Signal::Bytes];
    judged
        .into_iter()
        .find(|signal| signal.as_str() == text)
        .ok_or_else(|| {
            "write `opened`, `active` or `bytes`; failing connects are always judged".to_owned()
        })
}

fn promise(text: &str) -> Result<Duration, String> {
    between(text, HOUR, LONGEST_PROMISE)
}

fn hold(text: &str) -> Result<Duration, String> {
    between(text, Duration::ZERO, LONGEST_HOLD)
}

fn step(text: &str) -> Result<Duration, String> {
    between(text, Duration::from_secs(1), HOUR)
}

fn patience(text: &str) -> Result<Duration, String> {
    between(text, Duration::from_secs(1), HOUR)
}

fn between(text: &str, least: Duration, most: Duration) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if duration < least || duration > most {
        let shown = crate::config::shown;
        return Err(format!(
            "write a time from {} to {}",
            shown(least),
            shown(most)
        ));
    }
    Ok(duration)
}
