//! What the tests share: an API server beside the agent, pods that really serve, and how both are asked.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use evenkeel_lab::agent::Agent;
use evenkeel_lab::kubernetes::{ApiServer, Asked, Endpoint, Verb, endpoint_slice, service};
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::wait::wait_until;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::agent;

/// How long a change may take from the API server to the agent's API.
pub(crate) const PROMISED: Duration = Duration::from_secs(5);
/// The port on which pods serve.
pub(crate) const PORT: u16 = 8080;
/// The node that the agent is on.
pub(crate) const NODE: &str = "worker-1";

/// A cluster of which the API server alone is real.
pub(crate) struct Cluster {
    pub(crate) api: ApiServer,
    files: TempDir,
}

impl Cluster {
    pub(crate) fn new() -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let api = ApiServer::start(&Namespace::current(), any).unwrap();
        let files = TempDir::with_prefix("evenkeel-cluster-").unwrap();
        let cluster = Self { api, files };
        cluster.api.write_kubeconfig(&cluster.kubeconfig()).unwrap();
        cluster
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.files.path().join("kubeconfig")
    }

    /// A configuration that follows this cluster, with more keys.
    pub(crate) fn config(&self, keys: &str) -> String {
        format!(
            "interval: 200ms\nlive_interval: 1s\nwindow: 10s\ndiscovery:\n  kubernetes: {{node: {NODE}, kubeconfig: {}{keys}}}\n",
            self.kubeconfig().display()
        )
    }

    pub(crate) fn agent(&self, keys: &str) -> Agent {
        agent(&self.config(keys))
    }

    /// A Service with one slice.
    pub(crate) fn serve(&self, namespace: &str, name: &str, endpoints: &[Endpoint]) {
        let labels = json!({"app": name});
        self.api.apply(service(namespace, name, &labels)).unwrap();
        self.slice(namespace, name, endpoints);
    }

    /// The endpoints of a Service.
    pub(crate) fn slice(&self, namespace: &str, name: &str, endpoints: &[Endpoint]) {
        let labels = json!({"app": name});
        let slice = endpoint_slice(namespace, name, 0, &labels, PORT, endpoints);
        self.api.apply(slice).unwrap();
    }

    /// Requests of a kind so far.
    pub(crate) fn asked(&self, verb: Verb, kind: &str) -> Vec<Asked> {
        let ledger = self.api.ledger().into_iter();
        ledger
            .filter(|asked| asked.verb == verb && asked.kind == kind)
            .collect()
    }

    /// Requests so far.
    pub(crate) fn requests(&self) -> usize {
        self.api.ledger().len()
    }
}

/// A pod on the agent's node.
pub(crate) fn here(ip: impl Into<IpAddr>, pod: &str) -> Endpoint {
    Endpoint::new(ip, pod, NODE)
}

/// An address for a pod that nobody connects to.
pub(crate) fn ip(n: u8) -> IpAddr {
    IpAddr::from([198, 51, 100, n])
}

/// A pool as the API shows it; null if there is none.
pub(crate) fn pool(agent: &Agent, name: &str) -> Value {
    let body = agent.get(&format!("/api/v1/pools/{name}")).unwrap().body;
    let mut answer: Value = serde_json::from_str(&body).unwrap();
    answer["pool"].take()
}

/// The addresses of a pool's members: of `backends` or of `standby`.
pub(crate) fn members(agent: &Agent, name: &str, of: &str) -> Vec<String> {
    let pool = pool(agent, name);
    let members = pool[of].as_array().map_or(&[][..], Vec::as_slice);
    let address = |member: &Value| member["address"].as_str().unwrap().to_owned();
    members.iter().map(address).collect()
}

/// The names of all pools.
pub(crate) fn pools(agent: &Agent) -> Vec<String> {
    let body = agent.get("/api/v1/pools").unwrap().body;
    let answer: Value = serde_json::from_str(&body).unwrap();
    let pools = answer["pools"].as_array().unwrap().iter();
    pools
        .map(|pool| pool["name"].as_str().unwrap().to_owned())
        .collect()
}

/// The source as `/api/v1/status` shows it.
pub(crate) fn source(agent: &Agent) -> Value {
    let body = agent.get("/api/v1/status").unwrap().body;
    let answer: Value = serde_json::from_str(&body).unwrap();
    let sources = answer["discovery"]["sources"].as_array().unwrap();
    let found = sources.iter().find(|it| it["source"] == "kubernetes");
    found.unwrap().clone()
}

/// When the source was last known to be right, in seconds.
pub(crate) fn fresh(agent: &Agent) -> f64 {
    let series = "evenkeel_discovery_last_success_timestamp_seconds{source=\"kubernetes\"}";
    agent.metric(series).unwrap()
}

/// Waits until the agent shows what changed.
pub(crate) fn follows(agent: &Agent, what: &str, shown: impl Fn() -> bool) {
    within(PROMISED, agent, what, shown);
}

/// Waits until the agent shows something, and prints how long that took.
pub(crate) fn within(time: Duration, agent: &Agent, what: &str, shown: impl Fn() -> bool) {
    let since = Instant::now();
    let followed = wait_until(time, what, &shown);
    followed.unwrap_or_else(|error| panic!("{error}\n{}", agent.log()));
    eprintln!("{what}: after {} ms", since.elapsed().as_millis());
}
