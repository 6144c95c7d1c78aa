//! Keeps what each source found last, and gives the tick a new plan when any of it changes.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinSet, spawn_blocking};
use tracing::{error, info, warn};

use super::auto::MOST_ENDPOINTS;
use super::merge::{Merged, merge};
use super::names::Names;
use super::status::{Audited, DiscoveryHandle, DiscoveryStatus, SourceStatus};
use super::{Discovered, Finder, finders};
use crate::config::{self, Config};
use crate::engine::Plan;
use crate::model::{PoolSpec, Source};
use crate::runner::{Order, RunnerHandle};

/// What came of a look.
#[derive(Debug)]
struct Report {
    source: Source,
    at: SystemTime,
    /// The message if it failed.
    outcome: Result<Option<Discovered>, String>,
}

/// What is wanted, and what was found for it.
#[derive(Debug)]
struct Scene {
    /// The configuration's pools, and what all pools are judged by.
    plan: Plan,
    live_interval: Duration,
    sources: config::Discovery,
    found: BTreeMap<Source, Discovered>,
}

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
pub(crate) struct Discovery {
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
    audited: watch::Sender<Arc<[Audited]>>,
    requests: mpsc::Receiver<Request>,
}

impl Discovery {
    /// Looks at all sources for the first time. One that does not answer is no error: it may answer later.
    pub(crate) fn begin(config: &Config, runtime: &Handle) -> (Self, Applicant, DiscoveryHandle) {
        let (applicant, requests) = mpsc::channel(1);
        let (status, statuses) = watch::channel(DiscoveryStatus::default());
        let (audited, audits) = watch::channel(Arc::default());
        let mut discovery = Self {
            scene: Scene::new(config),
            finders: finders(&sources(config), runtime),
            names: Names::default(),
            runtime: runtime.clone(),
            room: usize::MAX,
            in_force: Vec::new(),
            warned: HashSet::new(),
            status,
            audited,
            requests,
        };
        // On a thread that is not the runtime's own, where finders may wait.
        let first = thread::scope(|scope| {
            let look = || first_look(&mut discovery.finders, &discovery.names);
            scope.spawn(look).join()
        });
        let first = first.unwrap_or_default();
        discovery.begin_anew(first);
        discovery.room = capacity(discovery.scene.configured(), discovery.scene.members());
        let handle = DiscoveryHandle {
            status: statuses,
            audited: audits,
        };
        (discovery, Applicant(applicant), handle)
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
        self.audited.send_replace(self.scene.audited());
        true
    }
}

impl Scene {
    fn new(config: &Config) -> Self {
        Self {
            plan: Plan {
                interval: config.interval,
                window: config.window,
                detection: config.detection.clone(),
                pools: Some(config.pools.clone()),
            },
            live_interval: config.live_interval,
            sources: sources(config),
            found: BTreeMap::new(),
        }
    }

    fn pools(&self) -> &[PoolSpec] {
        self.plan.pools.as_deref().unwrap_or_default()
    }

    /// Members of the configuration's pools.
    fn configured(&self) -> usize {
        self.pools().iter().map(PoolSpec::size).sum()
    }

    /// Members of the pools that were found.
    fn members(&self) -> usize {
        let found = self.found.values().flat_map(|found| &found.pools);
        found.map(PoolSpec::size).sum()
    }

    fn merge(&self, room: usize) -> Merged {
        let found = self.found.values().flat_map(|found| &found.pools);
        merge(self.pools(), found, room)
    }

    /// The plan with pools that were discovered; without any, and if none were asked for, pools are made of what is seen.
    fn plan_with(&self, discovered: Vec<PoolSpec>) -> Plan {
        let mut pools = self.pools().to_vec();
        pools.extend(discovered);
        let learning = pools.is_empty() && self.sources.auto;
        Plan {
            pools: (!learning).then_some(pools),
            ..self.plan.clone()
        }
    }

    fn order(&self, plan: Plan) -> Order {
        Order {
            plan,
            live_interval: self.live_interval,
        }
    }

    fn audited(&self) -> Arc<[Audited]> {
        let audited = |(source, found): (&Source, &Discovered)| {
            let source = *source;
            let configurations = found.configurations.clone().into_iter();
            configurations.map(move |configuration| Audited {
                source,
                configuration,
            })
        };
        self.found.iter().flat_map(audited).collect()
    }
}

/// The sources of pools. Nothing is looked for unasked where pools or sources of them are configured.
fn sources(config: &Config) -> config::Discovery {
    let sources = config.discovery.clone();
    config::Discovery {
        auto: sources.auto && config.pools.is_empty() && !sources.has_sources(),
        ..sources
    }
}

/// Room for a quarter more than what is configured, so that a reload can add pools; for as many again as were found, so that
/// balancers can grow; and for what auto mode learns. Not for much more: each tick looks through the whole map.
fn capacity(configured: usize, found: usize) -> usize {
    let needed = configured + configured / 4 + 2 * found + 1;
    needed.max(MOST_ENDPOINTS as usize)
}

fn first_look(finders: &mut [Box<dyn Finder>], names: &Names) -> Vec<Report> {
    let report = |finder: &mut Box<dyn Finder>| look(&mut **finder, names);
    finders.iter_mut().map(report).collect()
}

fn look(finder: &mut dyn Finder, names: &Names) -> Report {
    let outcome = finder.look(names);
    Report {
        source: finder.source(),
        at: SystemTime::now(),
        outcome: outcome.map_err(|error| format!("{error:#}")),
    }
}

fn found(reports: &[Report]) -> BTreeMap<Source, Discovered> {
    let found = reports.iter().filter_map(|report| {
        let discovered = report.outcome.as_ref().ok()?.clone()?;
        Some((report.source, discovered))
    });
    found.collect()
}

/// Looks at one source for ever.
async fn watch_source(mut finder: Box<dyn Finder>, names: Names, reports: mpsc::Sender<Report>) {
    loop {
        tokio::time::sleep(finder.interval()).await;
        let names = names.clone();
        let looked = spawn_blocking(move || {
            let report = look(&mut *finder, &names);
            (finder, report)
        });
        // It panicked, or the agent is stopping.
        let Ok((same, report)) = looked.await else {
            return;
        };
        finder = same;
        if reports.send(report).await.is_err() {
            return;
        }
    }
}

/// Brings a source's status up to date, and tells of failures when they begin, change and end.
fn note(status: &mut SourceStatus, at: SystemTime, outcome: &Result<Option<Discovered>, String>) {
    let source = status.source;
    let failed = status.error.take();
    match outcome {
        Ok(discovered) => {
            if failed.is_some() {
                info!(%source, "the source of pools answers again");
            }
            status.last_success = Some(at);
            if let Some(Discovered { pools, files, .. }) = discovered {
                status.pools = pools.len();
                status.backends = pools.iter().map(|pool| pool.backends.len()).sum();
                status.files.clone_from(files);
            }
        }
        Err(error) => {
            if failed.as_ref() != Some(error) {
                warn!(%source, "the source of pools cannot be read, what it said last stays in force: {error}");
            }
            status.failures += 1;
            status.error = Some(error.clone());
        }
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
