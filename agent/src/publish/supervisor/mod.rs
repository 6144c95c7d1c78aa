//! What the service manager that started the agent is told: that it counts, what it finds, that it reloads or stops, and that it does
//! not hang. The protocol is `sd_notify(3)`.
//!
//! The watchdog is fed by states that the engine published: a tick that hangs starves it, and so does a runtime that hangs. Without a
//! service manager nothing happens.

mod sentence;
mod socket;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::watch;

use self::sentence::sentence;
use self::socket::Socket;
use super::health::MISSED_TICKS;
use crate::model::State;
use crate::reload::ReloadHandle;

/// The least time between two sentences: each wakes the service manager, and all who watch it.
const STATUS_PAUSE: Duration = Duration::from_secs(10);

/// The service manager, if there is one.
#[derive(Clone, Debug)]
pub(crate) struct Supervisor {
    socket: Option<Arc<Socket>>,
    /// How long the service manager waits for a sign of life; `None` if it does not.
    watchdog: Option<Duration>,
    states: watch::Receiver<Arc<State>>,
    reload: ReloadHandle,
}

impl Supervisor {
    /// The service manager that the environment names.
    pub(crate) fn of_environment(
        states: watch::Receiver<Arc<State>>,
        reload: ReloadHandle,
    ) -> Self {
        let socket = Socket::of_environment();
        let watchdog = socket.as_ref().and_then(|_| socket::watchdog());
        Self::new(socket, watchdog, states, reload)
    }

    fn new(
        socket: Option<Socket>,
        watchdog: Option<Duration>,
        states: watch::Receiver<Arc<State>>,
        reload: ReloadHandle,
    ) -> Self {
        Self {
            socket: socket.map(Arc::new),
            watchdog,
            states,
            reload,
        }
    }

    /// The programs are attached and the server listens; or a reload has ended, well or not: the agent counts.
    pub(crate) fn ready(&self) {
        self.tell(|this| format!("READY=1\nSTATUS={}", this.sentence()));
    }

    /// The configuration is read again, until [`Self::ready`] is told.
    pub(crate) fn reloading(&self) {
        self.tell(|_| {
            // The service manager compares this with the moment at which it asked for the reload.
            let now = clock_gettime(ClockId::Monotonic);
            let micros = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1_000;
            format!("RELOADING=1\nMONOTONIC_USEC={micros}")
        });
    }

    /// The agent ends.
    pub(crate) fn stopping(&self) {
        self.tell(|_| "STOPPING=1\nSTATUS=Stopping".to_owned());
    }

    /// Tells what the ticks find, and that they advance, until there are no more.
    pub(crate) async fn follow(mut self) {
        if self.socket.is_none() {
            return;
        }
        let mut told = Told {
            spoken: Some(Instant::now()),
            ..Told::default()
        };
        while self.states.changed().await.is_ok() {
            let interval = self.states.borrow_and_update().interval;
            let lines = [self.sign_of_life(&mut told, interval), self.news(&mut told)];
            let lines: Vec<String> = lines.into_iter().flatten().collect();
            if !lines.is_empty() {
                self.tell(|_| lines.join("\n"));
            }
        }
    }

    /// What feeds the watchdog, at a quarter of the time that it waits.
    fn sign_of_life(&self, told: &mut Told, interval: Duration) -> Option<String> {
        let asked = self.watchdog?;
        // With long intervals the time that was configured would be too short for what is no hang.
        let needed = asked.max(interval.saturating_mul(MISSED_TICKS));
        let in_force = *told.watchdog.get_or_insert(asked);
        if needed != in_force {
            told.watchdog = Some(needed);
            told.alive = Some(Instant::now());
            return Some(format!("WATCHDOG_USEC={}\nWATCHDOG=1", needed.as_micros()));
        }
        due(&mut told.alive, needed / 4).then(|| "WATCHDOG=1".to_owned())
    }

    /// The sentence, if it is time for one and it is another one than before.
    fn news(&self, told: &mut Told) -> Option<String> {
        if !due(&mut told.spoken, STATUS_PAUSE) {
            return None;
        }
        let sentence = self.sentence();
        if sentence == told.sentence {
            return None;
        }
        let line = format!("STATUS={sentence}");
        told.sentence = sentence;
        Some(line)
    }

    fn sentence(&self) -> String {
        sentence(&self.states.borrow(), &self.reload.status())
    }

    fn tell(&self, message: impl FnOnce(&Self) -> String) {
        if let Some(socket) = &self.socket {
            socket.send(&message(self));
        }
    }
}

/// What was told last, and when.
#[derive(Default)]
struct Told {
    alive: Option<Instant>,
    /// The time that the watchdog waits.
    watchdog: Option<Duration>,
    spoken: Option<Instant>,
    sentence: String,
}

/// Whether `pause` has passed since `last`, which is now from then on.
fn due(last: &mut Option<Instant>, pause: Duration) -> bool {
    let due = last.is_none_or(|last| last.elapsed() >= pause);
    if due {
        *last = Some(Instant::now());
    }
    due
}

#[cfg(test)]
mod tests;
