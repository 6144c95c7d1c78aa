//! What goes wrong with the server, as tests want it.

use std::time::Duration;

/// How a version that is not known any longer is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GoneAs {
    /// As an event of a watch that was accepted: what the server's cache does.
    #[default]
    Event,
    /// As the status of the answer: what its database makes of it.
    Status,
}

/// What goes wrong.
#[derive(Clone, Debug)]
pub struct Faults {
    /// How long it takes to answer.
    pub delay: Duration,
    /// Requests whose path has one of these in it are forbidden (403).
    pub forbidden: Vec<String>,
    /// The next so many requests are answered by this status.
    pub failing: (u32, u16),
    /// How 410 Gone is told.
    pub gone: GoneAs,
    /// How often a watch that wants bookmarks gets one.
    pub bookmarks: Duration,
    /// The longest that a watch lasts, whatever the client asks for.
    pub longest_watch: Duration,
    /// Watches stay open and tell nothing.
    pub silent: bool,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            forbidden: Vec::new(),
            failing: (0, 500),
            gone: GoneAs::default(),
            bookmarks: Duration::from_secs(60),
            longest_watch: Duration::from_secs(3600),
            silent: false,
        }
    }
}
