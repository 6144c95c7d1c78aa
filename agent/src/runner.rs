//! The thread that ticks: reads the kernel, lets the engine work, publishes the state.
//!
//! One thread owns kernel and engine, so that neither needs a lock. It is no task of the async runtime: reading
//! blocks, and walks of the socket table enter other network namespaces.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use tokio::sync::{oneshot, watch};
use tracing::{info, warn};

use crate::engine::{Engine, Moment, Plan, Tick};
use crate::kernel::{Kernel, Observed};
use crate::model::{Canary, State, View};
use crate::publish::log;
use crate::recording::Recorder;

/// What the thread is asked to do between ticks.
enum Command {
    Apply(Box<Order>, oneshot::Sender<Result<(), String>>),
    Stop,
}

/// What is to be in force from now on.
pub(crate) struct Order {
    pub(crate) plan: Plan,
    pub(crate) live_interval: Duration,
}

/// Asks the thread.
#[derive(Clone, Debug)]
pub(crate) struct RunnerHandle(Sender<Command>);

impl RunnerHandle {
    /// Puts something else in force; on error what was in force stays.
    pub(crate) async fn apply(&self, order: Order) -> Result<(), String> {
        let (answer, outcome) = oneshot::channel();
        let stopped = || "the agent is stopping".to_owned();
        self.0
            .send(Command::Apply(Box::new(order), answer))
            .map_err(|_closed| stopped())?;
        outcome.await.unwrap_or_else(|_closed| Err(stopped()))
    }

    /// Ends the thread after the tick it is at.
    pub(crate) fn stop(&self) {
        // A thread that is gone needs no asking.
        drop(self.0.send(Command::Stop));
    }
}

/// Kernel and engine, ready to tick.
pub(crate) struct Runner {
    kernel: Kernel,
    engine: Engine,
    interval: Duration,
    recording: Option<Recording>,
    states: watch::Sender<Arc<State>>,
    commands: Receiver<Command>,
    told: Told,
}

/// The recorder, and what it is shown: the engine does not need the entries of a snapshot together.
struct Recording {
    recorder: Recorder,
    snapshot: Vec<Observed>,
}

/// What the log was told last: told again only when it changes.
#[derive(Default)]
struct Told {
    canary: Option<Canary>,
    view: Option<std::mem::Discriminant<View>>,
    unreachable: bool,
    lost: u64,
}

impl Runner {
    /// A runner that has ticked once, so that there is a state to publish from the first moment.
    pub(crate) fn new(
        mut kernel: Kernel,
        mut engine: Engine,
        interval: Duration,
        recorder: Option<Recorder>,
    ) -> anyhow::Result<(Self, RunnerHandle, watch::Receiver<Arc<State>>)> {
        let mut recording = recorder.map(|recorder| Recording {
            recorder,
            snapshot: Vec::new(),
        });
        let first = read(&mut kernel, &mut engine, &mut recording, Duration::ZERO)?;
        let mut told = Told::default();
        told.tell(&first.state);
        let (states, state) = watch::channel(first.state);
        let (sender, commands) = mpsc::channel();
        let runner = Self {
            kernel,
            engine,
            interval,
            recording,
            states,
            commands,
            told,
        };
        Ok((runner, RunnerHandle(sender), state))
    }

    /// Ticks until it is told to stop. The hook is detached when this returns.
    pub(crate) fn run(mut self) -> anyhow::Result<()> {
        let mut next = Instant::now() + self.interval;
        let mut last_tick = Duration::ZERO;
        loop {
            match self
                .commands
                .recv_timeout(next.saturating_duration_since(Instant::now()))
            {
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Ok(Command::Apply(order, answer)) => {
                    // Whoever asked may be gone; it is in force all the same.
                    drop(answer.send(self.apply(*order)));
                    next = next.min(Instant::now() + self.interval);
                }
                Err(RecvTimeoutError::Timeout) => {
                    let began = Instant::now();
                    self.tick(last_tick)?;
                    last_tick = began.elapsed();
                    next += self.interval;
                    // After a pause (a suspended machine) ticks are not made up for.
                    next = next.max(Instant::now());
                }
            }
        }
    }

