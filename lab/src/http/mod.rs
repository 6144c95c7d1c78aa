//! A small HTTP/1.1 client: single requests, and load that counts which backend answered.

mod load;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::netns::Namespace;
use crate::socket::connect;

pub use load::{HttpCounts, HttpLoad, HttpTraffic};

/// How long a server may take for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status, for example 200.
    pub status: u16,
    /// The body as text.
    pub body: String,
    /// Whether the connection can take another request.
    keep: bool,
}

/// Fetches `path` from a server that is reached from `namespace`.
pub fn get(namespace: &Namespace, server: SocketAddr, path: &str) -> Result<Response> {
    let exchange = || Client::open(server)?.get(path, false);
    namespace
        .enter(exchange)?
        .with_context(|| format!("cannot get http://{server}{path}"))
}

struct Client {
    server: SocketAddr,
    reader: BufReader<TcpStream>,
}

impl Client {
    fn open(server: SocketAddr) -> Result<Self> {
        let stream =
            connect(server, PATIENCE).with_context(|| format!("cannot connect to {server}"))?;
        Ok(Self {
            server,
            reader: BufReader::new(stream),
        })
    }

    fn get(&mut self, path: &str, keep: bool) -> Result<Response> {
        let connection = if keep { "keep-alive" } else { "close" };
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: {connection}\r\n\r\n",
            self.server
        );
        self.reader.get_mut().write_all(request.as_bytes())?;
        let status = self.line()?;
        let code = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        let code = code.with_context(|| format!("not HTTP: {status:?}"))?;
        let headers = self.headers()?;
        let header = |name: &str| headers.get(name).map(|value| value.to_ascii_lowercase());
        let mut body = Vec::new();
        let mut whole = true;
        if header("transfer-encoding").as_deref() == Some("chunked") {
            self.chunks(&mut body)?;
        } else if let Some(length) = header("content-length") {
            body.resize(length.parse().context("Content-Length is no number")?, 0);
            self.reader.read_exact(&mut body)?;
        } else {
            self.reader.read_to_end(&mut body)?;
            whole = false;
        }
        let keep = keep && whole && header("connection").as_deref() != Some("close");
        Ok(Response {
            status: code,
            body: String::from_utf8_lossy(&body).into_owned(),
            keep,
        })
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(
            self.reader.read_line(&mut line)? > 0,
            "the server closed the connection"
        );
        Ok(line.trim_end().to_owned())
    }

    /// The headers up to the empty line; names in lower case.
    fn headers(&mut self) -> Result<BTreeMap<String, String>> {
        let mut headers = BTreeMap::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else {
                return Ok(headers);
            };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
    }

    fn chunks(&mut self, body: &mut Vec<u8>) -> Result<()> {
        loop {
            let line = self.line()?;
            let size = line.split(';').next().unwrap_or_default();
            let size = u64::from_str_radix(size, 16)
                .with_context(|| format!("not the size of a chunk: {line:?}"))?;
            (&mut self.reader).take(size).read_to_end(body)?;
            self.line()?;
            if size == 0 {
                return Ok(());
            }
        }
    }
}
