//! Pools from Kubernetes: a pool for each port of a Service, with the pods that its `EndpointSlice`s list.
//!
//! wire -> objects (what is kept of them) -> feeds (one per watch, kept up to date by a task) -> pools. The API server tells what
//! changes; nothing is asked again and again. Looking means looking at what the watches know.

mod backoff;
mod client;
mod feed;
mod findings;
mod objects;
mod policy;
mod pools;
#[cfg(test)]
mod tests;
mod watch;
mod wire;

use std::collections::HashSet;
use std::env;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{anyhow, bail};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tracing::warn;

use self::client::Access;
use self::feed::{Feed, Health};
use self::findings::{Findings, findings};
use self::objects::{Kept, Pod, Scope, Service, Slice};
use self::pools::{Made, World, pools};
use super::names::Names;
use super::{Discovered, Finder, StaleFile};
use crate::config;
use crate::model::{PoolSpec, Role, Source};

/// The node's name, as the downward API gives it.
const NODE_NAME: &str = "NODE_NAME";
/// How long the agent's start waits for the API server.
const FIRST_ANSWER: Duration = Duration::from_secs(5);

/// Follows the Services of a cluster.
pub(super) struct Cluster {
    scope: Scope,
    services: Vec<Arc<Feed<Service>>>,
    slices: Vec<Arc<Feed<Slice>>>,
    pods: Vec<Arc<Feed<Pod>>>,
    tasks: Vec<AbortHandle>,
    /// How long the next look may wait for the first answers.
    patience: Duration,
    /// What the last look saw: how often objects had changed, and which watches were broken.
    seen: Option<(u64, Vec<StaleFile>)>,
    found: Vec<PoolSpec>,
    /// What the audit found in the Services, when these had changed so often.
    audited: (u64, Findings),
    complained: HashSet<String>,
}

impl Cluster {
    /// Begins to watch.
    pub(super) fn new(config: &config::Kubernetes, runtime: &Handle) -> Self {
        let node = config.node.clone().or_else(|| env::var(NODE_NAME).ok());
        let scope = Scope {
            role: config.role,
            node: node.filter(|node| !node.is_empty()),
            pod_labels: config.pod_labels.clone(),
        };
        let mut cluster = Self {
            scope,
            services: Vec::new(),
            slices: Vec::new(),
            pods: Vec::new(),
            tasks: Vec::new(),
            patience: FIRST_ANSWER,
            seen: None,
            found: Vec::new(),
            audited: (0, Findings::new()),
            complained: HashSet::new(),
        };
        if cluster.knows_its_node() {
            cluster.begin(config, runtime);
        }
        cluster
    }

    /// Pods of other nodes are of no interest to `role: local`, and the API would not tell which are of this one.
    fn knows_its_node(&self) -> bool {
        self.scope.role == Role::Upstream || self.scope.node.is_some()
    }

    fn begin(&mut self, config: &config::Kubernetes, runtime: &Handle) {
        let access = Arc::new(Access {
            kubeconfig: config.kubeconfig.clone(),
        });
        let of_all = config.namespaces.is_empty().then_some(None);
        let named = config.namespaces.iter().map(|name| Some(name.as_str()));
        for namespace in of_all.into_iter().chain(named) {
            let mut services = Feed::new(namespace, self.scope.clone());
            let mut slices = Feed::new(namespace, self.scope.clone());
            // The controller gives slices the labels of their Service.
            services.label_selector.clone_from(&config.selector);
            slices.label_selector.clone_from(&config.selector);
            self.services.push(Arc::new(services));
            self.slices.push(Arc::new(slices));
            self.pods.extend(self.pods_of(namespace).map(Arc::new));
        }
        let tasks = &mut self.tasks;
        start(&self.services, &access, runtime, tasks);
        start(&self.slices, &access, runtime, tasks);
        start(&self.pods, &access, runtime, tasks);
    }

    /// A watch of pods, for their labels: of this node, or of a namespace; never of a whole cluster.
    fn pods_of(&self, namespace: Option<&str>) -> Option<Feed<Pod>> {
        let Scope {
            role,
            node,
            pod_labels,
        } = &self.scope;
        let mut pods = Feed::new(namespace, self.scope.clone());
        match role {
            Role::Local => pods.field_selector = Some(format!("spec.nodeName={}", node.as_ref()?)),
            Role::Upstream => drop(namespace?),
        }
        (!pod_labels.is_empty()).then_some(pods)
    }

    /// Waits until each watch has been answered, or is broken.
    fn wait(&mut self) {
        let until = Instant::now() + std::mem::take(&mut self.patience);
        self.services.iter().for_each(|feed| feed.wait(until));
        self.slices.iter().for_each(|feed| feed.wait(until));
        self.pods.iter().for_each(|feed| feed.wait(until));
    }

