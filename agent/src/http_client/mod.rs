//! One HTTP request over a connection of its own, with TLS and credentials.
//!
//! Requests are rare, so there is no pool of connections: secrets and certificates are read for each, nothing is kept
//! between them. Redirects are not followed, proxies not used.

mod credentials;
mod origin;
mod streaming;
mod tls;

use std::error::Error as _;
use std::future::poll_fn;
use std::io;
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Request, StatusCode, header};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use self::credentials::authorization;
use self::tls::TlsError;
use crate::model::{Credentials, Tls};

pub(crate) use self::credentials::{FileError, read};
pub(crate) use self::origin::Origin;
pub(crate) use self::streaming::{Streaming, open};
pub(crate) use self::tls::certificates;

/// How a request is made, whatever it asks for.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    /// How the client proves who it is.
    pub(crate) credentials: Option<Credentials>,
    /// How the server proves who it is, for https.
    pub(crate) tls: Tls,
    /// How long everything may take.
    pub(crate) timeout: Duration,
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// As much of it as was wanted, or less if it broke off.
    pub(crate) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
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
    #[error("reading its secrets failed: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
    #[error("cannot be asked: {0}")]
    Request(#[from] axum::http::Error),
}

impl ClientError {
    /// Whether nobody listens there.
    pub(crate) fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable(error) if error.kind() == io::ErrorKind::ConnectionRefused)
    }
}

/// Percent-encodes a value in a query or a form.
pub(crate) fn encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

fn with_sources(error: &hyper::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Sends a request to `origin`; `wanted` says how much of the answer's body is to be read, in bytes, by its status.
pub(crate) async fn send(
    origin: &Origin,
    access: &Access,
    request: Request<Body>,
    wanted: impl Fn(StatusCode) -> usize,
) -> Result<Answer, ClientError> {
    let limit = access.timeout;
    timeout(limit, exchange(origin, access, request, wanted))
        .await
        .unwrap_or(Err(ClientError::Late(limit)))
}

/// Sends a request to a server that listens on a Unix domain socket, without TLS and credentials.
pub(crate) async fn send_to_socket(
    socket: &Path,
    limit: Duration,
    mut request: Request<Body>,
    wanted: impl Fn(StatusCode) -> usize,
) -> Result<Answer, ClientError> {
    let exchange = async {
        add_headers(&mut request, "localhost", None)?;
        let stream = UnixStream::connect(socket).await;
        converse(stream.map_err(ClientError::Unreachable)?, request, wanted).await
    };
    timeout(limit, exchange)
        .await
        .unwrap_or(Err(ClientError::Late(limit)))
}

async fn exchange(
    origin: &Origin,
    access: &Access,
    mut request: Request<Body>,
    wanted: impl Fn(StatusCode) -> usize,
) -> Result<Answer, ClientError> {
    let stream = dial(origin, access, &mut request).await?;
    converse(stream, request, wanted).await
}

/// What carries bytes both ways.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// A connection to `origin`, for a request that gets the headers which it needs there.
async fn dial(
    origin: &Origin,
    access: &Access,
    request: &mut Request<Body>,
) -> Result<Box<dyn Wire>, ClientError> {
    let secrets = Secrets::load(access, origin).await?;
    add_headers(request, &origin.authority, secrets.authorization)?;
    let stream = connect(origin, access.timeout).await?;
    let Some(config) = secrets.tls else {
        return Ok(Box::new(stream));
    };
    let name = access.tls.server_name.as_ref().unwrap_or(&origin.host);
    let name = ServerName::try_from(name.clone())
        .or(Err(ClientError::ServerName { name: name.clone() }))?;
    let handshake = TlsConnector::from(config).connect(name, stream);
    Ok(Box::new(handshake.await.map_err(ClientError::Handshake)?))
}

/// What a connection needs from files.
struct Secrets {
    authorization: Option<HeaderValue>,
    tls: Option<Arc<ClientConfig>>,
}

impl Secrets {
    async fn load(access: &Access, origin: &Origin) -> Result<Self, ClientError> {
        let (access, https) = (access.clone(), origin.https);
        let load = move || {
            let authorization = access.credentials.as_ref().map(authorization).transpose()?;
            let tls = https.then(|| tls::config(&access.tls)).transpose()?;
            Ok(Self { authorization, tls })
        };
        spawn_blocking(load).await?
    }
}

/// What every request says.
fn add_headers(
    request: &mut Request<Body>,
    host: &str,
    authorization: Option<HeaderValue>,
) -> Result<(), ClientError> {
    let host = HeaderValue::from_str(host).map_err(axum::http::Error::from)?;
    let agent = concat!("evenkeel/", env!("CARGO_PKG_VERSION"));
    let headers = request.headers_mut();
    headers.insert(header::HOST, host);
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(agent));
    if let Some(authorization) = authorization {
        headers.insert(header::AUTHORIZATION, authorization);
    }
    Ok(())
}

/// A connection to the first address of the origin that takes one; each has an equal part of the time.
async fn connect(origin: &Origin, limit: Duration) -> Result<TcpStream, ClientError> {
    let unresolved = |error| ClientError::Unresolved {
        host: origin.host.clone(),
        error,
    };
    let found = lookup_host((origin.host.as_str(), origin.port)).await;
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
    Err(ClientError::Unreachable(failure))
}

/// Sends the request and reads the answer.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    request: Request<Body>,
    wanted: impl Fn(StatusCode) -> usize,
) -> Result<Answer, ClientError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let answer = async move {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = start_of(response.into_body(), wanted(status)).await;
        Ok(Answer { status, body })
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
async fn start_of(mut body: Incoming, most: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < most {
        let frame = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
        let Some(Ok(frame)) = frame else { break };
        if let Ok(data) = frame.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    bytes.truncate(most);
    bytes
}
