//! Keeps what each source found last, and gives the tick a new plan when any of it changes.

mod look;
mod scene;

use std::collections::HashSet;
use std::thread;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinSet, spawn_blocking};
use tracing::{error, info, warn};

use self::look::{Report, first_look, found, note, watch_source};
pub(crate) use self::scene::sources;
use self::scene::{Scene, capacity};
use crate::config::Config;
use crate::discovery::{
    DiscoveryHandle, DiscoveryStatus, Finder, Merged, Names, SourceStatus, finders, findings,
};
use crate::engine::Plan;
use crate::model::PoolSpec;
use crate::runner::RunnerHandle;

/// A configuration to be put in force.
type Request = (Box<Config>, oneshot::Sender<Result<(), String>>);

/// Asks for another configuration.
#[derive(Clone, Debug)]
pub(crate) struct Applicant(mpsc::Sender<Request>);

impl Applicant {
    /// Puts another configuration in force; on error the old one stays.
    pub(crate) async fn apply(&self, config: Config) -> Result<(), String> {
        let stopped = || "the agent is stopping".to_owned();
        let (answer, outcome) = oneshot::channel();
        let request = (Box::new(config), answer);
        let sent = self.0.send(request).await;
        sent.map_err(|_closed| stopped())?;
        outcome.await.unwrap_or_else(|_closed| Err(stopped()))
    }
}

/// All sources of pools.
pub(crate) struct Conductor {
    scene: Scene,
    finders: Vec<Box<dyn Finder>>,
    names: Names,
    /// Where finders can wait for answers.
    runtime: Handle,
    /// Members that all pools may have together.
    room: usize,
    /// The discovered pools that are in force.
    in_force: Vec<PoolSpec>,
    /// What was warned of and still holds.
    warned: HashSet<String>,
    status: watch::Sender<DiscoveryStatus>,
    requests: mpsc::Receiver<Request>,
}

impl Conductor {
    /// Looks at all sources for the first time. One that does not answer is no error: it may answer later.
    pub(crate) fn begin(config: &Config, runtime: &Handle) -> (Self, Applicant, DiscoveryHandle) {
        let (applicant, requests) = mpsc::channel(1);
        let (status, statuses) = watch::channel(DiscoveryStatus::default());
        let mut conductor = Self {
            scene: Scene::new(config),
            finders: finders(&sources(config), runtime),
            names: Names::default(),
            runtime: runtime.clone(),
            room: usize::MAX,
            in_force: Vec::new(),
            warned: HashSet::new(),
            status,
            requests,
        };
        // On a thread that is not the runtime's own, where finders may wait.
        let first = thread::scope(|scope| {
            let look = || first_look(&mut conductor.finders, &conductor.names);
            scope.spawn(look).join()
        });
        let first = first.unwrap_or_default();
        conductor.begin_anew(first);
        conductor.room = capacity(conductor.scene.configured(), conductor.scene.members());
        let handle = DiscoveryHandle::new(statuses);
        (conductor, Applicant(applicant), handle)
    }

    /// Endpoints that the kernel's map should have room for.
    pub(crate) fn capacity(&self) -> u32 {
        u32::try_from(self.room).unwrap_or(u32::MAX)
    }

    /// What is to be watched now.
    pub(crate) fn plan(&mut self) -> Plan {
        // The last place is the agent's own, for the connection by which it sees that it counts.
        let Merged {
            pools,
            warnings,
            left_out,
        } = self.scene.merge(self.room.saturating_sub(1));
        for warning in &warnings {
            if !self.warned.contains(warning) {
                warn!("{warning}");
            }
        }
        self.warned = warnings.into_iter().collect();
        self.status.send_modify(|status| status.left_out = left_out);
        self.in_force.clone_from(&pools);
        self.scene.plan_with(pools)
    }

    /// Looks at the sources again and again.
    pub(crate) async fn run(mut self, runner: RunnerHandle) {
        let (mut looking, mut reports) = self.spawn();
        loop {
            tokio::select! {
                Some(report) = reports.recv() => {
                    if self.take(report) {
                        self.put_in_force(&runner).await;
                    }
                }
                Some((config, answer)) = self.requests.recv() => {
                    let other = sources(&config) != self.scene.sources;
                    let outcome = self.reconfigure(&config, &runner).await;
                    if other && outcome.is_ok() {
                        looking.abort_all();
                        (looking, reports) = self.spawn();
                    }
                    // Whoever asked may be gone; the configuration is in force all the same.
                    drop(answer.send(outcome));
                }
                else => std::future::pending().await,
            }
        }
    }

