//! The loop: asks the store, goes on instant by instant, lets the engine judge, publishes.
//!
//! Instants are multiples of the interval, and evaluated once the delay has passed, so that what is scraped and written late is there,
//! and agents have a sample on either side. What was missed while the store did not answer is made up for.

use std::sync::Arc;
use std::time::{Duration, Instant as Clock, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::agents::Presence;
use super::merge::{Instant, Merged};
use super::rows::Rows;
use super::store::{Store, milliseconds};
use super::vantages::Seen;
use crate::engine::{Engine, Moment, Plan, Tick};
use crate::model::{Detection, FleetState, Incident, KernelState, NetnsCookie, State};
use crate::prometheus::PrometheusError;
use crate::publish::log;

/// The most intervals that one query spans: what is reread after a pause comes in pieces.
const PIECE: u64 = 8;
/// An agent is silent for so many intervals before it is given up.
const PATIENCE: u64 = 4;
/// Agents that open connections are remembered for so long, in milliseconds.
const REMEMBERED: u64 = 60 * 60 * 1000;
/// Descriptions are read anew after so long, and whenever there is somebody new.
const DESCRIBE: Duration = Duration::from_secs(60);

/// How the fleet is looked at.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    /// The time between instants.
    pub(crate) interval: Duration,
    /// How far back windows reach.
    pub(crate) window: Duration,
    /// How long after an instant it is evaluated.
    pub(crate) delay: Duration,
    /// How far back is reread at the start.
    pub(crate) lookback: Duration,
}

/// Watches a fleet.
pub(crate) struct Watch {
    store: Store,
    pace: Pace,
    detection: Detection,
    rows: Rows,
    merged: Merged,
    engine: Engine,
    kernel: KernelState,
    states: watch::Sender<Arc<State>>,
    /// The last instant that was evaluated, and up to where samples were read, in milliseconds.
    last: u64,
    read_to: u64,
    known_since: u64,
    described: Option<Clock>,
    caught_up: bool,
}

/// Why a fleet cannot be evaluated.
#[derive(Debug, thiserror::Error)]
pub(super) enum WatchError {
    #[error("the store at {store} {error}")]
    Store {
        store: String,
        error: PrometheusError,
    },
    #[error("{0}")]
    Plan(#[from] crate::engine::PlanError),
}

impl Watch {
    /// Watches from `now` on, after what the store knows of the time before was reread; `past` are the incidents of earlier runs.
    pub(crate) fn new(
        (name, store): (String, Store),
        pace: Pace,
        detection: Detection,
        past: Vec<Incident>,
        now: SystemTime,
    ) -> Result<(Self, watch::Receiver<Arc<State>>), crate::engine::PlanError> {
        let interval = milliseconds(pace.interval).max(1);
        let due = since_epoch(now).saturating_sub(milliseconds(pace.delay));
        let lookback = due.saturating_sub(milliseconds(pace.lookback));
        // An incident that is known is not to be seen beginning again.
        let open = past.iter().filter(|incident| incident.is_open());
        let known = open.map(|incident| since_epoch(incident.detected)).max();
        let from = known.map_or(lookback, |known| known.clamp(lookback, due));
        let plan = plan(&pace, &detection, Vec::new());
        let mut engine = Engine::new(plan, NetnsCookie(0), past)?;
        let kernel = KernelState {
            fleet: Some(nothing_known(name, pace.delay)),
            ..KernelState::unseen()
        };
        let (states, state) = watch::channel(engine.waiting(&kernel));
        let first = from / interval * interval;
        let watch = Self {
            store,
            pace,
            detection,
            rows: Rows::default(),
            merged: Merged::default(),
            engine,
            kernel,
            states,
            last: first,
            read_to: first.saturating_sub(interval),
            known_since: first.saturating_sub(interval),
            described: None,
            caught_up: false,
        };
        Ok((watch, state))
    }

