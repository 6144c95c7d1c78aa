//! One request to a receiver.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};

use super::ledger::Parcel;
use super::target::Target;
use crate::http_client::{self, Access, ClientError};
use crate::model::Receiver;

/// How much of a refusal is read, in bytes.
const MOST_READ: usize = 4096;

/// How much of a refusal is shown, in characters.
const MOST_SHOWN: usize = 200;

/// Why a receiver does not have what it was sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("answered {status}{}", shown(.body))]
    Status { status: StatusCode, body: String },
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
    let access = Access {
        credentials: receiver.credentials.clone(),
        tls: receiver.tls.clone(),
        timeout: receiver.timeout,
    };
    // Of what has the alerts the status is enough.
    let wanted = |status: StatusCode| if status.is_success() { 0 } else { MOST_READ };
    let request = request(target, parcel)?;
    let answer = http_client::send(&target.origin, &access, request, wanted).await?;
    if answer.status.is_success() {
        return Ok(());
    }
    Err(PostError::Status {
        status: answer.status,
        body: String::from_utf8_lossy(&answer.body).into_owned(),
    })
}

fn request(target: &Target, parcel: &Parcel) -> Result<Request<Body>, axum::http::Error> {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(target.path.as_str())
        .header(header::CONTENT_TYPE, "application/json");
    if let Some(key) = &parcel.key {
        request = request.header("idempotency-key", key);
    }
    request.body(Body::from(parcel.body.clone()))
}
