//! A receiver that notes what it is sent and answers as it is told to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::fixtures::wait_for;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) line: String,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
    pub(crate) at: Instant,
}

impl Request {
    /// The alerts in it.
    pub(crate) fn alerts(&self) -> &[Value] {
        self.body.as_array().unwrap()
    }
}

/// How a receiver answers.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// With a status and a body.
    Status(u16, String),
    /// With these bytes, whatever they are, and the end of the connection.
    Bytes(Vec<u8>),
    /// Not at all, but keeps the connection.
    Never,
}

impl Answer {
    pub(crate) fn fine() -> Self {
        Self::Status(200, String::new())
    }

    pub(crate) fn status(status: u16) -> Self {
        Self::Status(status, format!("made-up answer {status}"))
    }
}

struct Shared {
    answer: Mutex<Answer>,
    requests: Mutex<Vec<Request>>,
}

/// A receiver on a port of its own. It ends when this is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(answer: Answer) -> Self {
        Self::start_with(answer, None).await
    }

    pub(crate) async fn start_with(answer: Answer, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            answer: Mutex::new(answer),
            requests: Mutex::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared), tls));
        Self {
            address,
            shared,
            accepting,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on it answers so.
    pub(crate) fn answer(&self, answer: Answer) {
        *self.shared.answer.lock().unwrap() = answer;
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Waits for the first request that `fits`.
    pub(crate) async fn request(&self, what: &str, fits: impl Fn(&Request) -> bool) -> Request {
        wait_for(what, || {
            let mut requests = self.requests().into_iter();
            std::future::ready(requests.find(|request| fits(request)))
        })
        .await
    }

    /// Waits until there are `count` requests.
    pub(crate) async fn count(&self, count: usize) -> Vec<Request> {
        wait_for(&format!("{count} requests"), || {
            let requests = self.requests();
            std::future::ready((requests.len() >= count).then_some(requests))
        })
        .await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, tls: Option<TlsAcceptor>) {
    // Dropped with this task, and its connections with it.
    let mut guests = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (shared, tls) = (Arc::clone(&shared), tls.clone());
        guests.spawn(guest(stream, shared, tls));
    }
}

async fn guest(stream: TcpStream, shared: Arc<Shared>, tls: Option<TlsAcceptor>) {
    // Clients that break a connection off are part of the tests.
    let _ = match tls {
        None => serve(stream, &shared).await,
        Some(tls) => match tls.accept(stream).await {
            Ok(stream) => serve(stream, &shared).await,
            Err(error) => Err(error),
        },
    };
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    shared: &Shared,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).await?;
        let Some((name, value)) = header.split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    stream.read_exact(&mut body).await?;
    let answer = shared.answer.lock().unwrap().clone();
    shared.requests.lock().unwrap().push(Request {
        line: line.trim_end().to_owned(),
        headers,
        body: serde_json::from_slice(&body).unwrap(),
        at: Instant::now(),
    });
    let bytes = match answer {
        Answer::Never => {
            tokio::time::sleep(Duration::from_secs(600)).await;
            return Ok(());
        }
        Answer::Bytes(bytes) => bytes,
        Answer::Status(status, body) => format!(
            "HTTP/1.1 {status} Status\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes(),
    };
    stream.write_all(&bytes).await?;
    stream.shutdown().await
}
