//! One pool as it is tracked: which endpoints it consists of, what they did within the window, and what is found of it.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use evenkeel_skew::Meter;

use super::book::Book;
use super::changes::{Changes, PoolChange};
use super::detector::{Test, verdict};
use super::endpoints::{Endpoints, Slot};
use super::judge::{Judge, Observation, overall};
use super::pattern::{Facts, Pattern};
use super::phase::{self, Now, Phase, Step};
use super::rules::Rules;
use super::window::{Shape, Window};
use crate::model::{
    BackendState, Deviation, Ending, Endpoint, Incident, Judgement, PerSignal, Pool, PoolState,
    Side, Signal, SignalState, StandbyState, Verdict,
};

/// A pool with its window and its judge.
#[derive(Debug)]
pub(super) struct TrackedPool {
    pool: Arc<Pool>,
    slots: Vec<Slot>,
    standby: Vec<Slot>,
    window: Window,
    judge: Judge,
    phases: PerSignal<Phase>,
    /// What each signal told last, and what the pool was found to be over all of them.
    judgements: PerSignal<Option<Judgement>>,
    verdict: Verdict,
    /// Whether each backend joined the pool after the pool was there.
    newcomers: Vec<bool>,
    /// Whether each backend may have an address that was another's, whose incidents it is not to have.
    heirs: Vec<bool>,
    changes: Changes,
}

/// A pool is found to be something else than before.
#[derive(Clone, Debug)]
pub struct VerdictChange {
    /// Which pool.
    pub pool: Arc<Pool>,
    /// What it was found to be.
    pub from: Verdict,
    /// What it is found to be now.
    pub to: Verdict,
}

/// Memory for what one tick brings, used for one pool after the other.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    opened: Vec<u64>,
    failed: Vec<u64>,
}

impl TrackedPool {
    /// Tracks a pool; what `old`, the pool of that name so far, knows of the backends that stay is kept.
    pub(super) fn new(pool: Arc<Pool>, shape: Shape, rules: &Rules, old: Option<&Self>) -> Self {
        let Some(old) = old else {
            return Self {
                window: Window::new(shape, pool.endpoints.len()),
                judge: Judge::new(&pool, rules),
                phases: PerSignal::default(),
                judgements: PerSignal::default(),
                verdict: Verdict::Unknown,
                newcomers: vec![false; pool.endpoints.len()],
                heirs: Vec::new(),
                slots: Vec::new(),
                standby: Vec::new(),
                changes: Changes::default(),
                pool,
            };
        };
        let origins = origins(&old.pool, &pool);
        let newcomer = |origin: &Option<usize>| origin.is_none_or(|place| old.newcomers[place]);
        Self {
            window: Window::inherit(&old.window, &origins),
            judge: Judge::inherit(&old.judge, &pool, rules, &origins),
            phases: PerSignal::default(),
            judgements: PerSignal::default(),
            verdict: old.verdict,
            newcomers: origins.iter().map(newcomer).collect(),
            heirs: heirs(&pool, &origins),
            slots: Vec::new(),
            standby: Vec::new(),
            changes: old.changes.followed_by(&old.pool.spec, &pool.spec),
            pool,
        }
    }

    /// What changed of the pool since the last tick, as of now.
    pub(super) fn take_changes(&mut self, now: SystemTime) -> Vec<PoolChange> {
        self.changes.date(&self.pool, now)
    }

    /// The pool as it was described.
    pub(super) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Takes up the incidents that the book has of the pool, which are on until the judge says otherwise.
    fn resume(&mut self, book: &Book, tick: u64, rules: &Rules) {
        for signal in Signal::ALL {
            let Some(incident) = book.open(&self.pool.spec.name, signal) else {
                continue;
            };
            let side = |name: &String| {
                let has = |among: &[Deviation]| among.iter().any(|one| one.backend == *name);
                let cold = || has(&incident.cold).then_some(Side::Cold);
                has(&incident.hot).then_some(Side::Hot).or_else(cold)
            };
            let is_heir = |backend: usize| self.heirs.get(backend).copied().unwrap_or_default();
            let names = self.pool.names.iter().enumerate();
            let sides: Vec<_> = names
                .map(|(backend, name)| side(name).filter(|_| !is_heir(backend)))
                .collect();
            if let Some(test) = self.judge.test_mut(signal) {
                test.latch(&sides);
                *self.phases.get_mut(signal) = Phase::resumed(tick, rules);
            }
        }
        self.heirs.clear();
    }

