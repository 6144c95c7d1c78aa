//! Renders responses on blocking threads, a limited number at a time.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::stream::{ChunkWriter, Patience, pipe};

/// Seconds after which a client that found the gate full may try again.
const RETRY_AFTER: &str = "1";

/// A limit on how many responses are rendered at the same time.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    slots: Arc<Semaphore>,
    patience: Patience,
}

impl Gate {
    pub(super) fn new(slots: usize, patience: Patience) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(slots)),
            patience,
        }
    }

    /// A response whose body `render` writes while it is read, or 503 when too many are being rendered.
    ///
    /// An error of `render` cuts the response short in a way that its reader notices.
    pub(super) fn respond<E>(
        &self,
        content_type: &'static str,
        render: impl FnOnce(&mut ChunkWriter) -> Result<(), E> + Send + 'static,
    ) -> Response {
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
            return busy();
        };
        let (mut writer, body) = pipe(Handle::current(), self.patience);
        tokio::task::spawn_blocking(move || {
            if render(&mut writer).is_err() || writer.finish().is_err() {
                tracing::debug!("a response was cut short: its reader left or was too slow");
            }
            drop(slot);
        });
        ([(header::CONTENT_TYPE, content_type)], Body::new(body)).into_response()
    }
}

fn busy() -> Response {
    (
        StatusCode::SERVICE_UNAVAILABLE,
        [(header::RETRY_AFTER, RETRY_AFTER)],
        "too many of these requests at once; try again later\n",
    )
        .into_response()
}
