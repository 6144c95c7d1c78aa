//! What Prometheus knows of agents -> what happened, step by step.
//!
//! An agent is told from others by all labels of its series but those that evenkeel itself sets. At each step the backends
//! that have a count of opened connections make up the pools; a step at which an agent has none is missing. Counters that
//! fall were reset (the agent began anew), and count from 0 again, as `rate()` has it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use super::Replay;
use crate::engine::{Plan, PlanError};
use crate::exported::{Quantity, description, identity};
use crate::kernel::Observed;
use crate::model::{
    Algorithm, BackendSpec, Counters, Detection, Endpoint, NetnsCookie, PoolSpec, Role, Source,
    Weight,
};
use crate::recording::{Beginning, Event};

/// The namespace of loopback addresses whose pool names none; no real one has this cookie.
const OWN: NetnsCookie = NetnsCookie(0);
/// How far back windows reach unless a configuration says otherwise.
const WINDOW: Duration = Duration::from_secs(60);

/// Turns what Prometheus answers into what happened, chunk by chunk in the order of time.
#[derive(Debug)]
pub struct Scrapes {
    first: SystemTime,
    step: Duration,
    agents: BTreeMap<String, Agent>,
}

/// What is remembered of an agent from step to step.
#[derive(Debug, Default)]
struct Agent {
    /// What tells its pools from others; `None` before its first step.
    pools: Option<u64>,
    missed: u64,
    totals: BTreeMap<Name, Totals>,
}

/// A backend of a pool.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Name {
    pool: String,
    backend: SocketAddr,
}

/// Counters that never fall.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    last: [Option<f64>; Quantity::COUNTERS],
    sums: [f64; Quantity::COUNTERS],
}

/// The answers for consecutive steps.
#[derive(Debug)]
pub struct Chunk {
    first: usize,
    steps: usize,
    agents: BTreeMap<String, BTreeMap<Name, Column>>,
}

/// What is known of one backend.
#[derive(Debug)]
struct Column {
    role: Role,
    labels: BTreeMap<String, String>,
    /// By quantity and step; NaN where there is no sample.
    values: [Vec<f64>; Quantity::ALL.len() - 1],
}

impl Scrapes {
    /// Steps from `first` on, `step` apart.
    pub fn new(first: SystemTime, step: Duration) -> Self {
        Self {
            first,
            step,
            agents: BTreeMap::new(),
        }
    }

    /// An empty chunk of so many steps, the first of which has the number `first`.
    pub fn chunk(first: usize, steps: usize) -> Chunk {
        Chunk {
            first,
            steps,
            agents: BTreeMap::new(),
        }
    }

    /// Adds a series to a chunk; its points are at seconds since the epoch. Series that are none of evenkeel's are left out.
    pub fn add(
        &self,
        chunk: &mut Chunk,
        quantity: Quantity,
        labels: &BTreeMap<String, String>,
        points: impl Iterator<Item = (f64, f64)>,
    ) {
        let (Some(pool), Some(backend)) = (labels.get("pool"), labels.get("backend")) else {
            return;
        };
        let Ok(backend) = backend.parse() else { return };
        let name = Name {
            pool: pool.clone(),
            backend,
        };
        let agent = chunk.agents.entry(identity(pairs(labels))).or_default();
        let column = agent
            .entry(name)
            .or_insert_with(|| Column::new(chunk.steps));
        if quantity == Quantity::Info {
            column.describe(labels);
            return;
        }
        let start = self.time(chunk.first);
        let start = start
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let values = &mut column.values[quantity as usize];
        for (seconds, value) in points {
            let step = (seconds - start.as_secs_f64()) / self.step.as_secs_f64();
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "saturates"
            )]
            if let Some(place) = values.get_mut(step.round() as usize) {
                *place = value;
            }
        }
    }

    fn time(&self, step: usize) -> SystemTime {
        self.first + self.step * u32::try_from(step).unwrap_or(u32::MAX)
    }

    /// Replays a chunk.
    pub fn take(&mut self, chunk: &Chunk, replay: &mut Replay) -> Result<(), PlanError> {
        for (name, columns) in &chunk.agents {
            let mut agent = self.agents.remove(name).unwrap_or_default();
            for place in 0..chunk.steps {
                self.step(&mut agent, name, columns, (chunk.first, place), replay)?;
            }
            self.agents.insert(name.clone(), agent);
        }
        let absent = self
            .agents
            .iter_mut()
            .filter(|(name, _)| !chunk.agents.contains_key(*name));
        for (_, agent) in absent {
            agent.missed += chunk.steps as u64;
        }
        Ok(())
    }

    /// One step of one agent, at `place` of a chunk that begins with the step `first`.
    fn step(
        &self,
        agent: &mut Agent,
        name: &str,
        columns: &BTreeMap<Name, Column>,
        (first, place): (usize, usize),
        replay: &mut Replay,
    ) -> Result<(), PlanError> {
        let present = || columns.iter().filter(|(_, column)| column.is_there(place));
        if present().next().is_none() {
            agent.missed += u64::from(agent.pools.is_some());
            return Ok(());
        }
        let pools = signature(present(), place);
        if agent.pools != Some(pools) {
            let plan = self.plan(present(), place);
            let event = match agent.pools {
                None => Event::Began(Box::new(beginning(name, plan))),
                Some(_) => Event::Planned(Box::new(plan)),
            };
            replay.take(name, event)?;
            agent.pools = Some(pools);
        }
        if agent.missed > 0 {
            replay.take(name, Event::Missed(std::mem::take(&mut agent.missed)))?;
        }
        let snapshot = agent.snapshot(present(), place);
        let tick = Event::Tick {
            taken: self.time(first + place),
            snapshot: &snapshot,
            // That is no metric of a backend.
            clients: None,
        };
        replay.take(name, tick)
    }

    fn plan<'a>(
        &self,
        present: impl Iterator<Item = (&'a Name, &'a Column)>,
        place: usize,
    ) -> Plan {
        let mut pools: BTreeMap<&str, PoolSpec> = BTreeMap::new();
        for (name, column) in present {
            let pool = pools.entry(&name.pool).or_insert_with(|| PoolSpec {
                name: name.pool.clone(),
                role: column.role,
                source: Source::Config,
                tolerance: None,
                algorithm: Algorithm::default(),
                expected: None,
                standby: Vec::new(),
                findings: Vec::new(),
                backends: Vec::new(),
            });
            pool.backends.push(BackendSpec {
                identity: None,
                address: name.backend,
                netns: Some(namespace(&name.pool)),
                weight: column.weight(place),
                share: None,
                labels: column.labels.clone(),
            });
        }
        Plan {
            interval: self.step,
            window: WINDOW.max(self.step),
            detection: Detection::default(),
            found: Vec::new(),
            pools: Some(pools.into_values().collect()),
        }
    }
}