    /// Finds the pool's endpoints in the table, whose slots have changed.
    pub(super) fn bind(&mut self, endpoints: &mut Endpoints) {
        let mut slot = |endpoint: &Endpoint, identity: Option<&str>| {
            let slot = endpoints.slot(*endpoint);
            endpoints.assign(slot, identity);
            slot
        };
        let Pool {
            spec,
            endpoints: backends,
            standby_endpoints: standby,
            ..
        } = &*self.pool;
        self.slots.clear();
        let found = backends.iter().zip(&spec.backends);
        self.slots
            .extend(found.map(|(it, spec)| slot(it, spec.identity.as_deref())));
        self.standby.clear();
        let found = standby.iter().zip(&spec.standby);
        self.standby
            .extend(found.map(|(it, spec)| slot(it, spec.identity.as_deref())));
    }

    /// Takes what the endpoints did in this tick into the window, and judges it.
    pub(super) fn advance(&mut self, endpoints: &Endpoints, rules: &Rules, scratch: &mut Scratch) {
        self.window.advance();
        scratch.opened.clear();
        scratch.failed.clear();
        for (backend, slot) in self.slots.iter().enumerate() {
            let sample = endpoints.get(*slot).sample;
            self.window.add(backend, sample);
            scratch.opened.push(sample.opened);
            scratch.failed.push(sample.failed);
        }
        let seen = Observation {
            opened: &scratch.opened,
            failed: &scratch.failed,
            sums: self.window.sums(),
            ticks: self.window.ticks(),
        };
        self.judge.observe(&self.pool, rules, seen);
    }

    /// Opens, brings up to date and ends the pool's incidents.
    pub(super) fn report(&mut self, book: &mut Book, rules: &Rules, now: Now<'_>) {
        if self.judge.take_fresh() {
            self.resume(book, now.tick, rules);
        }
        for signal in Signal::ALL {
            let busy = self.is_busy(signal);
            let Some(finding) = self.judge.test(signal).map(Test::finding) else {
                continue;
            };
            let name = &self.pool.spec.name;
            match self
                .phases
                .get_mut(signal)
                .step(finding, busy, now.tick, rules)
            {
                Step::Nothing => {}
                Step::Begin => {
                    if let Some(incident) = self.incident(signal, None, rules, now) {
                        book.begin(incident);
                    }
                }
                Step::Refresh => {
                    let before = book.open(name, signal).cloned();
                    if let Some(incident) = self.refreshed(signal, before.as_ref(), rules, now) {
                        book.update(incident);
                    }
                }
                Step::End(why) => {
                    book.end(name, signal, now.time, why);
                    // A test that has recovered knows what that rests on.
                    if why != Ending::Recovered
                        && let Some(test) = self.judge.test_mut(signal)
                    {
                        test.reset();
                    }
                }
            }
        }
    }

    /// Judges the pool as it is now; tells if it is found to be something else than before.
    pub(super) fn changed_verdict(&mut self) -> Option<VerdictChange> {
        self.judgements = PerSignal {
            opened: self.judgement(Signal::Opened),
            active: self.judgement(Signal::Active),
            bytes: self.judgement(Signal::Bytes),
            failed: self.judgement(Signal::Failed),
        };
        let to = overall(self.pool.spec.algorithm, &self.judgements);
        let from = std::mem::replace(&mut self.verdict, to);
        (from != to).then(|| VerdictChange {
            pool: Arc::clone(&self.pool),
            from,
            to,
        })
    }

    /// Whether there is anything to judge a signal by.
    fn is_busy(&self, signal: Signal) -> bool {
        let sums = self.window.sums();
        let any = |loads: &[u64]| loads.iter().any(|load| *load > 0);
        match signal {
            Signal::Opened => any(&sums.opened),
            Signal::Active => any(&sums.active),
            Signal::Bytes => any(&sums.bytes),
            Signal::Failed => self.is_tried(),
        }
    }

    /// Whether a backend that fails, if there is one, was tried within the window: once the balancer has given it up, nothing
    /// shows whether it would still fail.
    fn is_tried(&self) -> bool {
        let sums = self.window.sums();
        let tried = |backend: &usize| sums.opened[*backend] + sums.failed[*backend] > 0;
        let fails = |backend: &usize| {
            let test = self.judge.test(Signal::Failed);
            test.is_some_and(|test| test.side(*backend).is_some())
        };
        let any_fails = (0..self.slots.len()).any(|backend| fails(&backend));
        (0..self.slots.len()).any(|backend| tried(&backend) && (!any_fails || fails(&backend)))
    }

