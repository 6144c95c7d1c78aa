//! What is counted per backend, and the signals made of it.

use serde::{Deserialize, Serialize};

/// Cumulative counts of one backend since the agent began to watch it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections established.
    pub opened: u64,
    /// Connection attempts that ended before they were established: refused, timed out, unreachable or cancelled.
    pub failed: u64,
    /// Connections, once counted as opened, that left the socket table's live states (`TIME_WAIT` counts as closed).
    pub closed: u64,
    /// Payload bytes received by this host's side of the connection.
    pub received: u64,
    /// Payload bytes sent by this host's side and acknowledged by the peer.
    pub sent: u64,
    /// Segments sent again.
    pub retransmits: u64,
    /// Connections whose handshake time was measured.
    pub handshakes: u64,
    /// Sum of the measured handshake times, in microseconds.
    pub handshake_micros: u64,
}

impl Counters {
    /// What was counted since `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        Self {
            opened: self.opened.saturating_sub(before.opened),
            failed: self.failed.saturating_sub(before.failed),
            closed: self.closed.saturating_sub(before.closed),
            received: self.received.saturating_sub(before.received),
            sent: self.sent.saturating_sub(before.sent),
            retransmits: self.retransmits.saturating_sub(before.retransmits),
            handshakes: self.handshakes.saturating_sub(before.handshakes),
            handshake_micros: self
                .handshake_micros
                .saturating_sub(before.handshake_micros),
        }
    }
}

/// What a pool's distribution is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signal {
    /// Connections established within the window.
    Opened,
    /// Connections open, averaged over the window.
    Active,
    /// Payload bytes, both directions, within the window.
    Bytes,
    /// Failed connection attempts within the window.
    Failed,
}

impl Signal {
    /// All signals, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Opened, Self::Active, Self::Bytes, Self::Failed];

    /// The name that users write and read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Active => "active",
            Self::Bytes => "bytes",
            Self::Failed => "failed",
        }
    }

    /// What it counts, as a sentence says it.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Opened => "new connections",
            Self::Active => "open connections",
            Self::Bytes => "bytes",
            Self::Failed => "connection attempts",
        }
    }
}

/// One `T` for each signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerSignal<T> {
    /// See [`Signal::Opened`].
    pub opened: T,
    /// See [`Signal::Active`].
    pub active: T,
    /// See [`Signal::Bytes`].
    pub bytes: T,
    /// See [`Signal::Failed`].
    pub failed: T,
}

impl<T> PerSignal<T> {
    /// The value of `signal`.
    pub fn get(&self, signal: Signal) -> &T {
        match signal {
            Signal::Opened => &self.opened,
            Signal::Active => &self.active,
            Signal::Bytes => &self.bytes,
            Signal::Failed => &self.failed,
        }
    }

    /// The value of `signal`, to be changed.
    pub fn get_mut(&mut self, signal: Signal) -> &mut T {
        match signal {
            Signal::Opened => &mut self.opened,
            Signal::Active => &mut self.active,
            Signal::Bytes => &mut self.bytes,
            Signal::Failed => &mut self.failed,
        }
    }
}
