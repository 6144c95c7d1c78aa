//! An answer without an end, such as server-sent events: read as it comes.

use std::future::poll_fn;
use std::pin::Pin;

use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::{Access, ClientError, Origin, dial};

/// An answer that is being read. Dropping it ends the connection.
#[derive(Debug)]
pub(crate) struct Streaming {
    pub(crate) status: StatusCode,
    body: Incoming,
    _connection: AbortOnDropHandle<()>,
}

/// Sends a request; the time limit of `access` is that for the head of the answer.
pub(crate) async fn open(
    origin: &Origin,
    access: &Access,
    mut request: Request<Body>,
) -> Result<Streaming, ClientError> {
    let opening = async {
        let stream = dial(origin, access, &mut request).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(async move {
            // What went wrong is told by the body, or by its absence.
            drop(connection.await);
        });
        let connection = AbortOnDropHandle::new(connection);
        let response = sender.send_request(request).await?;
        Ok(Streaming {
            status: response.status(),
            body: response.into_body(),
            _connection: connection,
        })
    };
    timeout(access.timeout, opening)
        .await
        .unwrap_or(Err(ClientError::Late(access.timeout)))
}

impl Streaming {
    /// The next bytes; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, ClientError>> {
        loop {
            let frame = poll_fn(|context| Pin::new(&mut self.body).poll_frame(context)).await?;
            match frame.map(hyper::body::Frame::into_data) {
                Ok(Ok(bytes)) => return Some(Ok(bytes)),
                // Trailers say nothing here.
                Ok(Err(_trailers)) => {}
                Err(error) => return Some(Err(error.into())),
            }
        }
    }
}