    /// What the book has of an incident, brought up to date if there is anything to be seen of it.
    fn refreshed(
        &self,
        signal: Signal,
        before: Option<&Arc<Incident>>,
        rules: &Rules,
        now: Now<'_>,
    ) -> Option<Incident> {
        let test = self.judge.test(signal)?;
        before.filter(|before| phase::is_shown(test, before))?;
        self.incident(signal, before, rules, now)
    }

    /// The incident of a signal as it is now; `before` is what the book has of it.
    fn incident(
        &self,
        signal: Signal,
        before: Option<&Arc<Incident>>,
        rules: &Rules,
        now: Now<'_>,
    ) -> Option<Incident> {
        let test = self.judge.test(signal)?;
        let backends = self.facts(test);
        let vantages = now.vantages.of(&self.pool, since_onset(test));
        let pattern = Pattern {
            totals: Facts::totals(&backends),
            pool: &self.pool,
            signal,
            expected: self.judge.expected().shares(),
            tolerance: rules.tolerance(&self.pool),
            dispersion: self.judge.dispersion(),
            clients: now.clients,
            fitting: OnceCell::new(),
            vantages: &vantages,
            backends,
        };
        let mut incident = phase::incident(&pattern, test, rules, now, before);
        if before.is_none() {
            incident.change = self.changes.before(incident.started);
        }
        Some(incident)
    }

    /// What each backend did since the onset, as far back as the window reaches.
    fn facts(&self, test: &dyn Test) -> Vec<Facts> {
        let since_onset = since_onset(test);
        let (sums, ticks) = self.window.recent(since_onset);
        let (late, _) = self.window.recent(u64::from(ticks).div_ceil(2));
        let (around, _) = self
            .window
            .recent(since_onset.saturating_add(2 + since_onset / 4));
        let facts = |backend: usize| Facts {
            side: test.side(backend),
            opened: sums.opened[backend],
            opened_late: late.opened[backend],
            failed: sums.failed[backend],
            failed_around: around.failed[backend],
            bytes: sums.bytes[backend],
            active: sums.active[backend] as f64 / f64::from(ticks.max(1)),
            newcomer: self.newcomers[backend],
        };
        (0..self.slots.len()).map(facts).collect()
    }

    /// What a signal tells, if the pool is judged by it. An incident decides over the evidence of the moment.
    fn judgement(&self, signal: Signal) -> Option<Judgement> {
        let test = self.judge.test(signal)?;
        let verdict = match (verdict(test.finding()), self.phases.get(signal)) {
            // Not for as long as an incident takes.
            (Verdict::Skewed, Phase::Quiet | Phase::Held { .. }) => Verdict::Suspect,
            // What was even before the traffic went is not known to be so now.
            (Verdict::Even, _) if !self.is_busy(signal) => Verdict::Unknown,
            (verdict, _) => verdict,
        };
        Some(Judgement {
            verdict,
            evidence: test.evidence(),
            threshold: test.threshold(),
        })
    }

    /// Writes the pool as it is now over `state`, whose memory is used again.
    pub(super) fn write(
        &self,
        endpoints: &Endpoints,
        rules: &Rules,
        meter: &mut Meter,
        state: &mut PoolState,
    ) {
        if !Arc::ptr_eq(&state.pool, &self.pool) {
            state.pool = Arc::clone(&self.pool);
        }
        state.signals = self.signals(meter);
        state.verdict = self.verdict;
        state.tolerance = rules.tolerance(&self.pool);
        state.dispersion = self.judge.dispersion();
        state.detection_time = self.detection_time(rules, state.signals.opened.total);
        self.write_backends(endpoints, state);
        self.write_standby(endpoints, state);
        self.changes.write(&mut state.changes);
    }

    fn write_standby(&self, endpoints: &Endpoints, state: &mut PoolState) {
        let member = |slot: &Slot| {
            let tracked = endpoints.get(*slot);
            StandbyState {
                counters: tracked.counters(),
                active: tracked.active,
            }
        };
        state.standby.clear();
        state.standby.extend(self.standby.iter().map(member));
    }

    fn detection_time(&self, rules: &Rules, opened: f64) -> Option<Duration> {
        let rate = opened / f64::from(self.window.ticks().max(1));
        let ticks = self.judge.detection_ticks(rate)?;
        Duration::try_from_secs_f64(ticks * rules.interval.as_secs_f64()).ok()
    }

