//! A cluster in small: three nodes in three zones, each with an agent in its container that learns from an API server which pods are
//! its own; a Prometheus that scrapes them; and the fleet's view in a container of its own. Traffic comes through a real balancer,
//! which then starves a zone.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use evenkeel_lab::agent::Agent;
use evenkeel_lab::balancer::{Balancer, Mode, Product, Setup};
use evenkeel_lab::cgroup;
use evenkeel_lab::http::{HttpCounts, HttpLoad};
use evenkeel_lab::kubernetes::{ApiServer, Endpoint, endpoint_slice, pod, service};
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::network::{Family, Host, Layout, Network};
use evenkeel_lab::parts;
use evenkeel_lab::process::Process;
use evenkeel_lab::prometheus::Prometheus;
use evenkeel_lab::wait::wait_for;
use serde_json::json;
use tempfile::TempDir;

use super::filter::Filter;
use super::manifest::{self, Pod};
use super::podman::{Container, read_only};

const ZONES: [&str; 3] = ["zone-a", "zone-b", "zone-c"];
/// The zone that the balancer comes to neglect.
const STARVED: usize = 2;
const PODS_OF_A_NODE: usize = 4;
/// The port that pods serve at.
const PORT: u16 = 8080;
const POOL: &str = "shop/checkout:http";
const REQUESTS: u64 = 1_200;
/// A second, while the fleet is to find out.
const PER_SECOND: u32 = 200;
const PATIENCE: Duration = Duration::from_secs(90);

/// What pods are told apart by.
fn node_name(node: usize) -> String {
    format!("node-{}", node + 1)
}

/// Lets the fleet find out which zone is starved.
pub(super) fn run(agent: &Pod) -> Result<()> {
    let began = Instant::now();
    let network = Network::build(&Layout {
        clients: 1,
        backend_hosts: ZONES.len() * PODS_OF_A_NODE,
        backend_addresses: ZONES.len() * PODS_OF_A_NODE,
        // The first has the API server, the balancer, Prometheus and the fleet's view; the others are the networks of the agents' pods.
        balancers: 1 + ZONES.len(),
    })?;
    let center = &network.balancers[0];
    let detected = center.namespace.enter(|| play(agent, &network))??;
    println!(
        "image: three agents in containers counted {REQUESTS} requests to pods exactly, and the fleet's view named the zone that was \
         starved after {detected:.1?} ({:.1?})",
        began.elapsed()
    );
    Ok(())
}

/// All of it, in the network of the cluster's centre.
fn play(agent: &Pod, network: &Network) -> Result<Duration> {
    let center = &network.balancers[0];
    let api = ApiServer::start(&center.namespace, center.addresses(Family::V4, 6443)[0])?;
    announce(&api, network)?;
    let account = TempDir::with_prefix("evenkeel-account-")?;
    api.write_service_account(account.path())?;
    let mut nodes = Vec::new();
    for node in 0..ZONES.len() {
        nodes.push(Node::start(node, network, agent, &api, &account)?);
    }
    let targets: Vec<SocketAddr> = nodes.iter().map(|node| node.agent.address()).collect();
    let _prometheus = Prometheus::start(&targets)?;
    let (_container, fleet) = fleet()?;

    let listen = center.addresses(Family::V4, 8000)[0];
    let servers = addresses(network).into_iter();
    let mut setup = Setup::new(Mode::Tcp, listen, servers);
    let mut balancer = Balancer::start(Product::Haproxy, &center.namespace, setup.clone())?;
    let truth = HttpLoad::new(listen, REQUESTS).run(&network.sources())?;
    for node in &nodes {
        node.has_counted(&truth)?;
        node.exports_what_pods_are()?;
    }
    await_sum(&fleet, &truth)?;

    for (number, server) in setup.servers.iter_mut().enumerate() {
        let starved = number / PODS_OF_A_NODE == STARVED;
        server.weight = if starved { 1 } else { 20 };
    }
    balancer.reload(setup)?;
    let since = Instant::now();
    let traffic = HttpLoad::steady(listen, PER_SECOND).start(&network.sources())?;
    names_the_zone(&fleet)?;
    let took = since.elapsed();
    traffic.stop()?;
    Ok(took)
}

