//! A store with the API of Prometheus, as far as it is asked for.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{RawForm, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;

type Labels = Vec<(String, String)>;

/// A query, and on behalf of which tenant.
pub(super) type Asked = (String, Option<String>);

/// Its series.
#[derive(Debug, Default)]
pub(super) struct Series {
    by_name: BTreeMap<String, BTreeMap<Labels, Vec<(u64, f64)>>>,
}

/// What the server and the tests share.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    pub(super) series: Arc<Mutex<Series>>,
    pub(super) down: Arc<AtomicBool>,
    pub(super) asked: Arc<Mutex<Vec<Asked>>>,
}

impl Series {
    pub(super) fn write(&mut self, name: &str, labels: &[(&str, &str)], at: u64, value: f64) {
        let mut labels: Labels = labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        labels.sort();
        let of_name = self.by_name.entry(name.to_owned()).or_default();
        of_name.entry(labels).or_default().push((at, value));
    }

    fn answer(&self, query: &str, at: u64) -> String {
        let end = query.find(['{', '[', ' ']).unwrap_or(query.len());
        let range = query.split_once('[').map(|(_, rest)| {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<u64>().unwrap()
        });
        let mut text = r#"{"status":"success","data":{"resultType":"x","result":["#.to_owned();
        let mut first = true;
        for (labels, points) in self.by_name.get(&query[..end]).into_iter().flatten() {
            let from = at - range.unwrap_or(300_000);
            let within = points
                .iter()
                .filter(|(time, _)| *time > from && *time <= at);
            let within: Vec<String> = within
                .map(|(time, value)| format!("[{},\"{value}\"]", *time as f64 / 1000.0))
                .collect();
            let Some(last) = within.last() else { continue };
            let labels: BTreeMap<&str, &str> = labels
                .iter()
                .map(|(name, value)| (&**name, &**value))
                .collect();
            let labels = serde_json::to_string(&labels).unwrap();
            let values = match range {
                Some(_) => format!("\"values\":[{}]", within.join(",")),
                None => format!("\"value\":{last}"),
            };
            let comma = if first { "" } else { "," };
            write!(text, "{comma}{{\"metric\":{labels},{values}}}").unwrap();
            first = false;
        }
        text + "]}}"
    }
}

/// Serves until the runtime ends.
pub(super) async fn serve(memory: Memory) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .route("/prefix/api/v1/query", post(query))
        .with_state(memory);
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn query(
    State(memory): State<Memory>,
    headers: HeaderMap,
    RawForm(form): RawForm,
) -> (StatusCode, String) {
    if memory.down.load(Relaxed) {
        return (StatusCode::BAD_GATEWAY, "nobody is there".to_owned());
    }
    let form: BTreeMap<String, String> = std::str::from_utf8(&form)
        .unwrap()
        .split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), decoded(value)))
        .collect();
    let tenant = headers
        .get("x-scope-orgid")
        .map(|value| value.to_str().unwrap().to_owned());
    memory
        .asked
        .lock()
        .unwrap()
        .push((form["query"].clone(), tenant));
    // Seconds with three decimals.
    let at: u64 = form["time"].replace('.', "").parse().unwrap();
    let series = memory.series.lock().unwrap();
    (StatusCode::OK, series.answer(&form["query"], at))
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            let digits = std::str::from_utf8(&digits).unwrap().to_owned();
            bytes.push(u8::from_str_radix(&digits, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}
