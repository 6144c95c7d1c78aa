//! Asks a Prometheus, or what speaks its HTTP API (Thanos, Mimir, VictoriaMetrics), for series over a time.

mod reply;

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};

use crate::http_client::{self, Access, ClientError, Origin, encoded};

pub(crate) use self::reply::Series;

/// The largest answer, in bytes.
const LARGEST: usize = 512 << 20;
/// How much of an answer that is no JSON is shown, in characters.
const MOST_SHOWN: usize = 200;

/// Why there are no series.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrometheusError {
    #[error("{0}")]
    Client(#[from] ClientError),
    #[error("cannot be asked: {0}")]
    Request(#[from] axum::http::Error),
    #[error("refuses the query: {0}")]
    Refused(String),
    #[error("answered {status} and not as Prometheus does: {body:?}: is this its root?")]
    NotPrometheus { status: StatusCode, body: String },
    #[error("the answer is larger than {} MiB: ask for fewer series by a selector, or in larger steps", LARGEST >> 20)]
    TooLarge,
}

/// Where to ask, and how.
#[derive(Debug)]
pub(crate) struct Prometheus {
    origin: Origin,
    /// What is in front of `/api/v1`.
    root: String,
    access: Access,
    /// Sent with every request, such as the tenant's name.
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// The steps of a range query, in milliseconds since the epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) step: Duration,
}

impl Prometheus {
    /// The one whose root is `url`. The error says what is wrong with the URL.
    pub(crate) fn new(url: &str, access: Access) -> Result<Self, &'static str> {
        let wrong = "is not an address of the form http://HOST:PORT";
        let uri: Uri = url.parse().or(Err(wrong))?;
        if uri.query().is_some() {
            return Err("has a query, and paths are appended to it");
        }
        Ok(Self {
            origin: Origin::of(&uri)?,
            root: uri.path().trim_end_matches('/').to_owned(),
            access,
            headers: Vec::new(),
        })
    }

    /// The same, with headers of every request.
    pub(crate) fn with_headers(mut self, headers: Vec<(HeaderName, HeaderValue)>) -> Self {
        self.headers = headers;
        self
    }

    /// What a query gives at each step; each series is shown to `take`.
    pub(crate) async fn range(
        &self,
        query: &str,
        range: Range,
        take: &mut (dyn FnMut(&Series<'_>) + Send),
    ) -> Result<(), PrometheusError> {
        let form = format!(
            "query={}&start={}&end={}&step={}",
            encoded(query),
            seconds(range.first),
            seconds(range.last),
            range.step.as_secs_f64()
        );
        self.ask("query_range", form, take).await
    }

    /// What a query gives at a moment, in milliseconds since the epoch; each series is shown to `take`. Of a range selector these are
    /// all samples within the range, as they were scraped.
    pub(crate) async fn instant(
        &self,
        query: &str,
        at: u64,
        take: &mut (dyn FnMut(&Series<'_>) + Send),
    ) -> Result<(), PrometheusError> {
        let form = format!("query={}&time={}", encoded(query), seconds(at));
        self.ask("query", form, take).await
    }

    async fn ask(
        &self,
        what: &str,
        form: String,
        take: &mut (dyn FnMut(&Series<'_>) + Send),
    ) -> Result<(), PrometheusError> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/api/v1/{what}", self.root))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        // One byte more than is taken tells a larger answer.
        let wanted = |_: StatusCode| LARGEST + 1;
        let request = request.body(Body::from(form))?;
        let answer = http_client::send(&self.origin, &self.access, request, wanted).await?;
        if answer.body.len() > LARGEST {
            return Err(PrometheusError::TooLarge);
        }
        match reply::read(&answer.body, take) {
            Ok(head) if head.has_data && head.status == "success" => Ok(()),
            Ok(reply::Head {
                error: Some(error), ..
            }) => Err(PrometheusError::Refused(error)),
            _ => Err(PrometheusError::NotPrometheus {
                status: answer.status,
                body: String::from_utf8_lossy(&answer.body)
                    .chars()
                    .take(MOST_SHOWN)
                    .collect(),
            }),
        }
    }
}

/// Milliseconds as Prometheus takes a time.
fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_queries_are_written_as_prometheus_reads_them() {
        assert_eq!(seconds(1_700_000_000_007), "1700000000.007");
        assert_eq!(encoded("a{b=\"c d\"}"), "a%7Bb%3D%22c%20d%22%7D");
    }
}
