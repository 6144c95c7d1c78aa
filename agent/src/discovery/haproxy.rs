//! Pools from `HAProxy`: its files say what was meant, its stats socket what holds now.

use std::collections::BTreeMap;
use std::time::Duration;

use evenkeel_balancers::Product;
use evenkeel_balancers::live;
use evenkeel_balancers::model::Pool;
use tokio::runtime::Handle;

use super::files::BalancerFiles;
use super::names::Names;
use super::pools::{pool_name, specs};
use super::{Discovered, Finder, findings};
use crate::admin::{Address, haproxy};
use crate::config;
use crate::model::{
    Algorithm, BackendSpec, PoolSpec, Role, Source, Standby, StandbySpec, Weight, canonical,
};
use crate::running::live::of_haproxy;

/// How long a process may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads files, asks a process, or both.
#[derive(Debug)]
pub(super) struct Haproxy {
    files: Option<BalancerFiles>,
    socket: Option<Address>,
    runtime: Handle,
    last: Option<Vec<PoolSpec>>,
}

impl Haproxy {
    /// Will read and ask what the configuration says.
    pub(super) fn new(sources: &config::Haproxy, runtime: Handle) -> Self {
        let files = sources.files.clone();
        Self {
            files: (!files.is_empty()).then(|| BalancerFiles::new(Product::Haproxy, files)),
            socket: sources.stats_socket.clone(),
            runtime,
            last: None,
        }
    }
}

impl Haproxy {
    /// What is known of a proxy that has no server in rotation now.
    fn known(&self, proxy: &haproxy::Proxy) -> Option<PoolSpec> {
        let name = pool_name(&proxy.name);
        let mut last = self.last.iter().flatten();
        last.find(|pool| pool.name == name).cloned()
    }
}

impl Finder for Haproxy {
    fn source(&self) -> Source {
        Source::Haproxy
    }

    fn look(&mut self, names: &Names) -> anyhow::Result<Option<Discovered>> {
        let mut changed = match &mut self.files {
            Some(files) => files.refresh()?,
            None => false,
        };
        let state = match &self.socket {
            Some(socket) => Some(self.runtime.block_on(haproxy::ask(socket, PATIENCE))?),
            None => None,
        };
        let running = state.as_ref().map(of_haproxy);
        let pools = match (&self.files, &state) {
            (Some(files), _) => {
                let configurations = files.configurations().iter();
                let pools = configurations.flat_map(|one| &one.pools);
                let pools = pools.filter_map(|pool| as_running(pool, running.as_deref()));
                specs(&pools.collect::<Vec<_>>(), None, names)
            }
            (None, Some(state)) => {
                let proxies = state.proxies.iter();
                let pools = proxies.filter_map(|proxy| spec(proxy).or_else(|| self.known(proxy)));
                pools.collect()
            }
            (None, None) => Vec::new(),
        };
        changed |= self.last.as_ref() != Some(&pools);
        if !changed {
            return Ok(None);
        }
        self.last = Some(pools.clone());
        let files = self.files.as_ref();
        let read = files.map_or(&[][..], BalancerFiles::configurations);
        let compare = |running: &[live::Pool]| findings::compared(read, running);
        Ok(Some(Discovered {
            pools,
            files: files.map(BalancerFiles::names).unwrap_or_default(),
            configurations: running.as_deref().map_or_else(|| read.to_vec(), compare),
            findings: Vec::new(),
            stale: Vec::new(),
        }))
    }
}

/// A pool of the files as it runs, if it does.
pub(super) fn as_running(pool: &Pool, running: Option<&[live::Pool]>) -> Option<Pool> {
    let Some(running) = running else {
        return Some(pool.clone());
    };
    let found = running.iter().find(|found| found.name == pool.name)?;
    Some(pool.as_running(found))
}

/// A pool of which the running process alone tells. What cannot be told from it stays out.
fn spec(proxy: &haproxy::Proxy) -> Option<PoolSpec> {
    let named = proxy.algorithm.as_deref().and_then(config::algorithm_named);
    let mut pool = PoolSpec {
        name: pool_name(&proxy.name),
        role: Role::Upstream,
        source: Source::Haproxy,
        tolerance: None,
        algorithm: named.unwrap_or(Algorithm::PolicyGated),
        expected: None,
        backends: Vec::new(),
        standby: Vec::new(),
        findings: Vec::new(),
    };
    let backups_alone = !proxy
        .servers
        .iter()
        .any(|server| server.is_in_rotation() && !server.is_backup());
    for server in &proxy.servers {
        let Some(address) = server.address.filter(|address| address.port() != 0) else {
            continue;
        };
        add(&mut pool, server, canonical(address), backups_alone);
    }
    (!pool.backends.is_empty()).then_some(pool)
}

fn add(
    pool: &mut PoolSpec,
    server: &haproxy::Server,
    address: std::net::SocketAddr,
    backups_alone: bool,
) {
    let labels = BTreeMap::from([("server".to_owned(), server.name.clone())]);
    let standby = if !server.is_in_rotation() {
        let drained = server.admin.is_drain() || server.weight == 0;
        Some(if drained {
            Standby::Drained
        } else {
            Standby::Down
        })
    } else if server.is_backup() && !backups_alone {
        Some(Standby::Backup)
    } else {
        None
    };
    let weight = Weight::new(f64::from(server.weight));
    let known = pool.backends.iter_mut().find(|one| one.address == address);
    match (standby, weight, known) {
        (None, Some(weight), Some(known)) => {
            let sum = Weight::new(known.weight.get() + weight.get());
            known.weight = sum.unwrap_or(weight);
        }
        (None, Some(weight), None) => {
            pool.standby.retain(|one| one.address != address);
            pool.backends.push(BackendSpec {
                identity: None,
                address,
                netns: None,
                weight,
                share: None,
                labels,
            });
        }
        (Some(why), _, None) => pool.standby.push(StandbySpec {
            identity: None,
            address,
            netns: None,
            why,
            labels,
        }),
        _ => {}
    }
}
