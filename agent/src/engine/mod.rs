//! The tick: counters become pools, windows, measures, and one state for all to read.
//!
//! The engine owns all state and touches no kernel, clock or network: a tick is a function of the snapshot that it
//! is given.

mod book;
mod causes;
mod cells;
mod changes;
mod detector;
mod endpoints;
mod judge;
mod pattern;
mod phase;
mod rules;
mod tracked_pool;
mod vantage;
mod window;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use evenkeel_skew::{Meter, WeightError};
use serde::{Deserialize, Serialize};

use self::book::Book;
pub use self::book::{KEPT as INCIDENTS_KEPT, Transition, TransitionKind};
pub use self::changes::PoolChange;
use self::endpoints::{Endpoints, Tracked};
use self::phase::Now;
use self::rules::Rules;
pub use self::tracked_pool::VerdictChange;
use self::tracked_pool::{Scratch, TrackedPool};
use self::vantage::Alone;
pub use self::vantage::{Part, Vantage, Vantages};
use self::window::Shape;
use crate::discovery::auto;
use crate::kernel::Observed;
use crate::model::{
    Detection, Endpoint, Incident, KernelState, NetnsCookie, PerSignal, Pool, PoolSpec, PoolState,
    Signal, State,
};

/// An endpoint that was learned is forgotten when it did nothing for so long. Longer than the kernel tries to connect
/// (`tcp_syn_retries`: 127 s), so that a failure still finds its endpoint.
const FORGET_AFTER: Duration = Duration::from_secs(600);

/// What is to be tracked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// How often there is a tick.
    pub interval: Duration,
    /// How far back windows reach.
    pub window: Duration,
    /// How pools are judged that do not say otherwise.
    pub detection: Detection,
    /// The pools; `None` to make pools of the endpoints that are seen.
    pub pools: Option<Vec<PoolSpec>>,
    /// With `pools` left to what is seen: pools that are described nevertheless. Endpoints that are in none of them make up the
    /// others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<PoolSpec>,
}

impl Plan {
    /// All pools that are described.
    pub fn described(&self) -> impl Iterator<Item = &PoolSpec> {
        self.pools.iter().flatten().chain(&self.found)
    }
}

/// A pool that cannot be tracked.
#[derive(Debug, thiserror::Error)]
#[error("pool `{pool}`: {error}")]
pub struct PlanError {
    /// Its name.
    pub pool: String,
    /// What is wrong with its weights.
    #[source]
    pub error: WeightError,
}

/// Turns snapshots into states.
#[derive(Debug)]
pub struct Engine {
    rules: Rules,
    /// How pools are made of the endpoints that are seen, if they are.
    auto: Option<Auto>,
    own: NetnsCookie,
    endpoints: Endpoints,
    pools: Vec<TrackedPool>,
    meter: Meter,
    book: Book,
    scratch: Scratch,
    counter_resets: u64,
    /// Whether pools were replaced since the last tick.
    regrouped: bool,
    /// States published before, to be written over once nobody reads them.
    spare: Vec<Arc<State>>,
}

/// Pools that are described, beside those that are made of the endpoints that are in none of them.
#[derive(Debug)]
struct Auto {
    found: Vec<PoolSpec>,
    taken: HashSet<Endpoint>,
}

/// What the engine is told of time, having no clock.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// When the snapshot was read.
    pub taken: SystemTime,
    /// How long the tick before took, from reading the counters to publishing.
    pub last_tick: Duration,
}

/// What came of a tick.
#[derive(Debug)]
pub struct Tick {
    /// The world after it.
    pub state: Arc<State>,
    /// Endpoints that were learned and are not worth watching any longer.
    pub forgotten: Vec<Endpoint>,
    /// Endpoints whose counters were reset from outside since the last tick.
    pub resets: u64,
    /// Incidents that began, changed or ended.
    pub transitions: Vec<Transition>,
    /// Pools whose verdict has changed.
    pub verdicts: Vec<VerdictChange>,
    /// Pools that are described differently since the last tick.
    pub changes: Vec<PoolChange>,
}

impl Auto {
    fn new(found: Vec<PoolSpec>, own: NetnsCookie) -> Self {
        let taken = found.iter().flat_map(|pool| pool.endpoints(own)).collect();
        Self { found, taken }
    }
}

impl Engine {
    /// An engine that has seen no traffic yet; `own` is the agent's network namespace, `past` the incidents of earlier runs,
    /// of which those that are on go on.
    pub fn new(plan: Plan, own: NetnsCookie, past: Vec<Incident>) -> Result<Self, PlanError> {
        let mut engine = Self {
            rules: rules(&plan),
            auto: None,
            own,
            endpoints: Endpoints::default(),
            pools: Vec::new(),
            meter: Meter::new(),
            book: Book::new(past),
            scratch: Scratch::default(),
            counter_resets: 0,
            regrouped: false,
            spare: Vec::new(),
        };
        engine.set_plan(plan)?;
        Ok(engine)
    }

