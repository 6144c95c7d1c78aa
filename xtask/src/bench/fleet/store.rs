//! A store with the API of Prometheus whose series are made up while they are asked for: pods of many services on many nodes, each
//! node with an agent.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

/// Pods of one service.
const PODS_OF_A_SERVICE: usize = 200;
/// Connections a second of each pod.
const RATE: f64 = 2.0;
/// How far an instant query looks back, in milliseconds.
const LOOKBACK: u64 = 300_000;

/// How large the fleet is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fleet {
    pub(super) nodes: usize,
    /// Of each node.
    pub(super) pods: usize,
}

/// The store; it serves until the program ends.
pub(super) struct Store {
    address: SocketAddr,
    sent: Arc<AtomicU64>,
}

/// What is asked for.
struct Query {
    metric: String,
    at: u64,
    range: Option<u64>,
}

/// The labels of all series, written beforehand: what is measured is not the store.
struct Written {
    fleet: Fleet,
    /// Node by node, without name and without what only `evenkeel_backend_info` has.
    rows: Vec<String>,
    every: u64,
}

impl Store {
    /// Serves on a free port of the loopback interface.
    pub(super) fn start(fleet: Fleet, scrapes: Duration) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("no free port")?;
        let address = listener.local_addr()?;
        let sent = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&sent);
        let written = Written::new(fleet, u64::try_from(scrapes.as_millis())?);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Whoever asked has gone, or is measured as waiting in vain.
                if let Ok(bytes) = written.answer(&stream) {
                    counter.fetch_add(bytes, Ordering::Relaxed);
                }
            }
        });
        Ok(Self { address, sent })
    }

    /// Where it serves.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Bytes of answers so far.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Written {
    fn new(fleet: Fleet, every: u64) -> Self {
        let services = (fleet.nodes * fleet.pods).div_ceil(PODS_OF_A_SERVICE);
        let row = |number: usize| {
            let (node, pod) = (number / fleet.pods, number % fleet.pods);
            format!(
                r#""backend":"10.{}.{}.{pod}:8080","instance":"192.0.2.1:{node}","job":"evenkeel","node":"node-{node}","pool":"service-{}","zone":"{}""#,
                node >> 8,
                node & 255,
                number % services,
                node % 3
            )
        };
        Self {
            fleet,
            rows: (0..fleet.nodes * fleet.pods).map(row).collect(),
            every,
        }
    }

    fn answer(&self, stream: &TcpStream) -> Result<u64> {
        let query = read(stream)?;
        let mut text = r#"{"status":"success","data":{"resultType":"x","result":["#.to_owned();
        let of_agent = ["process_", "evenkeel_pool_"]
            .iter()
            .any(|start| query.metric.starts_with(start));
        for (node, rows) in self.rows.chunks(self.fleet.pods).enumerate() {
            let values = self.values(&query, node);
            for row in rows.iter().take(if of_agent { 1 } else { self.fleet.pods }) {
                let comma = if text.ends_with('[') { "" } else { "," };
                let (metric, more) = (&query.metric, more(&query.metric));
                write!(
                    text,
                    r#"{comma}{{"metric":{{"__name__":"{metric}",{row}{more}}},{values}}}"#
                )?;
            }
        }
        text.push_str("]}}");
        let mut out = stream;
        let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n";
        write!(out, "{head}Content-Length: {}\r\n\r\n", text.len())?;
        out.write_all(text.as_bytes())?;
        Ok(text.len() as u64)
    }

    /// The samples of a node's series: scraped together, and alike.
    fn values(&self, query: &Query, node: usize) -> String {
        let value = |at: u64| {
            if query.metric.ends_with("_total") {
                (RATE * at as f64 / 1000.0).floor()
            } else {
                1.0
            }
        };
        let point = |at: u64| format!("[{}.{:03},\"{}\"]", at / 1000, at % 1000, value(at));
        let offset = node as u64 * 7919 % self.every;
        let scrapes = |from: u64| {
            let first = (from.saturating_sub(offset) / self.every + 1) * self.every + offset;
            (first..=query.at).step_by(usize::try_from(self.every).unwrap_or(usize::MAX))
        };
        if let Some(range) = query.range {
            let points: Vec<String> = scrapes(query.at - range).map(point).collect();
            return format!("\"values\":[{}]", points.join(","));
        }
        let last = scrapes(query.at - LOOKBACK).last().unwrap_or(query.at);
        format!("\"value\":{}", point(last))
    }
}

/// What infos say besides.
fn more(metric: &str) -> &'static str {
    match metric {
        "evenkeel_backend_info" => {
            r#","label_pod":"service-7d4b9c6f5-x2x9k","label_version":"v42","role":"local""#
        }
        "evenkeel_pool_info" => {
            r#","algorithm":"random","expected":"weights","role":"local","source":"kubernetes""#
        }
        _ => "",
    }
}

fn read(stream: &TcpStream) -> Result<Query> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    ensure!(length > 0, "a request without a form");
    let mut form = vec![0; length];
    reader.read_exact(&mut form)?;
    let form = String::from_utf8(form)?;
    let field = |name: &str| {
        let found = form
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        found.with_context(|| format!("no {name} in {form}"))
    };
    let query = field("query")?
        .replace("%5F", "_")
        .replace("%5B", "[")
        .replace("%7B", "{");
    let range = query.split_once('[').map(|(_, rest)| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse()
    });
    let end = query.find(['[', '{', '%']).unwrap_or(query.len());
    let seconds: f64 = field("time")?.replace("%2E", ".").parse()?;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a time of this century"
    )]
    let at = (seconds * 1000.0).round() as u64;
    Ok(Query {
        metric: query[..end].to_owned(),
        at,
        range: range.transpose()?,
    })
}
