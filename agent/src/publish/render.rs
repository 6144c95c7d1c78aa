//! Renders responses on blocking threads, a limited number at a time.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::api;
use super::stream::{ChunkWriter, Patience, pipe};

/// Seconds after which a client that found the gate full may try again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// A limit on how many responses are rendered at the same time.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    slots: Arc<Semaphore>,
    all_slots: u32,
    patience: Patience,
}

impl Gate {
    pub(super) fn new(slots: u32, patience: Patience) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(slots as usize)),
            all_slots: slots,
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
            return busy(content_type);
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

    /// Waits until nothing is being rendered: soon, once the readers are gone.
    pub(super) async fn idle(&self) {
        // The semaphore is never closed, so there is nothing but the wait.
        let _all = self.slots.acquire_many(self.all_slots).await;
    }
}

/// An error in the form of the answer that the client asked for.
pub(super) fn busy(content_type: &str) -> Response {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let message = "too many of these requests at once; try again later";
    let mut response = if content_type == api::JSON {
        api::error(status, message)
    } else {
        (status, format!("{message}\n")).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, RETRY_AFTER);
    response
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PATIENCE: Patience = Patience {
        chunk: Duration::from_secs(5),
        response: Duration::from_secs(5),
    };

    #[tokio::test]
    async fn a_full_gate_answers_in_the_form_of_the_client() {
        let gate = Gate::new(0, PATIENCE);
        for (asked, answered) in [
            (api::JSON, api::JSON),
            ("text/html", "text/plain; charset=utf-8"),
        ] {
            let response = gate.respond(asked, |_| Ok::<(), ()>(()));
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.headers()[header::RETRY_AFTER], RETRY_AFTER);
            assert_eq!(response.headers()[header::CONTENT_TYPE], answered);
        }
    }

    #[tokio::test]
    async fn a_gate_is_idle_only_after_its_renderer() {
        let gate = Gate::new(1, PATIENCE);
        let (release, held) = std::sync::mpsc::channel::<()>();
        let response = gate.respond("text/plain", move |_| held.recv());
        let idle = tokio::time::timeout(Duration::from_millis(50), gate.idle());
        assert!(idle.await.is_err(), "idle while it renders");
        release.send(()).unwrap();
        gate.idle().await;
        drop(response);
    }
}
