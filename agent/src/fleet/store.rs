//! What is asked of the store: raw samples of what agents counted, and what they say of their backends.

use std::time::Duration;

use super::rows::Rows;
use crate::exported::Quantity;
use crate::prometheus::{Prometheus, PrometheusError, Series};

/// What is read at each evaluation.
const COUNTED: [Quantity; 5] = [
    Quantity::Opened,
    Quantity::Failed,
    Quantity::Received,
    Quantity::Sent,
    Quantity::Active,
];
/// Takes a series over.
type Taken = fn(&mut Rows, &Series<'_>);
/// What describes, and how it is taken over.
const DESCRIBED: [(&str, Taken); 4] = [
    (Quantity::Info.metric(), Rows::described),
    ("evenkeel_backend_weight", Rows::weighed),
    (Quantity::ExpectedShare.metric(), Rows::expected),
    ("evenkeel_pool_info", Rows::chosen),
];

/// The store with the agents' counters.
#[derive(Debug)]
pub(crate) struct Store {
    prometheus: Prometheus,
    /// Matchers of every selector, without braces.
    matchers: Option<String>,
}

impl Store {
    /// Reads those series of `prometheus` that `matchers` let through.
    pub(crate) fn new(prometheus: Prometheus, matchers: Option<String>) -> Self {
        Self {
            prometheus,
            matchers,
        }
    }

    /// All samples that were scraped in the `range` before `end`, both in milliseconds.
    pub(super) async fn samples(
        &self,
        rows: &mut Rows,
        end: u64,
        range: u64,
    ) -> Result<(), PrometheusError> {
        for quantity in COUNTED {
            let query = format!("{}[{range}ms]", self.selector(quantity.metric()));
            let mut take = |series: &Series<'_>| rows.sampled(quantity, series);
            self.prometheus.instant(&query, end, &mut take).await?;
        }
        Ok(())
    }

    /// What agents say of their backends, pools and themselves at a moment.
    pub(super) async fn descriptions(
        &self,
        rows: &mut Rows,
        at: u64,
    ) -> Result<(), PrometheusError> {
        for (metric, taken) in DESCRIBED {
            let mut take = |series: &Series<'_>| taken(rows, series);
            let query = self.selector(metric);
            self.prometheus.instant(&query, at, &mut take).await?;
        }
        let mut take = |series: &Series<'_>| rows.began(series);
        self.prometheus
            .instant(&self.beginnings(), at, &mut take)
            .await
    }

    /// When agents began: a metric that all programs have.
    fn beginnings(&self) -> String {
        format!(
            "{} and on (job, instance) {}",
            self.selector("process_start_time_seconds"),
            self.selector("evenkeel_build_info")
        )
    }

    fn selector(&self, metric: &str) -> String {
        match &self.matchers {
            Some(matchers) => format!("{metric}{{{matchers}}}"),
            None => metric.to_owned(),
        }
    }
}

/// A duration in milliseconds.
pub(super) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