    fn tick(&mut self, last_tick: Duration) -> anyhow::Result<()> {
        let tick = read(
            &mut self.kernel,
            &mut self.engine,
            &mut self.recording,
            last_tick,
        )?;
        for endpoint in &tick.forgotten {
            self.kernel
                .unwatch(endpoint)
                .context("cannot remove an idle endpoint from the kernel's map")?;
        }
        if tick.resets > 0 {
            warn!(
                endpoints = tick.resets,
                "counters went backwards: the kernel's map was changed from outside"
            );
        }
        tick.changes.iter().for_each(log::change);
        tick.verdicts.iter().for_each(log::verdict);
        for transition in &tick.transitions {
            log::transition(transition);
        }
        self.told.tell(&tick.state);
        self.states.send_replace(tick.state);
        Ok(())
    }

    fn apply(&mut self, order: Order) -> Result<(), String> {
        let Order {
            plan,
            live_interval,
        } = order;
        let failed =
            |error: std::io::Error| format!("cannot change what the kernel counts: {error}");
        let learning = plan.pools.is_none();
        let interval = plan.interval;
        let room = self.kernel.state().map_capacity;
        let needed = plan.described().map(|pool| pool.size() as u64).sum::<u64>();
        if needed >= room {
            return Err(format!(
                "the new configuration has {needed} backends, but the kernel's map was made for {room} when the agent \
                 started: restart the agent"
            ));
        }
        let unwanted = self
            .engine
            .set_plan(plan.clone())
            .map_err(|error| error.to_string())?;
        if let Some(Recording { recorder, .. }) = &mut self.recording {
            recorder.planned(&plan);
        }
        self.kernel.set_learning(learning).map_err(failed)?;
        for endpoint in &unwanted {
            self.kernel.unwatch(endpoint).map_err(failed)?;
        }
        for endpoint in self.engine.wanted() {
            self.kernel.watch(&endpoint).map_err(failed)?;
        }
        self.kernel.set_live_interval(live_interval);
        self.interval = interval;
        Ok(())
    }
}

/// Reads the counters, for the engine and the recorder.
fn read(
    kernel: &mut Kernel,
    engine: &mut Engine,
    recording: &mut Option<Recording>,
    last_tick: Duration,
) -> anyhow::Result<Tick> {
    if let Some(Recording { snapshot, .. }) = recording {
        snapshot.clear();
    }
    engine.begin();
    kernel
        .read(|observed| {
            engine.take(&observed);
            if let Some(Recording { snapshot, .. }) = recording {
                snapshot.push(observed);
            }
        })
        .context("cannot read the kernel's counters")?;
    let moment = Moment {
        taken: SystemTime::now(),
        last_tick,
    };
    if let Some(Recording { recorder, snapshot }) = recording {
        recorder.tick(moment.taken, snapshot, kernel.state().clients);
    }
    Ok(engine.end(kernel.state(), moment))
}

impl Told {
    fn tell(&mut self, state: &State) {
        let kernel = &state.kernel;
        if self.canary.as_ref() != Some(&kernel.canary) {
            match &kernel.canary {
                Canary::Counted => {
                    info!("the hook sees traffic: the agent's own connection was counted");
                }
                Canary::Missed { reason } => warn!(reason, "the hook does not see traffic"),
                Canary::Pending => {}
            }
            self.canary = Some(kernel.canary.clone());
        }
        self.tell_view(&kernel.view);
        let lost =
            kernel.losses.map_full + kernel.losses.insert_refused + kernel.losses.mark_refused;
        if lost > 0 && self.lost == 0 {
            warn!(losses = ?kernel.losses, "some traffic could not be counted; further losses are in the metrics");
        }
        self.lost = lost;
    }

    fn tell_view(&mut self, view: &View) {
        let kind = std::mem::discriminant(view);
        if self.view != Some(kind) {
            match view {
                View::Live { every, .. } => {
                    info!(
                        ?every,
                        "view: open connections are visited in the kernel's socket table"
                    );
                }
                View::AtClose { reason } => {
                    warn!(
                        reason,
                        "view: bytes appear when a connection closes, older connections do not"
                    );
                }
            }
            self.view = Some(kind);
        }
        if let View::Live {
            namespaces,
            unreachable,
            ..
        } = view
        {
            let hidden = *unreachable > 0;
            if hidden && !self.unreachable {
                warn!(
                    visited = namespaces,
                    unreachable,
                    "network namespaces cannot be entered: CAP_SYS_ADMIN is needed to see their open connections"
                );
            }
            self.unreachable = hidden;
        }
    }
}
