//! The real balancers, started with generated configuration and read out by their own counters.

mod envoy;
mod haproxy;
mod listening;
mod nginx;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;

use crate::netns::Namespace;
use crate::process::Process;
use crate::wait::wait_for;

/// How long a balancer may take to listen, or to follow a reload.
const PATIENCE: Duration = Duration::from_secs(20);

/// Which balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// nginx; needs the stream module for [`Mode::Tcp`].
    Nginx,
    /// HAProxy.
    Haproxy,
    /// Envoy.
    Envoy,
}

impl Product {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Nginx, Self::Haproxy, Self::Envoy];
}

/// What is balanced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Connections.
    Tcp,
    /// HTTP/1.1 requests.
    Http,
}

/// How a backend is chosen, in words common to the products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// In turn, by weight.
    RoundRobin,
    /// The one with the fewest connections (Envoy: requests).
    LeastConnections,
    /// At random.
    Random,
    /// By the client's address. nginx in HTTP mode: `ip_hash`; Envoy: Maglev.
    SourceHash,
    /// By the request's path; HTTP mode only.
    UriHash,
    /// The first that has room; HAProxy only.
    First,
}

/// A backend as the balancer shall know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its weight.
    pub weight: u32,
    /// More words for the server's line (`backup`, `down`, `maxconn 10`); not for Envoy.
    pub options: String,
}

impl Server {
    /// A server of weight 1 without options.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            weight: 1,
            options: String::new(),
        }
    }
}

/// What a balancer shall do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// What is balanced.
    pub mode: Mode,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its backends.
    pub servers: Vec<Server>,
    /// How it chooses.
    pub algorithm: Algorithm,
    /// Whether connections to backends are used for several requests; HTTP mode only.
    pub keepalive: bool,
    /// nginx' worker processes, HAProxy's or Envoy's threads. Several choose independently of each other.
    pub workers: usize,
    /// The pool's name; that of the product's generated configuration without it. Not for Envoy.
    pub name: Option<String>,
    /// More lines for the pool: of nginx' `upstream`, of HAProxy's `listen`; not for Envoy.
    pub lines: String,
    /// More words for the line that says where to listen; not for Envoy.
    pub listen_options: String,
}

impl Setup {
    /// Equal weights in turn, no keep-alive, one worker.
    pub fn new(
        mode: Mode,
        listen: SocketAddr,
        servers: impl IntoIterator<Item = SocketAddr>,
    ) -> Self {
        let servers = servers.into_iter().map(Server::new).collect();
        Self {
            mode,
            listen,
            servers,
            algorithm: Algorithm::RoundRobin,
            keepalive: false,
            workers: 1,
            name: None,
            lines: String::new(),
            listen_options: String::new(),
        }
    }

    /// How many sockets listen: with `reuseport` each worker of nginx has its own.
    fn listeners(&self) -> usize {
        let own = self.listen_options.contains("reuseport");
        if own { self.workers } else { 1 }
    }

    fn check(&self) -> Result<()> {
        ensure!(!self.servers.is_empty(), "a balancer needs a backend");
        ensure!(
            self.listen.port() != 0,
            "a balancer needs a port to listen on, 0 is none"
        );
        ensure!(
            self.mode == Mode::Http || (self.algorithm != Algorithm::UriHash && !self.keepalive),
            "paths and keep-alive exist in HTTP mode only"
        );
        Ok(())
    }
}

/// A balancer's own account of one backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Connections opened to it, also those that failed; none where the balancer does not tell (nginx with keep-alive).
    pub connections: Option<u64>,
    /// Requests sent to it; none in TCP mode.
    pub requests: Option<u64>,
    /// Connects that failed.
    pub failed: u64,
}

/// A running balancer, with all its files in a temporary folder. Dropping it ends it.
pub struct Balancer<'a> {
    product: Product,
    namespace: &'a Namespace,
    setup: Setup,
    process: Process,
    /// Processes replaced by a reload that still serve their connections.
    retired: Vec<Process>,
    folder: TempDir,
}

