//! The receivers that are configured, each with its task.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::board::Board;
use super::changes::Changes;
use super::clock::Clock;
use super::courier::{Courier, Desk, Settings};
use super::ledger::Ledger;
use super::repeats::Repeats;
use super::statistics::{Counts, ReceiverStatistics};
use super::target::Target;
use super::wording::{Identity, Wording};
use super::{AddressError, ReceiverKind};
use crate::model::{Alerting, Receiver};

/// One receiver. When it is dropped its task ends.
struct Member {
    kind: ReceiverKind,
    settings: watch::Sender<Settings>,
    counts: Arc<Counts>,
    _gone: DropGuard,
}

/// All receivers.
pub(super) struct Receivers {
    board: watch::Receiver<Board>,
    identity: Identity,
    clock: Clock,
    tasks: TaskTracker,
    closing: CancellationToken,
    members: Vec<Member>,
}

/// The receivers of a configuration with their addresses; one that is listed twice is one.
pub(super) fn targets(
    alerting: &Alerting,
) -> Result<Vec<(ReceiverKind, &Receiver, Target)>, AddressError> {
    let lists = [
        (ReceiverKind::Alertmanager, &alerting.alertmanagers),
        (ReceiverKind::Webhook, &alerting.webhooks),
    ];
    let mut targets: Vec<(ReceiverKind, &Receiver, Target)> = Vec::new();
    for (kind, list) in lists {
        for (place, receiver) in list.iter().enumerate() {
            let target = Target::parse(&receiver.url, kind).map_err(|what| AddressError {
                kind,
                index: place + 1,
                what,
            })?;
            let known = |(k, _, t): &(ReceiverKind, &Receiver, Target)| *k == kind && *t == target;
            if !targets.iter().any(known) {
                targets.push((kind, receiver, target));
            }
        }
    }
    Ok(targets)
}

impl Receivers {
    pub(super) fn new(
        board: watch::Receiver<Board>,
        identity: Identity,
        clock: Clock,
        tasks: TaskTracker,
        closing: CancellationToken,
    ) -> Self {
        Self {
            board,
            identity,
            clock,
            tasks,
            closing,
            members: Vec::new(),
        }
    }

    pub(super) fn replace(&mut self, alerting: &Alerting) -> Result<(), AddressError> {
        let targets = targets(alerting)?;
        let wording = Arc::new(Wording::new(alerting, &self.identity));
        let mut old = std::mem::take(&mut self.members);
        for (kind, receiver, target) in targets {
            let settings = Settings {
                receiver: receiver.clone(),
                target,
                wording: Arc::clone(&wording),
            };
            let stays = old
                .iter()
                .position(|m| m.kind == kind && m.settings.borrow().target == settings.target);
            let member = match stays {
                Some(index) => old.swap_remove(index),
                None => self.employ(kind, settings.clone()),
            };
            member.settings.send_if_modified(|now| {
                let modified = *now != settings;
                *now = settings;
                modified
            });
            self.members.push(member);
        }
        Ok(())
    }

    /// A new receiver, with its task.
    fn employ(&self, kind: ReceiverKind, settings: Settings) -> Member {
        let (sender, settings) = watch::channel(settings);
        let counts = Arc::new(Counts::default());
        let desk = Desk {
            board: self.board.clone(),
            settings,
            counts: Arc::clone(&counts),
            clock: self.clock,
            closing: self.closing.clone(),
        };
        let gone = CancellationToken::new();
        match kind {
            ReceiverKind::Alertmanager => self.spawn(Repeats::default(), desk, gone.clone()),
            ReceiverKind::Webhook => self.spawn(Changes::default(), desk, gone.clone()),
        }
        Member {
            kind,
            settings: sender,
            counts,
            _gone: gone.drop_guard(),
        }
    }

    fn spawn(&self, ledger: impl Ledger, desk: Desk, gone: CancellationToken) {
        let courier = Courier::new(ledger, desk);
        self.tasks.spawn(async move {
            gone.run_until_cancelled_owned(courier.run()).await;
        });
    }

    /// Ends all tasks.
    pub(super) fn clear(&mut self) {
        self.members.clear();
    }

    pub(super) fn statistics(&self) -> Vec<ReceiverStatistics> {
        let mut times_seen: HashMap<(ReceiverKind, String), usize> = HashMap::new();
        let members = self.members.iter().map(|member| {
            let name = member.settings.borrow().target.name.clone();
            let seen = times_seen.entry((member.kind, name.clone())).or_default();
            *seen += 1;
            // Webhooks of one host differ in what is left out of their names.
            let name = match *seen {
                1 => name,
                number => format!("{name}#{number}"),
            };
            let capacity = match member.kind {
                ReceiverKind::Alertmanager => Repeats::CAPACITY,
                ReceiverKind::Webhook => Changes::CAPACITY,
            };
            member.counts.sample(name, member.kind, capacity)
        });
        members.collect()
    }
}
