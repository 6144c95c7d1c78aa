//! Feeds what happened to an engine per setting.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::report::{Outcome, Report, Span};
use super::setting::{Basis, Setting};
use super::tally::Tally;
use crate::engine::{Engine, Moment, Plan, PlanError};
use crate::kernel::Observed;
use crate::model::{Canary, KernelState, Losses, View};
use crate::recording::{Beginning, Event};

/// Replays the counts of any number of agents with any number of settings at once.
#[derive(Debug)]
pub struct Replay {
    basis: Basis,
    settings: Vec<Setting>,
    kernel: KernelState,
    /// By name.
    agents: BTreeMap<String, Agent>,
}

/// One agent, whose runs follow one another.
#[derive(Debug, Default)]
struct Agent {
    /// In the order of the settings; empty before it began.
    trials: Vec<Trial>,
    interval: Duration,
    bounds: Option<(SystemTime, SystemTime)>,
    covered: Duration,
    ticks: u64,
    missed: u64,
}

/// One setting.
#[derive(Debug)]
struct Trial {
    engine: Engine,
    tally: Tally,
}

impl Replay {
    /// A replay with these settings; without any, as it was recorded.
    pub fn new(basis: Basis, mut settings: Vec<Setting>) -> Self {
        if settings.is_empty() {
            settings.push(Setting::default());
        }
        Self {
            basis,
            settings,
            kernel: unseen(),
            agents: BTreeMap::new(),
        }
    }

    /// Takes what happened at an agent next. Time must not go back within an agent; what happens before it began is left out.
    pub fn take(&mut self, agent: &str, event: Event<'_>) -> Result<(), PlanError> {
        if !self.agents.contains_key(agent) {
            self.agents.insert(agent.to_owned(), Agent::default());
        }
        let Some(agent) = self.agents.get_mut(agent) else {
            return Ok(());
        };
        match event {
            Event::Began(beginning) => agent.begin(&beginning, &self.basis, &self.settings),
            Event::Planned(plan) => agent.plan(&plan, &self.basis, &self.settings),
            Event::Missed(ticks) => {
                agent.missed += ticks;
                Ok(())
            }
            Event::Tick {
                taken,
                snapshot,
                clients,
            } => {
                self.kernel.clients = clients;
                agent.tick(taken, snapshot, &self.kernel);
                Ok(())
            }
        }
    }

    /// What came of it.
    pub fn finish(self) -> Report {
        let mut span = Span::default();
        let mut outcomes: Vec<Option<Outcome>> = self.settings.iter().map(|_| None).collect();
        for (name, agent) in self.agents {
            agent.add_to(&mut span, &name);
            for (outcome, trial) in outcomes.iter_mut().zip(agent.trials) {
                let outcome = outcome.get_or_insert_with(|| Outcome {
                    detection: trial.tally.detection().clone(),
                    pools: Vec::new(),
                });
                outcome.pools.extend(trial.tally.into_pools(&name));
            }
        }
        let mut outcomes: Vec<_> = outcomes.into_iter().flatten().collect();
        for outcome in &mut outcomes {
            outcome
                .pools
                .sort_by_key(|pool| std::cmp::Reverse(pool.badness()));
        }
        Report { span, outcomes }
    }
}

impl Agent {
    /// A run begins: engines know nothing but what that run knew.
    fn begin(
        &mut self,
        beginning: &Beginning,
        basis: &Basis,
        settings: &[Setting],
    ) -> Result<(), PlanError> {
        self.interval = beginning.plan.interval;
        let mut tallies: Vec<Option<Tally>> = self
            .trials
            .drain(..)
            .map(|trial| Some(trial.tally))
            .collect();
        tallies.resize_with(settings.len(), || None);
        for (setting, tally) in settings.iter().zip(tallies) {
            let plan = setting.applied(basis, &beginning.plan);
            let mut tally = tally.unwrap_or_else(|| Tally::new(&plan));
            tally.settle();
            tally.planned(&plan);
            // An incident of an earlier run was found by its settings; by others it may never have been.
            let past = if plan == beginning.plan {
                beginning.past.clone()
            } else {
                Vec::new()
            };
            let engine = Engine::new(plan, beginning.own, past)?;
            self.trials.push(Trial { engine, tally });
        }
        Ok(())
    }

    fn plan(
        &mut self,
        recorded: &Plan,
        basis: &Basis,
        settings: &[Setting],
    ) -> Result<(), PlanError> {
        self.interval = recorded.interval;
        for (trial, setting) in self.trials.iter_mut().zip(settings) {
            let plan = setting.applied(basis, recorded);
            trial.tally.planned(&plan);
            trial.engine.set_plan(plan)?;
        }
        Ok(())
    }

    fn tick(&mut self, taken: SystemTime, snapshot: &[Observed], kernel: &KernelState) {
        let first = self.bounds.map_or(taken, |(first, _)| first);
        self.bounds = Some((first, taken));
        self.covered += self.interval;
        self.ticks += 1;
        let moment = Moment {
            taken,
            last_tick: Duration::ZERO,
        };
        for trial in &mut self.trials {
            let tick = trial.engine.tick(snapshot, kernel, moment);
            trial.tally.take(tick, taken);
        }
    }

    fn add_to(&self, span: &mut Span, name: &str) {
        span.agents.push(name.to_owned());
        span.ticks += self.ticks;
        span.missed += self.missed;
        span.covered = span.covered.max(self.covered);
        span.interval = span.interval.max(self.interval);
        span.bounds = match (span.bounds, self.bounds) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (known, None) | (None, known) => known,
        };
    }
}

/// What a replay knows of the kernel but for the clients: nothing, and nothing follows from it.
fn unseen() -> KernelState {
    KernelState {
        view: View::AtClose {
            reason: String::new(),
        },
        canary: Canary::Pending,
        learning: false,
        map_entries: 0,
        map_capacity: 0,
        losses: Losses::default(),
        clients: None,
        drift_corrected: 0,
        counter_resets: 0,
    }
}
