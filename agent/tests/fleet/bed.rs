//! Three hosts with a balancer and an agent each, and the fleet beside them.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use evenkeel_lab::agent::Agent;
use evenkeel_lab::backend::{Backend, Options, Protocol};
use evenkeel_lab::balancer::{Algorithm, Balancer, Mode, Product, Server, Setup};
use evenkeel_lab::cgroup;
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::network::{Family, Layout, Network};
use evenkeel_lab::parts::require;
use tempfile::TempDir;

use crate::common::EVENKEEL;
use evenkeel_lab::prometheus::Prometheus;

pub(crate) const POOL: &str = "shop";
/// Caps that counting needs; without the right to enter other namespaces an agent sees the open connections of its own host alone.
const CAPABILITIES: &str = "-all,+bpf,+net_admin,+perfmon";

/// A host's part of the cgroup hierarchy; it is removed when this is dropped.
struct Cgroup(PathBuf);

impl Cgroup {
    fn create(name: &str) -> Self {
        let path = cgroup::root()
            .unwrap()
            .join(format!("evenkeel-{}-{name}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// Moves a process and what it has started into it.
    fn take(&self, pid: u32) {
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        for pid in children.split_whitespace().map(|pid| pid.parse().unwrap()) {
            self.take(pid);
        }
        fs::write(self.0.join("cgroup.procs"), pid.to_string()).unwrap();
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // Processes that were just ended take a moment to leave it.
        for _ in 0..100 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            sleep(Duration::from_millis(20));
        }
    }
}

/// A balancer with its agent; what is dropped first is ended first.
pub(crate) struct Node<'a> {
    pub(crate) agent: Agent,
    pub(crate) balancer: Balancer<'a>,
    cgroup: Cgroup,
}

/// The network, and who serves.
pub(crate) struct Bed {
    pub(crate) backend: Backend,
    pub(crate) network: Network,
}

impl Bed {
    pub(crate) fn new() -> Self {
        let network = Network::build(&Layout {
            clients: 2,
            backend_hosts: 2,
            backend_addresses: 4,
            balancers: 3,
        })
        .unwrap();
        let options = Options::new(Protocol::Lab);
        let backend = network.serve(&options, Family::V4, 8080).unwrap();
        Self { backend, network }
    }

    /// The host that the fleet is watched from, and Prometheus runs on.
    pub(crate) fn watcher(&self) -> &Namespace {
        &self.network.balancers[0].namespace
    }

    /// Starts the balancer and the agent of a host.
    pub(crate) fn node(&self, n: usize) -> Node<'_> {
        let host = &self.network.balancers[n];
        let addresses = self.backend.addresses();
        let listen = host.addresses(Family::V4, 8000)[0];
        let setup = Setup::new(Mode::Tcp, listen, addresses.iter().copied());
        let cgroup = Cgroup::create(&n.to_string());
        let balancer = Balancer::start(Product::Haproxy, &host.namespace, setup).unwrap();
        cgroup.take(balancer.pid());
        let mut config = format!("interval: 200ms\npools:\n  - name: {POOL}\n    backends:\n");
        for address in addresses {
            writeln!(config, "      - address: '{address}'").unwrap();
        }
        let directory = cgroup.0.display();
        let script = format!(
            "echo $$ > {directory}/cgroup.procs; exec {} --bounding-set {CAPABILITIES} --inh-caps {CAPABILITIES} {EVENKEEL} run \
             --only-cgroup {directory} \"$@\"",
            require("setpriv").unwrap().display()
        );
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &script, "sh"]);
        let at = host.addresses(Family::V4, 9797)[0];
        let mut agent = Agent::launch_at(at, command, &host.namespace, &config).unwrap();
        agent.wait_ready().unwrap();
        Node {
            agent,
            balancer,
            cgroup,
        }
    }
}

impl Node<'_> {
    /// Where its balancer listens.
    pub(crate) fn listen(&self) -> SocketAddr {
        self.balancer.listen()
    }

    /// Gives its balancer's first server another weight.
    pub(crate) fn reweigh(&mut self, weight: u32) {
        let mut setup = self.balancer.setup().clone();
        let mut servers: Vec<Server> = setup.servers;
        servers[0].weight = weight;
        setup.servers = servers;
        setup.algorithm = Algorithm::RoundRobin;
        self.balancer.reload(setup).unwrap();
        self.cgroup.take(self.balancer.pid());
    }
}

/// The fleet, watched in this namespace; `more` is more configuration.
pub(crate) fn fleet(listen: SocketAddr, more: &str) -> Agent {
    let config = format!(
        "fleet:\n  prometheus: {{url: '{}'}}\n  interval: 1s\n  window: 10s\n  delay: 3s\n  lookback: 60s\n  match: '{{cluster=\"lab\"}}'\n\
         detection: {{signals: [opened]}}\n{more}",
        Prometheus::url()
    );
    let mut command = Command::new(EVENKEEL);
    command.arg("fleet");
    let mut fleet = Agent::launch_at(listen, command, &Namespace::current(), &config).unwrap();
    fleet.wait_ready().unwrap();
    fleet
}

/// A place for incidents.
pub(crate) fn incidents() -> TempDir {
    TempDir::with_prefix("evenkeel-incidents-").unwrap()
}
