//! The task of one receiver: sends what is due, waits, tries again.

use std::future::pending;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::board::Board;
use super::client;
use super::clock::Clock;
use super::complaint::Complaint;
use super::ledger::{Ledger, Outcome, Parcel};
use super::statistics::Counts;
use super::target::Target;
use super::wording::Wording;
use crate::model::Receiver;

/// What a reload may change about a receiver that stays.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settings {
    pub(super) receiver: Receiver,
    pub(super) target: Target,
    pub(super) wording: Arc<Wording>,
}

/// What a courier is given to work with.
pub(super) struct Desk {
    pub(super) board: watch::Receiver<Board>,
    pub(super) settings: watch::Receiver<Settings>,
    pub(super) counts: Arc<Counts>,
    pub(super) clock: Clock,
    /// Told when the agent stops.
    pub(super) closing: CancellationToken,
}

/// Carries alerts to one receiver.
pub(super) struct Courier<L> {
    ledger: L,
    desk: Desk,
    settings: Settings,
    backoff: Backoff,
    complaint: Complaint,
}

impl<L: Ledger> Courier<L> {
    pub(super) fn new(ledger: L, mut desk: Desk) -> Self {
        // It may have been left unchanged since the receiver was configured.
        desk.board.mark_changed();
        let settings = desk.settings.borrow_and_update().clone();
        Self {
            ledger,
            desk,
            settings,
            backoff: Backoff::default(),
            complaint: Complaint::default(),
        }
    }

    /// Works until the agent stops, and then sends once more what the receiver does not know yet.
    pub(super) async fn run(mut self) {
        while !self.desk.closing.is_cancelled() {
            self.take_news();
            while self.work().await == Some(Outcome::Accepted) && !self.has_news() {}
            self.rest().await;
        }
        self.take_news();
        self.backoff.reset();
        while self.work().await == Some(Outcome::Accepted) {}
    }

    /// Whether something else than the next request may matter more.
    fn has_news(&self) -> bool {
        let Desk {
            board,
            settings,
            closing,
            ..
        } = &self.desk;
        let changed =
            board.has_changed().unwrap_or(false) || settings.has_changed().unwrap_or(false);
        changed || closing.is_cancelled()
    }

    /// Looks at the board and the settings.
    fn take_news(&mut self) {
        let now = self.desk.clock.now();
        if self.desk.settings.has_changed().unwrap_or(false) {
            let settings = self.desk.settings.borrow_and_update().clone();
            let relabelled = settings.wording.labels_differ(&self.settings.wording);
            self.ledger.reconfigured(relabelled, &now);
            self.backoff.reset();
            self.settings = settings;
        }
        let board = Arc::clone(&self.desk.board.borrow_and_update());
        let dropped = self.ledger.update(&board, &now);
        self.give_up(dropped);
        self.desk.counts.pending(self.ledger.pending(&now));
    }

    /// Makes one request, if one is due.
    async fn work(&mut self) -> Option<Outcome> {
        let now = self.desk.clock.now();
        if self
            .backoff
            .until()
            .is_some_and(|until| until > now.monotonic)
        {
            return None;
        }
        let parcel = self.ledger.next(&self.settings.wording, &now)?;
        let outcome = self.send(&parcel).await;
        let resend = self.settings.wording.resend;
        let now = self.desk.clock.now();
        match outcome {
            Outcome::Failed => self.backoff.failed(now.monotonic, resend),
            Outcome::Accepted | Outcome::Refused(_) => self.backoff.reset(),
        }
        let dropped = self.ledger.settle(&parcel, outcome, resend, &now);
        self.give_up(dropped);
        self.desk.counts.pending(self.ledger.pending(&now));
        Some(outcome)
    }

    async fn send(&mut self, parcel: &Parcel) -> Outcome {
        let Settings {
            receiver, target, ..
        } = &self.settings;
        let began = Instant::now();
        let answer = client::post(receiver, target, parcel).await;
        let now = Instant::now();
        let alerts = parcel.incidents.len();
        self.desk
            .counts
            .requested(alerts, answer.is_ok(), now - began);
        match answer {
            Ok(()) => {
                self.complaint.worked(&target.name, now);
                Outcome::Accepted
            }
            Err(error) => {
                self.complaint.failed(&target.name, &error, now);
                error.refusal().map_or(Outcome::Failed, Outcome::Refused)
            }
        }
    }

    fn give_up(&mut self, alerts: u64) {
        self.desk.counts.dropped(alerts);
        let name = &self.settings.target.name;
        self.complaint.gave_up(name, alerts, Instant::now());
    }

    /// Waits until there may be something to do.
    async fn rest(&mut self) {
        let due = self.ledger.due();
        let due = due.map(|due| self.backoff.until().map_or(due, |until| due.max(until)));
        let wake = async {
            match due {
                Some(due) => sleep_until(due.into()).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = self.desk.closing.cancelled() => {}
            () = changed(&mut self.desk.board) => {}
            () = changed(&mut self.desk.settings) => {}
            () = wake => {}
        }
    }
}

/// Waits for a change; for ever if nobody is left to make one.
async fn changed<T>(watched: &mut watch::Receiver<T>) {
    if watched.changed().await.is_err() {
        pending::<()>().await;
    }
    watched.mark_changed();
}