    /// Lets each finder look again and again, in a task of its own.
    fn spawn(&mut self) -> (JoinSet<()>, mpsc::Receiver<Report>) {
        let (sender, reports) = mpsc::channel(1);
        let mut looking = JoinSet::new();
        for finder in self.finders.drain(..) {
            looking.spawn(watch_source(finder, self.names.clone(), sender.clone()));
        }
        (looking, reports)
    }

    async fn put_in_force(&mut self, runner: &RunnerHandle) {
        let before = self.in_force.clone();
        let plan = self.plan();
        if before == self.in_force {
            return;
        }
        tell_presence(&before, &self.in_force);
        if let Err(error) = runner.apply(self.scene.order(plan)).await {
            error!("what was discovered is not in force: {error}");
            self.in_force = before;
        }
    }

    async fn reconfigure(&mut self, config: &Config, runner: &RunnerHandle) -> Result<(), String> {
        let mut scene = Scene::new(config);
        let mut first = None;
        if scene.sources == self.scene.sources {
            scene.found = std::mem::take(&mut self.scene.found);
        } else {
            let (sources, names) = (scene.sources.clone(), self.names.clone());
            let runtime = self.runtime.clone();
            let look = move || {
                let mut finders = finders(&sources, &runtime);
                let reports = first_look(&mut finders, &names);
                (finders, reports)
            };
            let (finders, reports) = spawn_blocking(look)
                .await
                .map_err(|error| error.to_string())?;
            scene.found = found(&reports);
            first = Some((finders, reports));
        }
        let old = std::mem::replace(&mut self.scene, scene);
        let plan = self.plan();
        let outcome = runner.apply(self.scene.order(plan)).await;
        match (&outcome, first) {
            (Ok(()), Some((finders, reports))) => {
                self.finders = finders;
                self.begin_anew(reports);
            }
            (Ok(()), None) => {}
            (Err(_), first) => {
                let kept = std::mem::replace(&mut self.scene, old);
                if first.is_none() {
                    self.scene.found = kept.found;
                }
            }
        }
        outcome
    }

    /// Takes what a first look at all sources found.
    fn begin_anew(&mut self, reports: Vec<Report>) {
        self.status.send_modify(|status| {
            let new = |report: &Report| SourceStatus::new(report.source, report.at);
            status.sources = reports.iter().map(new).collect();
        });
        self.scene.found.clear();
        for report in reports {
            self.take(report);
        }
    }

    /// Takes what a source found; `true` if that is anything else than before. A source that fails keeps what it found last.
    fn take(&mut self, report: Report) -> bool {
        let Report {
            source,
            at,
            outcome,
        } = report;
        self.status.send_modify(|status| {
            let known = status.sources.iter_mut();
            if let Some(status) = known.into_iter().find(|status| status.source == source) {
                note(status, at, &outcome);
            }
        });
        let Ok(Some(discovered)) = outcome else {
            return false;
        };
        self.scene.found.insert(source, discovered);
        self.tell_findings();
        true
    }

    /// Tells what is found in what pools come from.
    fn tell_findings(&mut self) {
        let findings = self.scene.findings();
        self.status.send_modify(|status| {
            findings::tell_new(&status.findings, &findings);
            status.findings = findings;
        });
    }
}

/// Tells of pools that came and went; of those that stay, the tick tells what changed.
fn tell_presence(before: &[PoolSpec], after: &[PoolSpec]) {
    let is_in = |pools: &[PoolSpec], name: &str| pools.iter().any(|pool| pool.name == name);
    for pool in after.iter().filter(|pool| !is_in(before, &pool.name)) {
        let backends = pool.backends.len();
        info!(pool = pool.name, source = %pool.source, backends, "pool {}: discovered", pool.name);
    }
    for pool in before.iter().filter(|pool| !is_in(after, &pool.name)) {
        info!(pool = pool.name, source = %pool.source, "pool {}: gone", pool.name);
    }
}