impl Agent {
    fn snapshot<'a>(
        &mut self,
        present: impl Iterator<Item = (&'a Name, &'a Column)>,
        place: usize,
    ) -> Vec<Observed> {
        // A backend that is in two pools is one endpoint.
        let mut endpoints: BTreeMap<Endpoint, Observed> = BTreeMap::new();
        for (name, column) in present {
            if !self.totals.contains_key(name) {
                self.totals.insert(name.clone(), Totals::default());
            }
            let Some(totals) = self.totals.get_mut(name) else {
                continue;
            };
            let [opened, failed, received, sent] = totals.take(column, place);
            let endpoint = Endpoint::new(column.role, name.backend, namespace(&name.pool));
            let observed = Observed {
                endpoint,
                counters: Counters {
                    opened,
                    failed,
                    received,
                    sent,
                    ..Counters::default()
                },
                active: whole(column.values[Quantity::Active as usize][place]),
            };
            endpoints.insert(endpoint, observed);
        }
        endpoints.into_values().collect()
    }
}

impl Totals {
    /// What was counted since the first sample.
    fn take(&mut self, column: &Column, place: usize) -> [u64; Quantity::COUNTERS] {
        let counters = self.last.iter_mut().zip(&mut self.sums);
        for ((last, sum), values) in counters.zip(&column.values) {
            let now = values[place];
            if now.is_nan() {
                continue;
            }
            *sum += match *last {
                // What was before the first sample is of another time.
                None => 0.0,
                Some(last) if now >= last => now - last,
                Some(_) => now,
            };
            *last = Some(now);
        }
        self.sums.map(whole)
    }
}

impl Column {
    fn new(steps: usize) -> Self {
        Self {
            role: Role::Upstream,
            labels: BTreeMap::new(),
            values: std::array::from_fn(|_| vec![f64::NAN; steps]),
        }
    }

    fn describe(&mut self, labels: &BTreeMap<String, String>) {
        (self.role, self.labels) = description(pairs(labels));
    }

    fn is_there(&self, place: usize) -> bool {
        !self.values[Quantity::Opened as usize][place].is_nan()
    }

    fn weight(&self, place: usize) -> Weight {
        Weight::new(self.values[Quantity::ExpectedShare as usize][place]).unwrap_or(Weight::ONE)
    }
}

fn beginning(agent: &str, plan: Plan) -> Beginning {
    Beginning {
        version: String::new(),
        node: agent.to_owned(),
        own: OWN,
        past: Vec::new(),
        plan,
    }
}

/// A number that is the same as long as pools, backends and weights are.
fn signature<'a>(present: impl Iterator<Item = (&'a Name, &'a Column)>, place: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (name, column) in present {
        let weight = column.weight(place).get().to_bits();
        (name, column.role, weight, &column.labels).hash(&mut hasher);
    }
    hasher.finish()
}

/// The namespace that an auto pool of loopback addresses names.
fn namespace(pool: &str) -> NetnsCookie {
    let cookie = pool.rsplit_once("@netns:");
    cookie
        .and_then(|(_, cookie)| cookie.parse().ok())
        .map_or(OWN, NetnsCookie)
}

fn pairs(labels: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> + Clone {
    labels.iter().map(|(name, value)| (&**name, &**value))
}

/// A count as it is meant; samples are floats.
fn whole(value: f64) -> u64 {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates, and NaN is 0"
    )]
    let whole = value.round() as u64;
    whole
}
