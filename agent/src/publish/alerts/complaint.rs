//! Says in the log that a receiver does not work: when that begins, every few minutes while it lasts, and when it ends.

use std::fmt::Display;
use std::time::{Duration, Instant};

use tracing::{info, warn};

/// How often a complaint is repeated.
const REMIND: Duration = Duration::from_secs(5 * 60);

/// What the log was told of one receiver.
#[derive(Debug, Default)]
pub(super) struct Complaint {
    /// Since when it does not work.
    since: Option<Instant>,
    /// When the log was told so last.
    said: Option<Instant>,
    /// When the log was told last that alerts were given up, and how many were since.
    given_up: Option<Instant>,
    untold: u64,
}

impl Complaint {
    /// The receiver has not taken what it was sent.
    pub(super) fn failed(&mut self, receiver: &str, error: &impl Display, now: Instant) {
        let first = self.since.is_none();
        let since = *self.since.get_or_insert(now);
        if !is_due(self.said, now) {
            return;
        }
        self.said = Some(now);
        if first {
            warn!(receiver, %error, "cannot send alerts; trying again until it works");
        } else {
            let lasting = now.saturating_duration_since(since).as_secs();
            warn!(receiver, %error, lasting_seconds = lasting, "still cannot send alerts");
        }
    }

    /// The receiver has taken what it was sent.
    pub(super) fn worked(&mut self, receiver: &str, now: Instant) {
        if let Some(since) = self.since.take() {
            let lasted = now.saturating_duration_since(since).as_secs();
            info!(receiver, lasted_seconds = lasted, "alerts are sent again");
        }
    }

    /// Alerts were given up.
    pub(super) fn gave_up(&mut self, receiver: &str, alerts: u64, now: Instant) {
        self.untold += alerts;
        if self.untold > 0 && is_due(self.given_up, now) {
            self.given_up = Some(now);
            let alerts = std::mem::take(&mut self.untold);
            warn!(receiver, alerts, "gave up alerts that could not be sent");
        }
    }
}

fn is_due(last: Option<Instant>, now: Instant) -> bool {
    last.is_none_or(|last| now.saturating_duration_since(last) >= REMIND)
}
