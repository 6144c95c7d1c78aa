//! `/api/v1/stream`: what changes, as server-sent events, for as long as somebody looks.
//!
//! Every reader has a task. At each tick, but at most once a second, it sends what is new since it last did: of all pools
//! the summaries that changed, or with `pool=NAME` that pool in full, with the new points of its hour; the agent's status
//! every few seconds; incidents when there is news of them. Events are small, and a reader that is too slow
//! for them gets fewer.

mod body;
mod events;
mod overview;
mod summary;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, sleep_until, timeout};

use super::shared::Shared;
use super::{api, render};
use body::EventBody;
use events::{Events, late};

/// Events come no faster: people do not read faster.
const FASTEST: Duration = Duration::from_secs(1);

/// Bytes a second that a reader is sent in the long run, beyond which its events come less often.
const PACE: usize = 64 * 1024;

/// The longest pause that a large event leads to.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Events that wait for the connection.
const QUEUE: usize = 2;

/// What the query may ask for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamQuery {
    /// This pool in full instead of all in short.
    pool: Option<String>,
}

/// `GET /api/v1/stream`
pub(super) async fn stream(
    State(shared): State<Arc<Shared>>,
    query: Result<Query<StreamQuery>, QueryRejection>,
) -> Response {
    let query = match query {
        Ok(Query(query)) => query,
        Err(rejection) => return api::error(StatusCode::BAD_REQUEST, &rejection.body_text()),
    };
    let Some(receiver) = open(shared, query.pool) else {
        return render::busy(api::JSON);
    };
    let kind = [(header::CONTENT_TYPE, "text/event-stream")];
    (kind, Body::new(EventBody(receiver))).into_response()
}

/// The events of one pool, or of all in short, as they are sent; `None` if too many listen.
pub(super) fn open(shared: Arc<Shared>, pool: Option<String>) -> Option<mpsc::Receiver<Bytes>> {
    let place = Arc::clone(&shared.streams).try_acquire_owned().ok()?;
    let (sender, receiver) = mpsc::channel(QUEUE);
    tokio::spawn(tell(shared, pool, sender, place));
    Some(receiver)
}

/// Sends events until the reader is gone or the agent stops.
async fn tell(
    shared: Arc<Shared>,
    pool: Option<String>,
    sender: mpsc::Sender<Bytes>,
    _place: OwnedSemaphorePermit,
) {
    let closing = shared.closing.clone();
    let mut states = shared.states();
    let mut events = Events::new(pool);
    let told = async {
        loop {
            let began = Instant::now();
            states.mark_unchanged();
            let rendered = {
                let shared = Arc::clone(&shared);
                tokio::task::spawn_blocking(move || {
                    let bytes = events.render(&shared);
                    (events, bytes)
                })
            };
            // Rendering does not panic; if it did, the stream would end and its reader come again.
            let Ok((back, bytes)) = rendered.await else {
                return;
            };
            events = back;
            let pause = pause(bytes.len());
            if sender.send(bytes).await.is_err() {
                return;
            }
            if events.more {
                continue;
            }
            sleep_until(began + pause).await;
            // The engine is gone, or the reader.
            while let Err(_elapsed) = timeout(shared.patience(), states.changed()).await {
                if sender.send(late(shared.pulse.age())).await.is_err() {
                    return;
                }
            }
            if states.has_changed().is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = told => {}
        () = sender.closed() => {}
        () = closing.cancelled() => {}
    }
}

/// How long after the begin of an event of `bytes` the next one may begin.
fn pause(bytes: usize) -> Duration {
    let seconds = bytes as f64 / PACE as f64;
    Duration::from_secs_f64(seconds).clamp(FASTEST, LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_events_come_less_often() {
        assert_eq!(pause(100), FASTEST);
        assert_eq!(pause(PACE * 5), Duration::from_secs(5));
        assert_eq!(pause(PACE * 500), LONGEST_PAUSE);
    }
}
