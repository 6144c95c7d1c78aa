//! Pools of the balancers that run on this host, found without being told: what they read when they were started or
//! reloaded, and what they say of themselves where they can be asked.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use evenkeel_balancers::model::Pool;
use evenkeel_balancers::{Configuration, live};
use tracing::warn;

use super::findings::compared_with;
use super::haproxy::as_running;
use super::names::Names;
use super::pools::specs;
use super::{Discovered, Finder};
use crate::model::{NetnsCookie, PoolSpec, Source};
use crate::running::{Outcome, Running, ask, find, netns};

/// Looks for processes.
#[derive(Debug, Default)]
pub(super) struct RunningBalancers {
    /// What each process was found to have read, and when it did.
    known: BTreeMap<u32, (SystemTime, Arc<Configuration>)>,
    warned: HashSet<String>,
    last: Option<Vec<PoolSpec>>,
}

/// The kernel tells starts to 10 ms after the boot, and when that was is computed anew each time.
const GRAIN: Duration = Duration::from_millis(100);

/// What tells one balancer from another: while a process takes over from its predecessor, both are the same.
type Identity = (&'static str, Vec<PathBuf>, Option<NetnsCookie>);

/// A balancer with what it has read.
struct Found {
    process: Running,
    netns: Option<NetnsCookie>,
    configuration: Arc<Configuration>,
}

impl Finder for RunningBalancers {
    fn source(&self) -> Source {
        Source::Auto
    }

    /// Looking through all processes costs more than looking at files.
    fn interval(&self) -> Duration {
        Duration::from_secs(2)
    }

    fn look(&mut self, names: &Names) -> anyhow::Result<Option<Discovered>> {
        let found = self.find()?;
        self.known = found
            .iter()
            .map(|one| {
                let loaded = one.process.loaded;
                (one.process.pid, (loaded, Arc::clone(&one.configuration)))
            })
            .collect();
        let (mut pools, mut told) = (Vec::new(), Vec::new());
        for one in &found {
            let (running, live) = one.as_it_runs();
            pools.extend(specs(&running, one.netns, names));
            told.push(live);
        }
        if self.last.as_ref() == Some(&pools) {
            return Ok(None);
        }
        self.last = Some(pools.clone());
        let sources = found
            .iter()
            .flat_map(|one| one.configuration.sources.iter());
        Ok(Some(Discovered {
            pools,
            files: sources.map(|source| source.name.clone()).collect(),
            configurations: found.iter().zip(&told).map(compared).collect(),
            findings: Vec::new(),
            stale: Vec::new(),
        }))
    }
}

impl RunningBalancers {
    /// The balancers that run, the newest of those that are the same.
    fn find(&mut self) -> std::io::Result<Vec<Found>> {
        let mut warnings = HashSet::new();
        let mut found: BTreeMap<Identity, Found> = BTreeMap::new();
        for mut process in find()? {
            let configuration = match self.read(&mut process) {
                Ok(Some(configuration)) => configuration,
                Ok(None) => continue,
                Err(warning) => {
                    warnings.insert(warning);
                    continue;
                }
            };
            let netns = netns(process.pid);
            let identity = (process.kind.title(), process.paths.clone(), netns);
            let newer = |known: &Found| known.process.loaded > process.loaded;
            if !found.get(&identity).is_some_and(newer) {
                let one = Found {
                    process,
                    netns,
                    configuration,
                };
                found.insert(identity, one);
            }
        }
        for warning in warnings.difference(&self.warned) {
            warn!("{warning}");
        }
        self.warned = warnings;
        Ok(found.into_values().collect())
    }

    /// What a process has read. Files that were changed since do not count, if it is known what they said before.
    fn read(&self, process: &mut Running) -> Result<Option<Arc<Configuration>>, String> {
        let known = self.known.get(&process.pid);
        let known = known.filter(|(loaded, _)| apart(*loaded, process.loaded) < GRAIN);
        let known = known.map(|(_, configuration)| Arc::clone(configuration));
        match std::mem::replace(&mut process.outcome, Outcome::NotUnderstood) {
            Outcome::Read { changed, .. } if !changed.is_empty() && known.is_some() => Ok(known),
            Outcome::Read { configuration, .. } => Ok(Some(Arc::new(configuration))),
            Outcome::Failed(_) if known.is_some() => Ok(known),
            Outcome::Failed(error) => {
                let (kind, pid) = (process.kind.title(), process.pid);
                Err(format!(
                    "the configuration of {kind} (process {pid}) cannot be read: {error}"
                ))
            }
            Outcome::NotUnderstood => Ok(None),
        }
    }
}

/// What a balancer has read, compared with what it told.
fn compared((one, told): (&Found, &Option<Vec<live::Pool>>)) -> Arc<Configuration> {
    match told {
        Some(told) => compared_with(&one.configuration, told),
        None => Arc::clone(&one.configuration),
    }
}

fn apart(a: SystemTime, b: SystemTime) -> Duration {
    let later = |a: SystemTime, b: SystemTime| a.duration_since(b).unwrap_or_default();
    later(a, b).max(later(b, a))
}

impl Found {
    /// Its pools, as they run where it can be asked, else as it has read them; and what it tells if it can be asked.
    fn as_it_runs(&self) -> (Vec<Pool>, Option<Vec<live::Pool>>) {
        let read = &self.configuration;
        let Ok(answer) = ask(&self.process, read) else {
            return (read.pools.clone(), None);
        };
        let pools = match answer.configuration {
            Some(configuration) => configuration.pools,
            None => read
                .pools
                .iter()
                .filter_map(|pool| as_running(pool, Some(&answer.pools)))
                .collect(),
        };
        (pools, Some(answer.pools))
    }
}
