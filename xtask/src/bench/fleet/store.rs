//! A store with the API of Prometheus whose series are made up while they are asked for: pods of many services on many nodes, each
//! node with an agent.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _};
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

impl Store {
    /// Serves on a free port of the loopback interface.
    pub(super) fn start(fleet: Fleet, scrapes: Duration) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("no free port")?;
        let address = listener.local_addr()?;
        let sent = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&sent);
        let every = u64::try_from(scrapes.as_millis())?;
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Whoever asked has gone, or is measured as waiting in vain.
                if let Ok(bytes) = answer(&stream, fleet, every) {
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

fn answer(stream: &TcpStream, fleet: Fleet, every: u64) -> Result<u64> {
    let query = read(stream)?;
    let mut out = BufWriter::with_capacity(1 << 20, stream);
    write!(out, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
    let mut bytes = 0;
    let mut put = |text: &str| {
        bytes += text.len() as u64;
        out.write_all(text.as_bytes())
    };
    put(r#"{"status":"success","data":{"resultType":"x","result":["#)?;
    let mut text = String::new();
    let mut first = true;
    for node in 0..fleet.nodes {
        let of_agent =
            query.metric.starts_with("process_") || query.metric.starts_with("evenkeel_pool_");
        for pod in 0..if of_agent { 1 } else { fleet.pods } {
            text.clear();
            if !first {
                text.push(',');
            }
            series(&mut text, &query, fleet, (node, pod), every)?;
            put(&text)?;
            first = false;
        }
    }
    put("]}}")?;
    out.flush()?;
    Ok(bytes)
}

/// Appends one series, as Prometheus writes it.
fn series(
    text: &mut String,
    query: &Query,
    fleet: Fleet,
    (node, pod): (usize, usize),
    every: u64,
) -> Result<()> {
    let number = node * fleet.pods + pod;
    let service = number % (fleet.nodes * fleet.pods).div_ceil(PODS_OF_A_SERVICE);
    let metric = &query.metric;
    write!(
        text,
        r#"{{"metric":{{"__name__":"{metric}","backend":"10.{}.{}.{}:8080","instance":"192.0.2.1:{node}","job":"evenkeel","node":"node-{node}","pool":"service-{service}","zone":"{}""#,
        node >> 8,
        node & 255,
        pod,
        node % 3
    )?;
    if metric.ends_with("_info") {
        write!(
            text,
            r#","algorithm":"random","expected":"weights","label_pod":"service-{service}-{number:x}","role":"local""#
        )?;
    }
    text.push_str("},");
    let value = |at: u64| {
        if metric.ends_with("_total") {
            (RATE * at as f64 / 1000.0).floor()
        } else {
            1.0
        }
    };
    let point = |at: u64| format!("[{}.{:03},\"{}\"]", at / 1000, at % 1000, value(at));
    let offset = node as u64 * 7919 % every;
    let scrapes = |from: u64| {
        let first = (from.saturating_sub(offset) / every + 1) * every + offset;
        (first..=query.at).step_by(usize::try_from(every).unwrap_or(usize::MAX))
    };
    if let Some(range) = query.range {
        let points: Vec<String> = scrapes(query.at - range).map(point).collect();
        write!(text, "\"values\":[{}]}}", points.join(","))?;
    } else {
        let last = scrapes(query.at - LOOKBACK).last().unwrap_or(query.at);
        write!(text, "\"value\":{}}}", point(last))?;
    }
    Ok(())
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
