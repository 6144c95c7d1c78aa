//! The series of a backend that are asked for.

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Connections established, cumulative.
    Opened,
    /// Connection attempts that failed, cumulative.
    Failed,
    /// Bytes received, cumulative.
    Received,
    /// Bytes sent, cumulative.
    Sent,
    /// Connections open.
    Active,
    /// The part that the backend should get.
    ExpectedShare,
    /// Role and labels.
    Info,
}

impl Quantity {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Opened,
        Self::Failed,
        Self::Received,
        Self::Sent,
        Self::Active,
        Self::ExpectedShare,
        Self::Info,
    ];

    /// How many are cumulative: those that come first.
    pub(crate) const COUNTERS: usize = 4;

    /// The name of its metric.
    pub const fn metric(self) -> &'static str {
        match self {
            Self::Opened => "evenkeel_backend_connections_opened_total",
            Self::Failed => "evenkeel_backend_connections_failed_total",
            Self::Received => "evenkeel_backend_received_bytes_total",
            Self::Sent => "evenkeel_backend_sent_bytes_total",
            Self::Active => "evenkeel_backend_connections",
            Self::ExpectedShare => "evenkeel_backend_expected_share_ratio",
            Self::Info => "evenkeel_backend_info",
        }
    }
}