impl<'a> Balancer<'a> {
    /// Starts a balancer in `namespace` and waits until it listens.
    pub fn start(product: Product, namespace: &'a Namespace, setup: Setup) -> Result<Self> {
        setup.check()?;
        let folder = tempfile::Builder::new().prefix("evenkeel-lab-").tempdir()?;
        let process = match product {
            Product::Nginx => nginx::start(namespace, &setup, folder.path())?,
            Product::Haproxy => haproxy::start(namespace, &setup, folder.path(), None)?,
            Product::Envoy => envoy::start(namespace, &setup, folder.path())?,
        };
        let mut balancer = Self {
            product,
            namespace,
            setup,
            process,
            retired: Vec::new(),
            folder,
        };
        balancer.await_listening()?;
        Ok(balancer)
    }

    /// Applies another setup, in the product's own way: nginx by SIGHUP, HAProxy by a new process that takes over
    /// (`-sf`), Envoy by a restart. Returns when new connections are served by the new setup; old ones may live on,
    /// except with Envoy. Counters of HAProxy and Envoy begin anew.
    pub fn reload(&mut self, setup: Setup) -> Result<()> {
        setup.check()?;
        ensure!(
            setup.listen == self.setup.listen,
            "a reload cannot move the listener"
        );
        let folder = self.folder.path();
        match self.product {
            Product::Nginx => nginx::reload(&mut self.process, &setup, folder)?,
            Product::Haproxy => {
                let successor =
                    haproxy::start(self.namespace, &setup, folder, Some(self.process.pid()))?;
                self.retired
                    .push(std::mem::replace(&mut self.process, successor));
                haproxy::await_takeover(&mut self.process, folder)?;
            }
            Product::Envoy => {
                self.process.stop()?;
                self.process = envoy::start(self.namespace, &setup, folder)?;
            }
        }
        self.setup = setup;
        self.await_listening()
    }

    /// Changes a backend's weight at run time, as an operator would by hand: the configuration stays. HAProxy only.
    pub fn set_weight(&mut self, address: SocketAddr, weight: u32) -> Result<()> {
        match self.product {
            Product::Haproxy => {
                haproxy::set_weight(&self.setup, self.folder.path(), address, weight)
            }
            Product::Nginx | Product::Envoy => {
                bail!("{:?} cannot change weights at run time", self.product)
            }
        }
    }

    /// The balancer's own counts per backend. nginx has none and is read by its access log, which is written when a
    /// request or connection has ended.
    pub fn counts(&self) -> Result<BTreeMap<SocketAddr, Count>> {
        match self.product {
            Product::Nginx => nginx::counts(&self.setup, self.folder.path()),
            Product::Haproxy => haproxy::counts(&self.setup, self.folder.path()),
            Product::Envoy => envoy::counts(self.namespace, &self.setup, self.folder.path()),
        }
    }

    /// The id of the main process.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Where it listens.
    pub fn listen(&self) -> SocketAddr {
        self.setup.listen
    }

    /// What it was last told to do.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Its configuration file.
    pub fn config_path(&self) -> PathBuf {
        self.folder.path().join(match self.product {
            Product::Nginx => nginx::CONFIG,
            Product::Haproxy => haproxy::CONFIG,
            Product::Envoy => envoy::CONFIG,
        })
    }

    /// What it writes about each request or connection; nginx only.
    pub fn access_log(&self) -> Option<PathBuf> {
        let nginx = self.product == Product::Nginx;
        nginx.then(|| self.folder.path().join(nginx::ACCESS_LOG))
    }

    /// HAProxy's stats socket.
    pub fn stats_socket(&self) -> Option<PathBuf> {
        (self.product == Product::Haproxy).then(|| haproxy::socket(self.folder.path()))
    }

    /// Envoy's admin address, inside the namespace.
    pub fn admin(&self) -> Result<SocketAddr> {
        ensure!(
            self.product == Product::Envoy,
            "{:?} has no admin address",
            self.product
        );
        envoy::admin(self.folder.path())
    }

    /// The end of what it has written, for error messages.
    pub fn log(&self) -> String {
        self.process.tail()
    }

    fn await_listening(&mut self) -> Result<()> {
        let Self {
            product,
            namespace,
            setup,
            process,
            ..
        } = self;
        let what = format!("{product:?} to listen on {}", setup.listen);
        wait_for(PATIENCE, &what, || {
            process.check()?;
            // HAProxy's old and new process have a listener each for a while.
            let found = listening::listeners(namespace, setup.listen)?;
            Ok((found == setup.listeners()).then_some(()))
        })
    }
}

/// Writes a configuration file.
fn write(folder: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let path = folder.join(name);
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}