/// The addresses of all pods, node by node.
fn addresses(network: &Network) -> Vec<SocketAddr> {
    let pods = network.backends.iter();
    pods.map(|host| host.addresses(Family::V4, PORT)[0])
        .collect()
}

/// Tells the API server what a cluster's controllers would.
fn announce(api: &ApiServer, network: &Network) -> Result<()> {
    let labels = json!({"app": "checkout"});
    let endpoints: Vec<Endpoint> = addresses(network)
        .iter()
        .enumerate()
        .map(|(number, address)| {
            let node = number / PODS_OF_A_NODE;
            let name = format!("checkout-6d4b9-{number}");
            let mut endpoint = Endpoint::new(address.ip(), &name, &node_name(node));
            ZONES[node].clone_into(&mut endpoint.zone);
            endpoint
        })
        .collect();
    api.apply(service("shop", "checkout", &labels))?;
    for endpoint in &endpoints {
        let labels = json!({"app": "checkout", "version": "v12", "pod-template-hash": "6d4b9"});
        api.apply(pod("shop", endpoint, &labels))?;
    }
    let slice = endpoint_slice("shop", "checkout", 0, &labels, PORT, &endpoints);
    api.apply(slice)
}

/// A node: its pods, and the agent in its container. What is dropped first is ended first.
struct Node {
    number: usize,
    agent: Agent,
    pods: Vec<(SocketAddr, Process)>,
    _files: Vec<TempDir>,
    _container: Container,
}

impl Node {
    fn start(
        number: usize,
        network: &Network,
        manifest: &Pod,
        api: &ApiServer,
        account: &TempDir,
    ) -> Result<Self> {
        let container = Container::new(&node_name(number), Filter::Usual)?;
        let (mut pods, mut files) = (Vec::new(), Vec::new());
        for host in &network.backends[number * PODS_OF_A_NODE..][..PODS_OF_A_NODE] {
            let (files_of_pod, pod) = serve(host, &container)?;
            pods.push((host.addresses(Family::V4, PORT)[0], pod));
            files.push(files_of_pod);
        }
        let mut options = read_only(
            account.path(),
            "/var/run/secrets/kubernetes.io/serviceaccount",
        );
        for (name, value) in [
            ("NODE_NAME", node_name(number)),
            ("KUBERNETES_SERVICE_HOST", api.address().ip().to_string()),
            ("KUBERNETES_SERVICE_PORT", api.address().port().to_string()),
        ] {
            options.extend(["--env".to_owned(), format!("{name}={value}")]);
        }
        // There is one kernel here for three nodes: each agent is told which part of the hierarchy is its own.
        let part = format!("--only-cgroup=/host/cgroup/{}", container.cgroup());
        let command = container.run(manifest, &options, &[part]);
        let own = &network.balancers[1 + number];
        let config = "interval: 200ms\nlive_interval: 1s\ndiscovery: {kubernetes: {role: local}}\n";
        let at = own.addresses(Family::V4, 9797)[0];
        let mut agent = Agent::launch_at(at, command, &own.namespace, config)?;
        agent.wait_ready()?;
        Ok(Self {
            number,
            agent,
            pods,
            _files: files,
            _container: container,
        })
    }

    /// Whether its agent has counted what clients wrote down of its pods, and no others.
    fn has_counted(&self, truth: &HttpCounts) -> Result<()> {
        let name = node_name(self.number);
        let wanted: Vec<(SocketAddr, u64)> = self
            .pods
            .iter()
            .map(|(address, _)| {
                (
                    *address,
                    truth.by_backend.get(address).copied().unwrap_or(0),
                )
            })
            .collect();
        let counted = self.agent.wait_pool(POOL, |pool| {
            let mut there: Vec<(SocketAddr, u64)> = pool
                .backends
                .iter()
                .map(|backend| (backend.address, backend.connections.opened))
                .collect();
            there.sort_unstable();
            ensure!(there == wanted, "{there:?}, not {wanted:?}");
            Ok(())
        });
        counted
            .map(drop)
            .with_context(|| format!("{name}\n{}", self.agent.log()))
    }

