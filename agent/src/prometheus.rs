//! Asks a Prometheus, or what speaks its HTTP API (Thanos, Mimir), for series over a time.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, Uri, header};
use serde::Deserialize;

use crate::http_client::{self, Access, ClientError, Origin, encoded};

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
    #[error("the answer is larger than {} MiB: choose a larger --step, or fewer series by --selector", LARGEST >> 20)]
    TooLarge,
}

/// Where to ask, and how.
#[derive(Debug)]
pub(crate) struct Prometheus {
    origin: Origin,
    /// What is in front of `/api/v1`.
    root: String,
    access: Access,
}

/// A series: its labels, and its values at seconds since the epoch.
#[derive(Debug, Deserialize)]
pub(crate) struct Series {
    #[serde(rename = "metric")]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(rename = "values")]
    pub(crate) points: Vec<Point>,
}

/// Prometheus writes values as text, because JSON knows neither NaN nor infinities.
#[derive(Debug, Deserialize)]
pub(crate) struct Point(
    pub(crate) f64,
    #[serde(deserialize_with = "number")] pub(crate) f64,
);

/// The steps of a range query, in milliseconds since the epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) step: Duration,
}

#[derive(Deserialize)]
struct Reply {
    status: String,
    error: Option<String>,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    result: Vec<Series>,
}

fn number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
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
        })
    }

    /// What a query gives at each step.
    pub(crate) async fn range(
        &self,
        query: &str,
        range: Range,
    ) -> Result<Vec<Series>, PrometheusError> {
        let form = format!(
            "query={}&start={}&end={}&step={}",
            encoded(query),
            seconds(range.first),
            seconds(range.last),
            range.step.as_secs_f64()
        );
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/api/v1/query_range", self.root))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form))?;
        // One byte more than is taken tells a larger answer.
        let wanted = |_: StatusCode| LARGEST + 1;
        let answer = http_client::send(&self.origin, &self.access, request, wanted).await?;
        if answer.body.len() > LARGEST {
            return Err(PrometheusError::TooLarge);
        }
        match serde_json::from_slice::<Reply>(&answer.body) {
            Ok(Reply {
                data: Some(data),
                status,
                ..
            }) if status == "success" => Ok(data.result),
            Ok(Reply {
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
    fn answers_are_read_as_prometheus_writes_them() {
        let text = r#"{"status":"success","data":{"resultType":"matrix","result":[
            {"metric":{"pool":"a\"b"},"values":[[1700000000.5,"1e3"],[1700000015,"NaN"]]}]}}"#;
        let reply: Reply = serde_json::from_str(text).unwrap();
        let series = &reply.data.unwrap().result[0];
        assert_eq!(series.labels["pool"], "a\"b");
        assert!((series.points[0].1 - 1000.0).abs() < 1e-9 && series.points[1].1.is_nan());
    }

    #[test]
    fn times_and_queries_are_written_as_prometheus_reads_them() {
        assert_eq!(seconds(1_700_000_000_007), "1700000000.007");
        assert_eq!(encoded("a{b=\"c d\"}"), "a%7Bb%3D%22c%20d%22%7D");
    }
}