    /// Tracks other pools from now on. Pools that are described as before go on as if nothing had happened. Of those that are
    /// described differently, backends that stay keep their windows, and evidence begins anew; the next tick tells what
    /// changed, at its time. If interval, window or detection change, all begin anew.
    /// Gives the endpoints that need not be watched any longer. On error nothing changes.
    pub fn set_plan(&mut self, plan: Plan) -> Result<Vec<Endpoint>, PlanError> {
        let rules = rules(&plan);
        let (specs, auto) = if let Some(pools) = plan.pools {
            (pools, None)
        } else {
            let auto = Auto::new(plan.found, self.own);
            (self.grouped(&auto), Some(auto))
        };
        let pools = self.build(specs)?;
        if rules != self.rules {
            self.pools.clear();
        }
        (self.rules, self.auto) = (rules, auto);
        self.replace(pools);
        let wanted: HashSet<Endpoint> = self.wanted().collect();
        let tracked = self.endpoints.iter().map(|tracked| tracked.endpoint);
        let unwanted = tracked
            .filter(|endpoint| !wanted.contains(endpoint))
            .collect();
        self.endpoints
            .retain(|tracked| wanted.contains(&tracked.endpoint));
        self.bind();
        Ok(unwanted)
    }

    /// The endpoints of all pools; some may be in more than one.
    pub fn wanted(&self) -> impl Iterator<Item = Endpoint> {
        self.pools
            .iter()
            .flat_map(|pool| {
                pool.pool()
                    .endpoints
                    .iter()
                    .chain(&pool.pool().standby_endpoints)
            })
            .copied()
    }

    /// Takes over a snapshot as a whole.
    pub fn tick(&mut self, snapshot: &[Observed], kernel: &KernelState, moment: Moment) -> Tick {
        self.begin();
        for observed in snapshot {
            self.take(observed);
        }
        self.end(kernel, moment)
    }

    /// A snapshot begins, whose entries need not be in memory together: each is to be [taken](Self::take), then comes its
    /// [end](Self::end).
    pub fn begin(&mut self) {
        self.endpoints.begin();
    }

    /// Takes over an entry of the snapshot.
    pub fn take(&mut self, observed: &Observed) {
        self.endpoints.take(observed);
    }

    /// The snapshot was taken over.
    pub fn end(&mut self, kernel: &KernelState, moment: Moment) -> Tick {
        self.end_seen(kernel, moment, &Alone)
    }

    /// The snapshot was taken over; it is the sum of what agents saw, each of which `vantages` knows.
    pub fn end_seen(
        &mut self,
        kernel: &KernelState,
        moment: Moment,
        vantages: &dyn Vantages,
    ) -> Tick {
        let changes = self.endpoints.end();
        self.counter_resets += changes.reset;
        let forgotten = self.regroup(changes.new > 0);
        let now = Now {
            tick: self.endpoints.tick(),
            time: moment.taken,
            clients: kernel.clients.map(|clients| clients.effective),
            vantages,
        };
        let described = self
            .pools
            .iter_mut()
            .flat_map(|pool| pool.take_changes(moment.taken))
            .collect();
        let mut shared = self.unread(kernel);
        // Nobody else has it, so that nothing is cloned.
        let state = Arc::make_mut(&mut shared);
        let verdicts = self.advance(now, &mut state.pools);
        self.end_orphans(now);
        self.write(state, kernel, moment);
        // This one, and the one before: by the next tick nobody reads that any longer, as a rule.
        self.spare.truncate(1);
        self.spare.push(Arc::clone(&shared));
        Tick {
            state: shared,
            forgotten,
            resets: changes.reset,
            transitions: self.book.take_transitions(),
            verdicts,
            changes: described,
        }
    }

    /// The state before anything was seen: no pools, and the incidents of earlier runs.
    pub fn waiting(&mut self, kernel: &KernelState) -> Arc<State> {
        let mut state = self.blank(kernel);
        state.incidents = self.book.list();
        Arc::new(state)
    }

    /// The pools of auto mode: those that are described, and what is left of the endpoints by port.
    fn grouped(&self, auto: &Auto) -> Vec<PoolSpec> {
        let seen = self.endpoints.iter().map(|tracked| tracked.endpoint);
        let others = seen.filter(|endpoint| !auto.taken.contains(endpoint));
        let mut specs = auto::group(others, self.own);
        specs.extend_from_slice(&auto.found);
        specs
    }

    /// Auto mode: forgets endpoints that have been idle, and makes pools anew if the endpoints have changed.
    fn regroup(&mut self, grown: bool) -> Vec<Endpoint> {
        let Some(auto) = &self.auto else {
            return Vec::new();
        };
        let ticks = FORGET_AFTER.as_nanos() / self.rules.interval.as_nanos().max(1);
        let ticks = u64::try_from(ticks).unwrap_or(u64::MAX);
        let now = self.endpoints.tick();
        let is_idle = |tracked: &Tracked| {
            now.saturating_sub(tracked.busy) > ticks && !auto.taken.contains(&tracked.endpoint)
        };
        let all = self.endpoints.iter();
        let forgotten: Vec<Endpoint> = all
            .filter(|tracked| is_idle(tracked))
            .map(|tracked| tracked.endpoint)
            .collect();
        if forgotten.is_empty() && !grown {
            return forgotten;
        }
        self.endpoints.retain(|tracked| !is_idle(tracked));
        let specs = self.grouped(auto);
        // Equal weights are always valid, and the others were when they were found.
        if let Ok(pools) = self.build(specs) {
            self.replace(pools);
        }
        self.bind();
        forgotten
    }