    /// Whether its metrics tell of each pod which it is, and where.
    fn exports_what_pods_are(&self) -> Result<()> {
        let metrics = self.agent.get("/metrics")?.body;
        for (number, (address, _)) in self.pods.iter().enumerate() {
            let line = metrics.lines().find(|line| {
                line.starts_with("evenkeel_backend_info{") && line.contains(&address.to_string())
            });
            let line = line.with_context(|| format!("{address} is not in the metrics"))?;
            let pod = self.number * PODS_OF_A_NODE + number;
            for label in [
                format!("label_pod=\"checkout-6d4b9-{pod}\""),
                format!("label_node=\"{}\"", node_name(self.number)),
                format!("label_zone=\"{}\"", ZONES[self.number]),
                "label_version=\"v12\"".to_owned(),
                "label_pod_template_hash=\"6d4b9\"".to_owned(),
            ] {
                ensure!(line.contains(&label), "no {label} in {line}");
            }
        }
        Ok(())
    }
}

/// A web server as a pod of a node: in a network of its own, and in the node's part of the hierarchy. It answers with its address.
fn serve(host: &Host, node: &Container) -> Result<(TempDir, Process)> {
    let address = host.addresses(Family::V4, PORT)[0];
    let folder = TempDir::with_prefix("evenkeel-pod-")?;
    let config = folder.path().join("nginx.conf");
    let place = folder.path().display();
    let text = format!(
        "daemon off; master_process off; pid {place}/pid; error_log stderr;\n\
         events {{}}\n\
         http {{ access_log off; client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi;\n\
         uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;\n\
         server {{ listen {address}; location / {{ return 200 '{address}'; }} }} }}\n"
    );
    fs::write(&config, text)?;
    let part = cgroup::root()?.join(node.cgroup());
    fs::create_dir_all(&part)?;
    let nginx = parts::require("nginx")?;
    let script = format!(
        "echo $$ >{}/cgroup.procs; exec {} -c {}",
        part.display(),
        nginx.display(),
        config.display()
    );
    let mut command = Command::new("/bin/sh");
    let mut pod = Process::spawn(&host.namespace, "pod", command.args(["-c", &script]))?;
    wait_for(PATIENCE, "a pod to serve", || {
        pod.check()?;
        let answer = evenkeel_lab::http::get(&Namespace::current(), address, "/");
        Ok(answer.ok().filter(|answer| answer.status == 200))
    })?;
    Ok((folder, pod))
}

/// The fleet's view, as the manifest of its Deployment runs it.
fn fleet() -> Result<(Container, Agent)> {
    let pod = Pod::read(manifest::FLEET)?;
    let container = Container::new("fleet", Filter::Usual)?;
    let config = format!(
        "fleet:\n  prometheus: {{url: '{}'}}\n  interval: 1s\n  window: 10s\n  delay: 3s\n  lookback: 60s\n\
         detection: {{signals: [opened]}}\n",
        Prometheus::url()
    );
    let command = container.run(&pod, &[], &[]);
    let mut fleet = Agent::launch_by(command, &Namespace::current(), &config)?;
    fleet.wait_ready()?;
    Ok((container, fleet))
}

/// Waits until the sum over all agents is what clients wrote down.
fn await_sum(fleet: &Agent, truth: &HttpCounts) -> Result<()> {
    let summed = fleet.wait_pool(POOL, |pool| {
        for (address, requests) in &truth.by_backend {
            let backend = pool.backends.iter().find(|one| one.address == *address);
            let opened = backend.map_or(0, |one| one.connections.opened);
            ensure!(opened == *requests, "{address}: {opened}, not {requests}");
        }
        Ok(())
    });
    summed.map(drop).with_context(|| fleet.log())
}

/// Waits for an incident whose cause is the starved zone.
fn names_the_zone(fleet: &Agent) -> Result<()> {
    let mut last = Vec::new();
    let found = wait_for(PATIENCE, "the fleet to name the starved zone", || {
        last = fleet.incidents()?;
        let named = last.iter().any(|incident| {
            let cause = &incident.cause;
            cause.id == "between_groups" && cause.text.contains(&format!("zone={}", ZONES[STARVED]))
        });
        Ok(named.then_some(()))
    });
    found.with_context(|| format!("incidents: {last:#?}\n{}", fleet.log()))
}