    /// Evaluates until it is told to stop.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        loop {
            let outcome = stop
                .run_until_cancelled(self.evaluate(SystemTime::now()))
                .await;
            match outcome {
                None => return,
                Some(Ok(())) => {}
                Some(Err(error)) => self.failed(&error),
            }
            let pause = self.pause(SystemTime::now());
            if stop
                .run_until_cancelled(tokio::time::sleep(pause))
                .await
                .is_none()
            {
                return;
            }
        }
    }

    /// Until the next instant is due; after a failure an interval, or a second.
    fn pause(&self, now: SystemTime) -> Duration {
        let due = self.last + milliseconds(self.pace.interval) + milliseconds(self.pace.delay);
        let pause = Duration::from_millis(due.saturating_sub(since_epoch(now)));
        pause.max(Duration::from_secs(1)).min(self.pace.interval)
    }

    /// Evaluates all instants that are due.
    pub(super) async fn evaluate(&mut self, now: SystemTime) -> Result<(), WatchError> {
        let began = Clock::now();
        let interval = milliseconds(self.pace.interval);
        let delay = milliseconds(self.pace.delay);
        let now = since_epoch(now);
        let due = now.saturating_sub(delay) / interval * interval;
        // After a long absence of the store what is too old is not looked at.
        let oldest = due.saturating_sub(milliseconds(self.pace.lookback));
        self.last = self.last.max(oldest / interval * interval);
        self.read_to = self.read_to.max(self.last.saturating_sub(interval));
        let mut newest = None;
        while self.last < due {
            let end = now.min(self.read_to + PIECE * interval + delay);
            self.read(end).await?;
            self.answered();
            let to = due.min(end.saturating_sub(delay) / interval * interval);
            while self.last < to {
                newest = self.step(self.last + interval)?.or(newest);
            }
        }
        if let Some(fleet) = &mut self.kernel.fleet {
            fleet.took = began.elapsed();
        }
        match newest {
            Some(tick) => self.publish(tick),
            // The store answers, and knows of nobody.
            None => self.republish(),
        }
        Ok(())
    }

    /// Reads samples up to `end`; what was read before is read again from the last instant on, because some come late.
    async fn read(&mut self, end: u64) -> Result<(), WatchError> {
        let interval = milliseconds(self.pace.interval);
        let from = self.read_to.min(self.last.saturating_sub(interval));
        let store = self.name();
        let failed = |error| WatchError::Store { store, error };
        self.store
            .samples(&mut self.rows, end, end.saturating_sub(from).max(1))
            .await
            .map_err(failed)?;
        let old = self.described.is_none_or(|at| at.elapsed() >= DESCRIBE);
        if old || self.rows.has_undescribed() {
            let store = self.name();
            let failed = |error| WatchError::Store { store, error };
            self.store
                .descriptions(&mut self.rows, end)
                .await
                .map_err(failed)?;
            self.described = Some(Clock::now());
        }
        self.read_to = end;
        Ok(())
    }

    /// Goes on to the instant `at`; `None` if nothing is known of it.
    fn step(&mut self, at: u64) -> Result<Option<Tick>, WatchError> {
        let interval = milliseconds(self.pace.interval);
        self.last = at;
        let patience = (PATIENCE * interval).max(milliseconds(self.pace.delay));
        let ticks = self.pace.window.as_millis() / self.pace.interval.as_millis().max(1);
        let now = Instant {
            at,
            interval: self.pace.interval,
            patience,
            known_since: self.known_since,
            remembered: usize::try_from(ticks).unwrap_or(usize::MAX).max(1),
        };
        let Some(changed) = self.merged.advance(&mut self.rows, now) else {
            return Ok(None);
        };
        if changed {
            let plan = plan(&self.pace, &self.detection, self.merged.specs());
            self.engine.set_plan(plan)?;
        }
        self.engine.begin();
        for observed in self.merged.observed() {
            self.engine.take(&observed);
        }
        self.count(at, patience);
        let moment = Moment {
            taken: UNIX_EPOCH + Duration::from_millis(at),
            last_tick: self.fleet().map_or(Duration::ZERO, |fleet| fleet.took),
        };
        let seen = Seen {
            rows: &self.rows,
            merged: &self.merged,
        };
        let tick = self.engine.end_seen(&self.kernel, moment, &seen);
        if self.caught_up {
            tell(&tick);
        }
        let forgotten = at.saturating_sub(REMEMBERED);
        self.rows
            .agents
            .forget_before(at.saturating_sub(2 * patience), forgotten);
        Ok(Some(tick))
    }

    /// Notes what the instant rests on.
    fn count(&mut self, at: u64, patience: u64) {
        let rows = &self.rows;
        let are = |wanted| {
            let all = rows.agents.iter();
            let found = all.filter(|(_, agent)| agent.presence(at, patience) == wanted);
            found.count() as u64
        };
        let (agents, silent) = (are(Presence::Present), are(Presence::Silent));
        if let Some(fleet) = &mut self.kernel.fleet {
            fleet.agents = agents;
            fleet.silent = silent;
            fleet.rows = rows.all.len() as u64;
            fleet.waiting = self.merged.waiting;
            fleet.samples = rows.samples;
            fleet.resets = rows.resets;
        }
        self.kernel.counter_resets = rows.resets;
    }

    /// The store answered everything.
    fn answered(&mut self) {
        let Some(fleet) = &mut self.kernel.fleet else {
            return;
        };
        if fleet.error.take().is_some() {
            info!(store = fleet.store, "the store answers again");
        }
        fleet.answered = Some(SystemTime::now());
    }

    fn publish(&mut self, tick: Tick) {
        if !self.caught_up {
            self.caught_up = true;
            let pools = tick.state.pools.len();
            let fleet = self.fleet();
            let agents = fleet.map_or(0, |fleet| fleet.agents);
            info!(agents, pools, "watching");
        }
        self.states.send_replace(tick.state);
    }

    /// Publishes the last state again, with what is known of the store by now.
    fn republish(&mut self) {
        let mut state = Arc::clone(&self.states.borrow());
        Arc::make_mut(&mut state)
            .kernel
            .fleet
            .clone_from(&self.kernel.fleet);
        self.states.send_replace(state);
    }

    /// Shows the last state on, as one that gets old.
    pub(super) fn failed(&mut self, error: &WatchError) {
        let text = error.to_string();
        if let Some(fleet) = &mut self.kernel.fleet {
            fleet.failures += 1;
            if fleet.error.as_ref() != Some(&text) {
                warn!(
                    error = text,
                    "the fleet cannot be evaluated; what is shown stays as it was"
                );
            }
            fleet.error = Some(text);
        }
        self.republish();
    }

    fn fleet(&self) -> Option<&FleetState> {
        self.kernel.fleet.as_ref()
    }

    fn name(&self) -> String {
        self.fleet()
            .map_or_else(String::new, |fleet| fleet.store.clone())
    }
}

fn plan(pace: &Pace, detection: &Detection, pools: Vec<crate::model::PoolSpec>) -> Plan {
    Plan {
        interval: pace.interval,
        window: pace.window,
        detection: detection.clone(),
        pools: Some(pools),
        found: Vec::new(),
    }
}

fn nothing_known(store: String, delay: Duration) -> FleetState {
    FleetState {
        store,
        delay,
        agents: 0,
        silent: 0,
        rows: 0,
        waiting: 0,
        samples: 0,
        resets: 0,
        answered: None,
        took: Duration::ZERO,
        failures: 0,
        error: None,
    }
}

fn tell(tick: &Tick) {
    tick.changes.iter().for_each(log::change);
    tick.verdicts.iter().for_each(log::verdict);
    tick.transitions.iter().for_each(log::transition);
}

fn since_epoch(time: SystemTime) -> u64 {
    let passed = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    milliseconds(passed)
}