    fn write_backends(&self, endpoints: &Endpoints, state: &mut PoolState) {
        let (signals, sums) = (&state.signals, self.window.sums());
        let ticks = f64::from(self.window.ticks().max(1));
        let expected = self.judge.expected().shares();
        let skewed = PerSignal {
            opened: self.sides(Signal::Opened),
            active: self.sides(Signal::Active),
            bytes: self.sides(Signal::Bytes),
            failed: self.sides(Signal::Failed),
        };
        state.backends.clear();
        state
            .backends
            .extend(self.slots.iter().enumerate().map(|(backend, slot)| {
                let tracked = endpoints.get(*slot);
                let share = |load: f64, signal: &SignalState| {
                    (signal.total > 0.0).then(|| load / signal.total)
                };
                let side = |test: Option<&dyn Test>| test.and_then(|test| test.side(backend));
                BackendState {
                    counters: tracked.counters(),
                    active: tracked.active,
                    shares: PerSignal {
                        opened: share(sums.opened[backend] as f64, &signals.opened),
                        active: share(sums.active[backend] as f64 / ticks, &signals.active),
                        bytes: share(sums.bytes[backend] as f64, &signals.bytes),
                        failed: share(sums.failed[backend] as f64, &signals.failed),
                    },
                    expected_share: expected[backend],
                    skewed: PerSignal {
                        opened: side(skewed.opened),
                        active: side(skewed.active),
                        bytes: side(skewed.bytes),
                        failed: side(skewed.failed),
                    },
                }
            }));
    }

    /// The test that says where backends stand in a signal, while there is an incident.
    fn sides(&self, signal: Signal) -> Option<&dyn Test> {
        matches!(self.phases.get(signal), Phase::Open { .. })
            .then(|| self.judge.test(signal))
            .flatten()
    }

    /// A state to be written over.
    pub(super) fn blank(&self) -> PoolState {
        PoolState {
            pool: Arc::clone(&self.pool),
            backends: Vec::with_capacity(self.slots.len()),
            standby: Vec::with_capacity(self.standby.len()),
            changes: Arc::default(),
            signals: PerSignal::default(),
            verdict: Verdict::Unknown,
            tolerance: 0.0,
            detection_time: None,
            dispersion: 1.0,
        }
    }

    fn signals(&self, meter: &mut Meter) -> PerSignal<SignalState> {
        let sums = self.window.sums();
        let total = |loads: &[u64]| loads.iter().map(|load| *load as f64).sum::<f64>();
        let opened = total(&sums.opened);
        let active = total(&sums.active) / f64::from(self.window.ticks().max(1));
        let mut state = |signal: Signal, loads: &[u64], total: f64, connections: f64| SignalState {
            total,
            // The lengths agree: window and shares are made of the same pool.
            measures: meter
                .measure_sample(self.judge.expected(), loads, connections)
                .ok()
                .flatten(),
            judgement: *self.judgements.get(signal),
        };
        let (bytes, failed) = (total(&sums.bytes), total(&sums.failed));
        PerSignal {
            opened: state(Signal::Opened, &sums.opened, opened, opened),
            active: state(Signal::Active, &sums.active, active, active),
            // Bytes come in connections, and it is their number that chance plays with.
            bytes: state(Signal::Bytes, &sums.bytes, bytes, opened + active),
            failed: state(Signal::Failed, &sums.failed, failed, failed),
        }
    }
}

/// How many ticks ago a skew began, at least 1.
fn since_onset(test: &dyn Test) -> u64 {
    test.onset_ticks_ago().unwrap_or(u64::MAX).max(1)
}

/// For each backend of `new`, its place in `old`. One that has taken over the address of another was not there.
fn origins(old: &Pool, new: &Pool) -> Vec<Option<usize>> {
    let places: HashMap<_, _> = old
        .endpoints
        .iter()
        .enumerate()
        .map(|(place, endpoint)| (endpoint, place))
        .collect();
    let backends = new.endpoints.iter().zip(&new.spec.backends);
    backends
        .map(|(endpoint, backend)| {
            let place = *places.get(endpoint)?;
            (!backend.replaces(&old.spec.backends[place])).then_some(place)
        })
        .collect()
}

/// Whether each backend may have an address that was another's: it came, and it is known who it is.
fn heirs(pool: &Pool, origins: &[Option<usize>]) -> Vec<bool> {
    let backends = pool.spec.backends.iter().zip(origins);
    backends
        .map(|(backend, origin)| backend.identity.is_some() && origin.is_none())
        .collect()
}
