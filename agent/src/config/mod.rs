//! What was written in the configuration file -> what is meant; every error with file, line and what to write instead.
//!
//! It happens in two stages: `raw` holds the file as it is written, every value with its place and nothing refused
//! but broken YAML; `check` turns that into a [`Config`] or into a list of all that is wrong with it.

mod address;
mod alerting;
mod algorithm;
mod backend;
mod check;
mod credentials;
mod detection;
mod discovery;
mod error;
mod excerpt;
mod file;
mod fleet;
mod incidents;
mod kubernetes;
mod labels;
mod place;
mod pool;
mod problems;
mod raw;
mod receiver;
#[cfg(test)]
mod reference;
mod shape;
mod suggest;
mod syntax;
mod tls;
mod url;
mod value;
mod web_file;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use algorithm::named as algorithm_named;
pub use error::{ConfigError, Position, Problem};
pub(crate) use value::shown;

use crate::admin::Address;
use crate::model::{Alerting, Detection, PoolSpec, Receiver, Role, WebFile};

pub(crate) use detection::LARGEST_TOLERANCE;

/// Where the configuration is, unless `--config` names another file.
pub const DEFAULT_PATH: &str = "/etc/evenkeel/evenkeel.yaml";

/// The most backends that a configuration may hold, over all its pools; one that is in two pools counts twice.
///
/// The kernel's map has a fixed size, so it can be dimensioned for every configuration that is accepted.
pub const MAX_BACKENDS: usize = 100_000;

/// A configuration without errors.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The HTTP server.
    pub web: Web,
    /// How often the kernel's counters are read; 100 ms to 1 minute.
    pub interval: Duration,
    /// How far back the sliding windows reach; from `interval` to 24 hours.
    pub window: Duration,
    /// How often open connections are looked at; from `interval` to 5 minutes.
    pub live_interval: Duration,
    /// The pools to watch, in the order of the file; their names are unique, and all of them have
    /// [`Source::Config`](crate::model::Source::Config).
    pub pools: Vec<PoolSpec>,
    /// Pools that the agent finds by itself.
    pub discovery: Discovery,
    /// How pools are judged.
    pub detection: Detection,
    /// Where incidents are sent.
    pub alerting: Alerting,
    /// A directory that keeps incidents over a restart; without it they live as long as the agent.
    pub incidents_directory: Option<PathBuf>,
    /// Where `evenkeel fleet` reads what agents exported; agents do without.
    pub fleet: Option<Fleet>,
}

/// What `evenkeel fleet` reads, and how often.
#[derive(Clone, Debug, PartialEq)]
pub struct Fleet {
    /// The store: the URL of what has the API of Prometheus, to which `/api/v1` is appended.
    pub store: Receiver,
    /// Headers of every request.
    pub headers: BTreeMap<String, String>,
    /// The time between evaluations; 1 second to 5 minutes.
    pub interval: Duration,
    /// How far back windows reach; from `interval` to 24 hours.
    pub window: Duration,
    /// How long after a moment it is evaluated; up to 1 hour.
    pub delay: Duration,
    /// How far back is read at the start; from `interval` to 24 hours.
    pub lookback: Duration,
    /// Matchers for every selector, without braces.
    pub matchers: Option<String>,
}

/// The HTTP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Web {
    /// Where it listens; the kernel chooses the port if it is 0.
    pub listen: SocketAddr,
    /// The file with the settings of TLS and passwords.
    pub config_file: Option<PathBuf>,
    /// What is in that file; filled in by [`Config::load`].
    pub file: WebFile,
}

/// Pools that the agent finds by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery {
    /// Whether pools are found without being told where, as long as no pool and no source of pools is configured.
    pub auto: bool,
    /// Files that configurations of nginx begin with.
    pub nginx: Vec<PathBuf>,
    /// `HAProxy`.
    pub haproxy: Haproxy,
    /// Where a running Envoy can be asked.
    pub envoy: Option<Address>,
    /// Files that configurations of Apache httpd begin with.
    pub apache: Vec<PathBuf>,
    /// Caddy's configurations, as JSON.
    pub caddy: Vec<PathBuf>,
    /// Files that configurations of Traefik begin with.
    pub traefik: Vec<PathBuf>,
    /// Files in the format of Prometheus' `file_sd`, or patterns of their names.
    pub file_sd: Vec<PathBuf>,
    /// The cluster that this host is a node of, or may ask.
    pub kubernetes: Option<Kubernetes>,
}