    /// The watches that are broken, but for those of pods, without which only labels are missing; an error if all are.
    fn broken(&self) -> anyhow::Result<Vec<StaleFile>> {
        let mut broken = Vec::new();
        let watches = self.services.len() + self.slices.len();
        let live = count_live(&self.services, &mut broken) + count_live(&self.slices, &mut broken);
        match broken.first() {
            Some(StaleFile { error, .. }) if live == 0 => Err(anyhow!("{error}")),
            // Services without their endpoints would be pools that are gone.
            _ if live + broken.len() < watches => bail!("the API server has not answered yet"),
            _ => Ok(broken),
        }
    }

    /// How often anything changed.
    fn version(&self) -> u64 {
        versions(&self.services) + versions(&self.slices) + versions(&self.pods)
    }

    fn make(&mut self) -> Made {
        self.audit();
        let services: Vec<_> = self.services.iter().map(|feed| feed.shelf()).collect();
        let slices: Vec<_> = self.slices.iter().map(|feed| feed.shelf()).collect();
        let pods: Vec<_> = self.pods.iter().map(|feed| feed.shelf()).collect();
        let world = World {
            services: services.iter().flat_map(|it| it.objects.values()).collect(),
            slices: slices.iter().flat_map(|it| it.objects.values()).collect(),
            pods: pods.iter().flat_map(|it| &it.objects).collect(),
            findings: &self.audited.1,
        };
        pools(&world, &self.scope)
    }

    /// Audits the Services, if they have changed.
    fn audit(&mut self) {
        let version = versions(&self.services);
        if self.audited.0 != version {
            let services: Vec<_> = self.services.iter().map(|feed| feed.shelf()).collect();
            let services = services.iter().flat_map(|it| it.objects.values());
            self.audited = (version, findings(services));
        }
    }

    /// Tells of annotations that have no effect, once each.
    fn complain(&mut self, complaints: Vec<String>) {
        let now: HashSet<String> = complaints.into_iter().collect();
        for complaint in now.difference(&self.complained) {
            warn!("{complaint}");
        }
        self.complained = now;
    }
}

impl Finder for Cluster {
    fn source(&self) -> Source {
        Source::Kubernetes
    }

    fn look(&mut self, _names: &Names) -> anyhow::Result<Option<Discovered>> {
        if !self.knows_its_node() {
            bail!(
                "the agent does not know which node it is on: set `discovery.kubernetes.node`, or {NODE_NAME} in the pod from `spec.nodeName`"
            );
        }
        self.wait();
        let mut stale = self.broken()?;
        let version = self.version();
        if let Some((before, known)) = &self.seen {
            for one in &mut stale {
                let same = known.iter().find(|known| known.file == one.file);
                one.since = same.map_or(one.since, |same| same.since);
            }
            if *before == version && *known == stale {
                return Ok(None);
            }
        }
        let Made { pools, complaints } = self.make();
        self.complain(complaints);
        let changed = self.found != pools || self.seen.as_ref().is_none_or(|(_, it)| *it != stale);
        self.seen = Some((version, stale.clone()));
        if !changed {
            return Ok(None);
        }
        self.found.clone_from(&pools);
        let findings = pools.iter().flat_map(|pool| &pool.findings);
        Ok(Some(Discovered {
            findings: findings.cloned().collect(),
            pools,
            stale,
            ..Discovered::default()
        }))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

fn start<T: Kept + PartialEq>(
    feeds: &[Arc<Feed<T>>],
    access: &Arc<Access>,
    runtime: &Handle,
    tasks: &mut Vec<AbortHandle>,
) {
    for feed in feeds {
        let following = watch::follow(Arc::clone(feed), Arc::clone(access));
        tasks.push(runtime.spawn(following).abort_handle());
    }
}

fn versions<T: Kept + PartialEq>(feeds: &[Arc<Feed<T>>]) -> u64 {
    feeds.iter().map(|feed| feed.shelf().version).sum()
}

/// How many are live; the others are told.
fn count_live<T: Kept + PartialEq>(feeds: &[Arc<Feed<T>>], broken: &mut Vec<StaleFile>) -> usize {
    let mut live = 0;
    for feed in feeds {
        match &feed.shelf().health {
            Health::Live => live += 1,
            Health::Beginning => {}
            Health::Broken(error) => broken.push(StaleFile {
                file: feed.name.clone(),
                since: SystemTime::now(),
                error: error.clone(),
            }),
        }
    }
    live
}
