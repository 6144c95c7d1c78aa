//! Replays what a Prometheus knows.

use std::time::{Duration, SystemTime};

use anyhow::Context as _;

use super::UsageError;
use super::args::BacktestArgs;
use crate::backtest::{Quantity, Replay, Scrapes};
use crate::http_client::Access;
use crate::model::{Credentials, Tls};
use crate::prometheus::{Prometheus, Range, Series};

/// Steps in one query. Prometheus gives at most 11,000 points of a series; fewer keep answers small when there are many
/// series.
const STEPS: usize = 500;
/// The most steps altogether: three years of 15 s.
const MOST_STEPS: u128 = 6_500_000;

/// Asks for one stretch of time after the other, and replays it.
pub(super) fn replay(url: &str, args: &BacktestArgs, replay: &mut Replay) -> anyhow::Result<()> {
    let prometheus = Prometheus::new(url, access(args))
        .map_err(|what| UsageError::Other(format!("--prometheus: {url:?} {what}")))?;
    let steps = Steps::new(args)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the async runtime")?;
    let mut scrapes = Scrapes::new(steps.time(0), steps.step);
    for first in (0..steps.count).step_by(STEPS) {
        let count = STEPS.min(steps.count - first);
        let mut chunk = Scrapes::chunk(first, count);
        for quantity in Quantity::ALL {
            let query = query(quantity, args.selector.as_deref());
            let range = steps.range(first, count);
            let mut take = |series: &Series<'_>| {
                let labels = series.labels();
                let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
                let points = series.points.iter().map(|point| (point.0, point.1));
                scrapes.add(&mut chunk, quantity, &labels.collect(), points);
            };
            runtime
                .block_on(prometheus.range(&query, range, &mut take))
                .with_context(|| format!("Prometheus at {url}"))?;
        }
        scrapes.take(&chunk, replay).map_err(UsageError::from)?;
    }
    Ok(())
}

fn access(args: &BacktestArgs) -> Access {
    let basic = args
        .prometheus_username
        .clone()
        .zip(args.prometheus_password_file.clone());
    let basic = basic.map(|(username, password_file)| Credentials::Basic {
        username,
        password_file,
    });
    let token = args.prometheus_token_file.clone();
    let bearer = || token.map(|credentials_file| Credentials::Bearer { credentials_file });
    Access {
        credentials: basic.or_else(bearer),
        tls: Tls {
            ca_file: args.prometheus_ca_file.clone(),
            ..Tls::default()
        },
        timeout: args.prometheus_timeout,
    }
}

fn query(quantity: Quantity, selector: Option<&str>) -> String {
    let metric = quantity.metric();
    match selector {
        Some(matchers) => format!("{metric}{{{matchers}}}"),
        None => metric.to_owned(),
    }
}

/// The moments that are asked for.
struct Steps {
    /// Milliseconds since the epoch.
    first: u64,
    step: Duration,
    count: usize,
}

impl Steps {
    fn new(args: &BacktestArgs) -> Result<Self, UsageError> {
        let now = SystemTime::now();
        let (from, to) = (
            args.start.map_or(now, |start| start.resolve(now)),
            args.end.resolve(now),
        );
        let length = to.duration_since(from).or(Err(UsageError::Other(
            "--end is before --start: there is nothing in between".to_owned(),
        )))?;
        let count = length.as_nanos() / args.step.as_nanos().max(1) + 1;
        if count > MOST_STEPS {
            return Err(UsageError::Other(format!(
                "these are {count} steps: choose a larger --step, or a shorter time"
            )));
        }
        let since = from
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Ok(Self {
            first: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
            step: args.step,
            count: usize::try_from(count).unwrap_or(usize::MAX),
        })
    }

    fn milliseconds(&self, step: usize) -> u64 {
        let step_length = u64::try_from(self.step.as_millis()).unwrap_or(u64::MAX);
        self.first
            .saturating_add(step_length.saturating_mul(step as u64))
    }

    fn time(&self, step: usize) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.milliseconds(step))
    }

    fn range(&self, first: usize, count: usize) -> Range {
        Range {
            first: self.milliseconds(first),
            last: self.milliseconds(first + count - 1),
            step: self.step,
        }
    }
}
