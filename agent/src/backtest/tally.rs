//! What one setting makes of the counts of one agent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::report::PoolOutcome;
use super::timeline::Timeline;
use crate::engine::{Plan, Tick};
use crate::model::{Detection, Incident, PerVerdict, PoolState, Role, Signal, State};

/// Collects what an engine says.
#[derive(Debug)]
pub(super) struct Tally {
    detection: Detection,
    interval: Duration,
    /// By identity; what is known of each last.
    incidents: BTreeMap<String, Arc<Incident>>,
    pools: BTreeMap<String, PoolTally>,
    last: Option<Arc<State>>,
}

#[derive(Debug)]
struct PoolTally {
    role: Role,
    backends: usize,
    tolerance: f64,
    verdicts: PerVerdict<Duration>,
    timeline: Timeline,
}

impl Tally {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            detection: plan.detection.clone(),
            interval: plan.interval,
            incidents: BTreeMap::new(),
            pools: BTreeMap::new(),
            last: None,
        }
    }

    /// From now on this plan is in force.
    pub(super) fn planned(&mut self, plan: &Plan) {
        self.detection = plan.detection.clone();
        self.interval = plan.interval;
    }

    pub(super) fn take(&mut self, tick: Tick, time: SystemTime) {
        for transition in tick.transitions {
            let incident = transition.incident;
            self.incidents.insert(incident.id.clone(), incident);
        }
        for state in &tick.state.pools {
            let name = &state.pool.spec.name;
            if !self.pools.contains_key(name) {
                let new = PoolTally::new(self.interval);
                self.pools.insert(name.clone(), new);
            }
            if let Some(pool) = self.pools.get_mut(name) {
                pool.take(state, &self.detection, time, self.interval);
            }
        }
        self.last = Some(tick.state);
    }

    /// The engine ends: what it knows of open incidents is the last that is known.
    pub(super) fn settle(&mut self) {
        let Some(state) = self.last.take() else {
            return;
        };
        for incident in state.incidents.iter().filter(|incident| incident.is_open()) {
            self.incidents
                .insert(incident.id.clone(), Arc::clone(incident));
        }
    }

    pub(super) fn detection(&self) -> &Detection {
        &self.detection
    }

    /// What was found of each pool.
    pub(super) fn into_pools(mut self, agent: &str) -> Vec<PoolOutcome> {
        self.settle();
        let mut incidents: Vec<_> = self.incidents.into_values().collect();
        incidents.sort_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
        let pools = self.pools.into_iter();
        pools
            .map(|(name, pool)| PoolOutcome {
                agent: agent.to_owned(),
                incidents: incidents
                    .iter()
                    .filter(|incident| incident.pool == name)
                    .cloned()
                    .collect(),
                pool: name,
                role: pool.role,
                backends: pool.backends,
                tolerance: pool.tolerance,
                verdicts: pool.verdicts,
                timeline: pool.timeline,
            })
            .collect()
    }
}

impl PoolTally {
    fn new(interval: Duration) -> Self {
        Self {
            role: Role::Upstream,
            backends: 0,
            tolerance: 0.0,
            verdicts: PerVerdict::default(),
            timeline: Timeline::new(interval),
        }
    }

    fn take(&mut self, state: &PoolState, detection: &Detection, time: SystemTime, tick: Duration) {
        let spec = &state.pool.spec;
        self.role = spec.role;
        self.backends = spec.backends.len();
        self.tolerance = spec.tolerance.unwrap_or(detection.tolerance);
        *self.verdicts.get_mut(state.verdict) += tick;
        // What the algorithm aims at.
        let aim = if spec.algorithm.is_judged_by(Signal::Opened) {
            &state.signals.opened
        } else {
            &state.signals.active
        };
        let ratio = aim.measures.as_ref().map(|measures| measures.max_to_mean);
        self.timeline.add(time, state.verdict, ratio);
    }
}
