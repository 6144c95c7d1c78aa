//! A small HTTP/1.1 client: single requests, and load that counts which backend answered.

mod load;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::netns::Namespace;
use crate::socket::{connect, connect_from};

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
    /// The cookie that it sets, as a client sends it back: `name=value`.
    pub cookie: Option<String>,
    /// Whether the connection can take another request.
    keep: bool,
}

/// Fetches `path` from a server that is reached from `namespace`.
pub fn get(namespace: &Namespace, server: SocketAddr, path: &str) -> Result<Response> {
    let exchange = || Client::open(server, None)?.get(path, false, None);
    namespace
        .enter(exchange)?
        .with_context(|| format!("cannot get http://{server}{path}"))
}

struct Client {
    server: SocketAddr,
    reader: BufReader<TcpStream>,
}

impl Client {
    /// Connects, from an address of this host if one is given.
    fn open(server: SocketAddr, from: Option<IpAddr>) -> Result<Self> {
        let stream = match from {
            Some(from) => connect_from(from, server, PATIENCE),
            None => connect(server, PATIENCE),
        };
        let stream = stream.with_context(|| format!("cannot connect to {server}"))?;
        Ok(Self {
            server,
            reader: BufReader::new(stream),
        })
    }

    fn get(&mut self, path: &str, keep: bool, cookie: Option<&str>) -> Result<Response> {
        let connection = if keep { "keep-alive" } else { "close" };
        let cookie = cookie.map_or(String::new(), |cookie| format!("Cookie: {cookie}\r\n"));
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: {connection}\r\n{cookie}\r\n",
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
        let cookie = headers.get("set-cookie");
        let cookie = cookie
            .and_then(|text| text.split(';').next())
            .map(str::to_owned);
        Ok(Response {
            status: code,
            body: String::from_utf8_lossy(&body).into_owned(),
            cookie,
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
