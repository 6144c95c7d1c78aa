//! One request to a receiver, over a connection of its own.
//!
//! Requests are a minute apart, so there is no pool of connections: secrets and certificates are read for each, nothing is kept
//! between them. Redirects are not followed, proxies not used.

use std::error::Error as _;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::credentials::{FileError, authorization};
use super::ledger::Parcel;
use super::target::Target;
use super::tls::{self, TlsError};
use crate::model::Receiver;

/// How much of an answer is read, in bytes.
const MOST_READ: usize = 4096;

/// How much of a refusal is shown, in characters.
const MOST_SHOWN: usize = 200;

/// Why a receiver does not have what it was sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("{name:?} is no name that a certificate could have")]
    ServerName { name: String },
    #[error("the name {host} cannot be resolved: {error}")]
    Unresolved { host: String, error: io::Error },
    #[error("cannot connect: {0}")]
    Unreachable(io::Error),
    #[error("no TLS connection: {0}")]
    Handshake(io::Error),
    #[error("no answer: {}", with_sources(.0))]
    Http(#[from] hyper::Error),
    #[error("no answer within {0:?}")]
    Late(Duration),
    #[error("answered {status}{}", shown(.body))]
    Status { status: StatusCode, body: String },
    #[error("reading its secrets failed: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
    #[error("cannot be asked: {0}")]
    Request(#[from] axum::http::Error),
}

impl PostError {
    /// The status by which the receiver said that it does not want this request, however often it comes.
    pub(super) fn refusal(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. }
                if !status.is_server_error() && !matches!(status.as_u16(), 408 | 425 | 429) =>
            {
                Some(status.as_u16())
            }
            _ => None,
        }
    }
}

fn with_sources(error: &hyper::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// The start of an answer, for a message in one line.
fn shown(body: &str) -> String {
    let start: String = body.trim().chars().take(MOST_SHOWN).collect();
    if start.is_empty() {
        return start;
    }
    format!(": {}", start.escape_debug())
}

/// Sends a parcel. `Ok` means that the receiver has it.
pub(super) async fn post(
    receiver: &Receiver,
    target: &Target,
    parcel: &Parcel,
) -> Result<(), PostError> {
    let limit = receiver.timeout;
    timeout(limit, exchange(receiver, target, parcel))
        .await
        .unwrap_or(Err(PostError::Late(limit)))
}

async fn exchange(receiver: &Receiver, target: &Target, parcel: &Parcel) -> Result<(), PostError> {
    let secrets = Secrets::load(receiver, target).await?;
    let request = request(target, secrets.authorization, parcel)?;
    let stream = connect(target, receiver.timeout).await?;
    let Some(config) = secrets.tls else {
        return converse(stream, request).await;
    };
    let name = receiver.tls.server_name.as_ref().unwrap_or(&target.host);
    let name =
        ServerName::try_from(name.clone()).or(Err(PostError::ServerName { name: name.clone() }))?;
    let handshake = TlsConnector::from(config).connect(name, stream);
    let stream = handshake.await.map_err(PostError::Handshake)?;
    converse(stream, request).await
}

/// What a connection needs from files.
struct Secrets {
    authorization: Option<HeaderValue>,
    tls: Option<Arc<ClientConfig>>,
}

impl Secrets {
    async fn load(receiver: &Receiver, target: &Target) -> Result<Self, PostError> {
        let (receiver, https) = (receiver.clone(), target.https);
        let load = move || {
            let authorization = receiver
                .credentials
                .as_ref()
                .map(authorization)
                .transpose()?;
            let tls = https.then(|| tls::config(&receiver.tls)).transpose()?;
            Ok(Self { authorization, tls })
        };
        spawn_blocking(load).await?
    }
}

fn request(
    target: &Target,
    authorization: Option<HeaderValue>,
    parcel: &Parcel,
) -> Result<Request<Body>, PostError> {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(target.path.as_str())
        .header(header::HOST, &target.authority)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONNECTION, "close")
        .header(
            header::USER_AGENT,
            concat!("evenkeel/", env!("CARGO_PKG_VERSION")),
        );
    if let Some(authorization) = authorization {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    if let Some(key) = &parcel.key {
        request = request.header("idempotency-key", key);
    }
    Ok(request.body(Body::from(parcel.body.clone()))?)
}

/// A connection to the first address of the target that takes one; each has an equal part of the time.
async fn connect(target: &Target, limit: Duration) -> Result<TcpStream, PostError> {
    let unresolved = |error| PostError::Unresolved {
        host: target.host.clone(),
        error,
    };
    let found = lookup_host((target.host.as_str(), target.port)).await;
    let addresses: Vec<_> = found.map_err(unresolved)?.collect();
    let each = limit / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match timeout(each, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failure = error,
            Err(_) => failure = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(PostError::Unreachable(failure))
}

/// Sends the request and reads the answer.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    request: Request<Body>,
) -> Result<(), PostError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let answer = async move {
        let response = sender.send_request(request).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let body = start_of(response.into_body()).await;
        Err(PostError::Status { status, body })
    };
    let (mut answer, mut connection) = (pin!(answer), pin!(connection));
    tokio::select! {
        biased;
        outcome = &mut answer => return outcome,
        // The answer has been read, or will say what went wrong.
        _ = &mut connection => {}
    }
    answer.await
}

/// The first bytes of a body; also of one that breaks off.
async fn start_of(mut body: Incoming) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < MOST_READ {
        let frame = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
        let Some(Ok(frame)) = frame else { break };
        if let Ok(data) = frame.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    bytes.truncate(MOST_READ);
    String::from_utf8_lossy(&bytes).into_owned()
}
