//! What one client may take from the server, so that none can take it from the others.

use std::time::Duration;

use super::stream::Patience;

/// Bounds of the HTTP server. [`Limits::default`] is right for production; tests shorten the times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections open at the same time; more wait in the kernel's backlog.
    pub connections: usize,
    /// Expositions rendered at the same time; more are answered with 503.
    pub scrapes: u32,
    /// Pages and API answers rendered at the same time; more are answered with 503.
    pub pages: u32,
    /// Event streams open at the same time; more are answered with 503.
    pub streams: usize,
    /// Bytes of a request's head, and of what is buffered per connection; at least 8 KiB.
    pub head_bytes: usize,
    /// Time for a request's head to arrive; an idle connection is closed after it, too.
    pub head_time: Duration,
    /// Time for which a reader may take nothing of a response.
    pub stall: Duration,
    /// Time for a whole response to be rendered and taken.
    pub response: Duration,
    /// Time that running requests get when the server stops.
    pub drain: Duration,
    /// Age of the last tick at which readers of a stream are told that it is late, if three intervals are less.
    pub late: Duration,
    /// Age at which the last tick is too old to call the agent healthy, if five intervals are less.
    pub tick_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            scrapes: 8,
            pages: 8,
            streams: 64,
            head_bytes: 16 * 1024,
            head_time: Duration::from_secs(10),
            stall: Duration::from_secs(10),
            // Prometheus gives a scrape 10 s unless told otherwise, and rarely more than a minute.
            response: Duration::from_secs(60),
            drain: Duration::from_secs(5),
            late: Duration::from_secs(5),
            tick_grace: Duration::from_secs(10),
        }
    }
}

impl Limits {
    pub(super) fn patience(&self) -> Patience {
        Patience {
            chunk: self.stall,
            response: self.response,
        }
    }
}