    fn build(&self, specs: Vec<PoolSpec>) -> Result<Vec<Arc<Pool>>, PlanError> {
        let current: HashMap<&str, &Arc<Pool>> = self
            .pools
            .iter()
            .map(|tracked| (tracked.pool().spec.name.as_str(), tracked.pool()))
            .collect();
        let mut pools = specs
            .into_iter()
            .map(|spec| match current.get(spec.name.as_str()) {
                Some(same) if same.spec == spec => Ok(Arc::clone(same)),
                _ => {
                    let name = spec.name.clone();
                    Pool::new(spec, self.own)
                        .map(Arc::new)
                        .map_err(|error| PlanError { pool: name, error })
                }
            })
            .collect::<Result<Vec<_>, _>>()?;
        pools.sort_by(|a, b| a.spec.name.cmp(&b.spec.name));
        Ok(pools)
    }

    /// Tracks these pools instead of those so far.
    fn replace(&mut self, pools: Vec<Arc<Pool>>) {
        let shape = self.shape();
        let mut old: HashMap<String, TrackedPool> = self
            .pools
            .drain(..)
            .map(|tracked| (tracked.pool().spec.name.clone(), tracked))
            .collect();
        self.pools = pools
            .into_iter()
            .map(|pool| match old.remove(&pool.spec.name) {
                Some(same) if Arc::ptr_eq(same.pool(), &pool) => same,
                changed => TrackedPool::new(pool, shape, &self.rules, changed.as_ref()),
            })
            .collect();
        self.regrouped = true;
    }

    /// Ends the incidents of pools and signals that are not watched any longer.
    fn end_orphans(&mut self, now: Now<'_>) {
        if !std::mem::take(&mut self.regrouped) {
            return;
        }
        let pools: HashMap<&str, &Pool> = self
            .pools
            .iter()
            .map(|tracked| (tracked.pool().spec.name.as_str(), &**tracked.pool()))
            .collect();
        let rules = &self.rules;
        self.book.end_unwatched(now.time, |pool, signal| {
            pools
                .get(pool)
                .is_some_and(|pool| signal == Signal::Failed || rules.judges(signal, pool))
        });
    }

    fn shape(&self) -> Shape {
        Shape::new(self.rules.window, self.rules.interval)
    }

    fn bind(&mut self) {
        for pool in &mut self.pools {
            pool.bind(&mut self.endpoints);
        }
        self.endpoints.looked_up();
    }

    /// Takes the tick into every pool and writes the pool as it is then into its place in `states`: one pool after the
    /// other, because all of them do not fit into the processor's cache. Tells whose verdict has changed.
    fn advance(&mut self, now: Now<'_>, states: &mut Vec<PoolState>) -> Vec<VerdictChange> {
        let mut verdicts = Vec::new();
        states.truncate(self.pools.len());
        for (place, pool) in self.pools.iter_mut().enumerate() {
            pool.advance(&self.endpoints, &self.rules, &mut self.scratch);
            pool.report(&mut self.book, &self.rules, now);
            verdicts.extend(pool.changed_verdict());
            if place == states.len() {
                states.push(pool.blank());
            }
            pool.write(
                &self.endpoints,
                &self.rules,
                &mut self.meter,
                &mut states[place],
            );
        }
        verdicts
    }

    /// A state that nobody reads any longer, or a new one.
    fn unread(&mut self, kernel: &KernelState) -> Arc<State> {
        let unread = self
            .spare
            .iter_mut()
            .position(|state| Arc::get_mut(state).is_some());
        match unread {
            Some(place) => self.spare.swap_remove(place),
            None => Arc::new(self.blank(kernel)),
        }
    }

    /// Writes what is not of a single pool.
    fn write(&mut self, state: &mut State, kernel: &KernelState, moment: Moment) {
        state.tick = self.endpoints.tick();
        state.taken = moment.taken;
        state.tick_duration = moment.last_tick;
        state.interval = self.rules.interval;
        state.window = self.rules.window;
        state.incidents = self.book.list();
        state.incidents_started = self.book.started();
        state.kernel.clone_from(kernel);
        state.kernel.counter_resets = self.counter_resets;
    }

    fn blank(&self, kernel: &KernelState) -> State {
        State {
            tick: 0,
            taken: SystemTime::UNIX_EPOCH,
            interval: self.rules.interval,
            window: self.rules.window,
            tick_duration: Duration::ZERO,
            pools: Vec::with_capacity(self.pools.len()),
            incidents: Arc::default(),
            incidents_started: PerSignal::default(),
            kernel: kernel.clone(),
        }
    }
}

fn rules(plan: &Plan) -> Rules {
    Rules {
        detection: plan.detection.clone(),
        interval: plan.interval,
        window: plan.window,
    }
}