/// Which Services of Kubernetes are followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kubernetes {
    /// The namespaces; all if empty.
    pub namespaces: Vec<String>,
    /// A selector of labels of Services, as `kubectl -l` takes it.
    pub selector: Option<String>,
    /// From which side connections are seen: `local` for pods on this node, `upstream` for a balancer on it.
    pub role: Role,
    /// The node that the agent runs on; else as the environment says.
    pub node: Option<String>,
    /// Labels of pods that become labels of backends.
    pub pod_labels: Vec<String>,
    /// How the API server is reached; else as the surroundings offer.
    pub kubeconfig: Option<PathBuf>,
}

impl Default for Kubernetes {
    fn default() -> Self {
        Self {
            namespaces: Vec::new(),
            selector: None,
            role: Role::Local,
            node: None,
            pod_labels: vec!["version".to_owned(), "pod-template-hash".to_owned()],
            kubeconfig: None,
        }
    }
}

/// Where pools of `HAProxy` are found; both together make one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Haproxy {
    /// The files of one configuration, in their order.
    pub files: Vec<PathBuf>,
    /// Where the running process can be asked.
    pub stats_socket: Option<Address>,
}

impl Discovery {
    /// Whether the configuration names a source of pools.
    pub fn has_sources(&self) -> bool {
        let files = [
            &self.nginx,
            &self.haproxy.files,
            &self.apache,
            &self.caddy,
            &self.traefik,
            &self.file_sd,
        ];
        let any_file = files.iter().any(|files| !files.is_empty());
        any_file
            || self.haproxy.stats_socket.is_some()
            || self.envoy.is_some()
            || self.kubernetes.is_some()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            web: Web::default(),
            interval: Duration::from_secs(1),
            window: Duration::from_secs(60),
            live_interval: Duration::from_secs(5),
            pools: Vec::new(),
            discovery: Discovery::default(),
            detection: Detection::default(),
            alerting: Alerting::default(),
            incidents_directory: None,
            fleet: None,
        }
    }
}

impl Default for Web {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9797)),
            config_file: None,
            file: WebFile::default(),
        }
    }
}

impl Default for Discovery {
    fn default() -> Self {
        Self {
            auto: true,
            nginx: Vec::new(),
            haproxy: Haproxy::default(),
            envoy: None,
            apache: Vec::new(),
            caddy: Vec::new(),
            traefik: Vec::new(),
            file_sd: Vec::new(),
            kubernetes: None,
        }
    }
}

impl Config {
    /// Reads a file of at most 64 MiB. An empty one means: all defaults. Files that it names by relative paths are
    /// those beside it or below its directory, as in Prometheus' configuration.
    ///
    /// The file that `web.config_file` names is read with it.
    ///
    /// # Errors
    /// If a file cannot be read, or with all that is wrong with it.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let bytes = file::read(path, "--config FILE")?;
        let name = path.display().to_string();
        let mut config = Self::parse(&name, file::decode(&name, &bytes)?)?;
        if let Some(directory) = path.parent() {
            alerting::resolve(&mut config.alerting, directory);
            discovery::resolve(&mut config.discovery, directory);
            fleet::resolve(config.fleet.as_mut(), directory);
            if let Some(file) = &mut config.web.config_file {
                *file = directory.join(&*file);
                config.web.file = web_file::load(file)?;
            }
        }
        Ok(config)
    }

    /// Reads a text; `name` is what errors call it. A text is in no directory, so relative paths stay as they are.
    ///
    /// # Errors
    /// With all that is wrong with the text.
    pub fn parse(name: &str, text: &str) -> Result<Self, ConfigError> {
        let text = file::without_mark(text);
        let (config, problems) = check::check(text);
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(problems.into_error(name))
        }
    }

    /// How many backends there are in all pools together.
    pub fn backends(&self) -> usize {
        self.pools.iter().map(|pool| pool.backends.len()).sum()
    }
}
