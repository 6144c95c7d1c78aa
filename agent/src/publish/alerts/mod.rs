//! Tells Alertmanagers and webhooks of incidents.
//!
//! A `Board` of what there is to tell is made of each state (`board`). Each receiver has a task of its own (`courier`) and
//! knows what it told its receiver (`ledger`, in Alertmanager's way or a webhook's: `repeats`, `changes`). What to tell follows from
//! the board and the ledger alone, so a receiver that was away hears how things are now, and nothing piles up meanwhile. Nothing that a
//! receiver does can hold up another, or the tick.
//!
//! Everything is scheduled by the monotonic clock. The clock on the wall only appears in what is sent (`clock`).
//!
//! When the agent stops, alerts are left as they are: the agent that is started next goes on with them, and if none is, Alertmanager takes
//! them for resolved after four intervals of repetition.

mod alertmanager;
mod backoff;
mod board;
mod changes;
mod client;
mod clock;
mod complaint;
mod courier;
mod ledger;
mod receivers;
mod repeats;
mod statistics;
mod target;
#[cfg(test)]
mod tests;
mod text;
mod webhook;
mod wording;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::board::{Board, Tracker};
use self::clock::Clock;
use self::receivers::Receivers;
use crate::model::{Alerting, State};

pub use self::statistics::ReceiverStatistics;
pub use self::wording::Identity;

/// How long receivers may take to be told the last news when the agent stops. Within what the agent as a whole has for it.
const DRAIN: Duration = Duration::from_secs(3);

/// What a receiver is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReceiverKind {
    /// An Alertmanager.
    Alertmanager,
    /// Something that takes a JSON body per change of an incident.
    Webhook,
}

impl ReceiverKind {
    /// The name that users read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alertmanager => "alertmanager",
            Self::Webhook => "webhook",
        }
    }
}

/// A receiver's address cannot be used. The address itself is not repeated: it may hold a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the url of {} {index} {what}", kind.as_str())]
pub struct AddressError {
    kind: ReceiverKind,
    /// The place in the list, from 1.
    index: usize,
    what: &'static str,
}

/// Whether all receivers of `alerting` have addresses that can be used.
pub fn check(alerting: &Alerting) -> Result<(), AddressError> {
    receivers::targets(alerting).map(drop)
}

/// The sender of alerts.
pub struct Alerts {
    states: watch::Receiver<Arc<State>>,
    board: watch::Sender<Board>,
    tracker: Tracker,
    clock: Clock,
    tasks: TaskTracker,
    closing: CancellationToken,
    /// Keeps the receivers if nobody keeps the handle.
    handle: AlertsHandle,
}

/// Changes the receivers and reads their statistics.
#[derive(Clone)]
pub struct AlertsHandle {
    receivers: Arc<Mutex<Receivers>>,
}

impl Alerts {
    /// Starts a task per receiver, on the runtime that this is called in. Nothing is sent before [`Alerts::run`].
    ///
    /// # Errors
    /// If a receiver's address cannot be used; nothing was started then.
    pub fn start(
        states: watch::Receiver<Arc<State>>,
        alerting: &Alerting,
        identity: Identity,
    ) -> Result<(Self, AlertsHandle), AddressError> {
        let (board, watched) = watch::channel(Board::default());
        let tasks = TaskTracker::new();
        let closing = CancellationToken::new();
        let clock = Clock::start();
        let mut receivers =
            Receivers::new(watched, identity, clock, tasks.clone(), closing.clone());
        receivers.replace(alerting)?;
        let handle = AlertsHandle {
            receivers: Arc::new(Mutex::new(receivers)),
        };
        let alerts = Self {
            states,
            board,
            tracker: Tracker::default(),
            clock,
            tasks,
            closing,
            handle: handle.clone(),
        };
        Ok((alerts, handle))
    }

    /// Sends until `stop` is cancelled; then tells what is not told yet, for a few seconds at most. Alerts stay as they are.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            self.note();
            tokio::select! {
                () = stop.cancelled() => break,
                changed = self.states.changed() => if changed.is_err() {
                    // The engine is gone; what it said last still holds.
                    stop.cancelled().await;
                    break;
                },
            }
        }
        self.note();
        self.closing.cancel();
        self.tasks.close();
        if tokio::time::timeout(DRAIN, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("not all alerts could be sent within {DRAIN:?}; stopping without them");
        }
        self.handle.lock().clear();
    }

    /// Puts the newest state on the board.
    fn note(&mut self) {
        let incidents = Arc::clone(&self.states.borrow_and_update().incidents);
        if let Some(board) = self.tracker.update(&incidents, &self.clock.now()) {
            self.board.send_replace(board);
        }
    }
}

impl std::fmt::Debug for AlertsHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.statistics()).finish()
    }
}

impl AlertsHandle {
    /// Takes over other receivers and other words. A receiver whose address stays goes on where it is; one that is new is told of
    /// everything that is on; one that is gone is told nothing more.
    ///
    /// Must be called within the runtime.
    ///
    /// # Errors
    /// If a receiver's address cannot be used; nothing was changed then.
    pub fn replace(&self, alerting: &Alerting) -> Result<(), AddressError> {
        self.lock().replace(alerting)
    }

    /// What happened with each receiver, in the order of the configuration.
    pub fn statistics(&self) -> Vec<ReceiverStatistics> {
        self.lock().statistics()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Receivers> {
        // Whoever panicked while holding it left it whole: it is changed in one step.
        self.receivers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
