//! What a receiver was told, and what it is to be told next.

use std::time::{Duration, Instant};

use super::board::Entry;
use super::clock::Now;
use super::wording::Wording;

/// One request to be made.
#[derive(Clone, Debug)]
pub(super) struct Parcel {
    /// JSON.
    pub(super) body: Vec<u8>,
    /// By which a receiver recognises a repetition, if it is to.
    pub(super) key: Option<String>,
    /// The incidents in it.
    pub(super) incidents: Vec<String>,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The receiver has it.
    Accepted,
    /// The receiver works and does not want it, with this status: the same request again would not help.
    Refused(u16),
    /// The receiver could not be reached or could not do its work: worth another attempt.
    Failed,
}

/// Knows what one receiver was told. Time arrives as a value; nothing here waits.
///
/// What has to be told is always derived from the newest board: a receiver that was away is told how things are, not how they
/// came about. So nothing piles up while it is away.
pub(super) trait Ledger: Send + 'static {
    /// How many alerts may wait.
    const CAPACITY: usize;

    /// Takes in how things are. Returns how many alerts were given up because of it.
    fn update(&mut self, board: &[Entry], now: &Now) -> u64;

    /// The next request, if one is due.
    fn next(&self, wording: &Wording, now: &Now) -> Option<Parcel>;

    /// Notes what came of a request; `resend` is the interval of repetition. Returns how many alerts were given up.
    fn settle(&mut self, parcel: &Parcel, outcome: Outcome, resend: Duration, now: &Now) -> u64;

    /// When the next request is due; the past if it is now, `None` if there is nothing to tell.
    fn due(&self) -> Option<Instant>;

    /// How many alerts are due.
    fn pending(&self, now: &Now) -> usize;

    /// The configuration has changed, and the labels of all alerts with it if `relabelled`: what was refused may be accepted now.
    fn reconfigured(&mut self, relabelled: bool, now: &Now);
}
