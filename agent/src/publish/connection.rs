//! One HTTP connection, with limits on how long its client may keep us waiting.

use std::convert::Infallible;
use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::control::Peer;
use super::headers;
use super::shared::Shared;

/// Headers of a request; a scraper or browser sends about ten.
const MAX_HEADERS: usize = 64;

/// Serves one connection, over TLS if that is configured.
pub(super) async fn receive(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    shared: Arc<Shared>,
    shutdown: CancellationToken,
) {
    let _open = shared.traffic.connected();
    let mut client = Client {
        address: peer,
        certified: false,
    };
    let Some(tls) = shared.access.current().tls() else {
        return Box::pin(serve(stream, client, router, &shared, shutdown)).await;
    };
    let handshake = TlsAcceptor::from(tls).accept(stream);
    match timeout(shared.limits.head_time, handshake).await {
        Ok(Ok(stream)) => {
            // The handshake fails if the certificate is not one of those that are trusted.
            client.certified = stream.get_ref().1.peer_certificates().is_some();
            Box::pin(serve(stream, client, router, &shared, shutdown)).await;
        }
        Ok(Err(error)) => tracing::debug!(%peer, %error, "a TLS handshake failed"),
        Err(_elapsed) => tracing::debug!(%peer, "a TLS handshake took too long"),
    }
}

/// The other end of a connection.
#[derive(Clone, Copy)]
struct Client {
    address: SocketAddr,
    /// Whether it showed a certificate that is trusted.
    certified: bool,
}

/// Serves one connection until its client closes it, breaks a limit, or `shutdown` is asked for, in which case the
/// request that is running is still answered.
async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    client: Client,
    router: Router,
    shared: &Shared,
    shutdown: CancellationToken,
) {
    let limits = &shared.limits;
    let service = TowerToHyperService::new(router);
    let service = service_fn(|request| answer(request, client, &service, shared));
    let stream = TokioIo::new(Impatient::new(stream, limits.stall));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_headers(MAX_HEADERS)
        .max_buf_size(limits.head_bytes)
        .serve_connection(stream, service);
    let mut connection = std::pin::pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        // Clients break connections as they like: worth a line only to someone who looks for it.
        tracing::debug!(peer = %client.address, %error, "an HTTP connection ended early");
    }
}

async fn answer(
    mut request: Request<Incoming>,
    client: Client,
    service: &TowerToHyperService<Router>,
    shared: &Shared,
) -> Result<Response, Infallible> {
    let access = shared.access.current();
    let mut response = match access.admit(request.headers(), request.uri()).await {
        Ok(named) => {
            request.extensions_mut().insert(Peer {
                address: client.address,
                authenticated: named || client.certified,
            });
            service.call(request).await?
        }
        Err(refusal) => refusal,
    };
    headers::add(response.headers_mut());
    access.dress(response.headers_mut());
    shared.traffic.responded(response.status());
    Ok(response)
}

/// A stream whose writes fail when the peer takes nothing for a while.
///
/// Without it a client that stops reading would keep its connection, and what is buffered for it, for ever.
struct Impatient<S> {
    stream: S,
    limit: Duration,
    /// Runs while a write waits.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Impatient<S> {
    fn new(stream: S, limit: Duration) -> Self {
        Self {
            stream,
            limit,
            stalled: None,
        }
    }

    /// The outcome of a write, or an error once writes have waited for too long.
    fn judge<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let limit = self.limit;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Impatient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.judge(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
