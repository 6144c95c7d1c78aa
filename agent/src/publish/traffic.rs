//! What the agent's own HTTP server counts about itself.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use axum::http::StatusCode;

/// The classes of status codes that the server answers with, as the label `code` names them.
const CLASSES: [&str; 3] = ["2xx", "4xx", "5xx"];

/// Counts of the HTTP server, kept while it serves.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    connections: AtomicU64,
    responses: [AtomicU64; CLASSES.len()],
}

impl Traffic {
    /// Counts a response.
    pub(super) fn responded(&self, status: StatusCode) {
        let [fine, refused, failed] = &self.responses;
        let class = match status.as_u16() {
            500.. => failed,
            400.. => refused,
            _ => fine,
        };
        class.fetch_add(1, Relaxed);
    }

    /// Counts a connection as open until what is returned is dropped.
    pub(super) fn connected(&self) -> OpenConnection<'_> {
        self.connections.fetch_add(1, Relaxed);
        OpenConnection(self)
    }

    /// The counts now.
    pub(super) fn sample(&self) -> TrafficSample {
        TrafficSample {
            connections: self.connections.load(Relaxed),
            responses: self.responses.each_ref().map(|count| count.load(Relaxed)),
        }
    }
}

/// A connection that is counted as open.
pub(super) struct OpenConnection<'a>(&'a Traffic);

impl Drop for OpenConnection<'_> {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Relaxed);
    }
}

/// Counts of the HTTP server at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrafficSample {
    /// Connections open now.
    pub connections: u64,
    responses: [u64; CLASSES.len()],
}

impl TrafficSample {
    /// Responses since the agent started, by class of status code.
    pub fn responses(&self) -> impl Iterator<Item = (&'static str, u64)> {
        CLASSES.into_iter().zip(self.responses)
    }
}
