//! The agent as a pod of the cluster: its service account, and the name of its node from the environment.

use std::process::Command;

use evenkeel_lab::agent::Agent;
use evenkeel_lab::netns::Namespace;

use crate::bed::{Cluster, here, ip, pools, source};
use crate::common::{EVENKEEL, alone};

/// Puts a service account where pods have it, seen by this process alone, and becomes the agent.
const BECOME: &str = "mount -t tmpfs tmpfs /run && mkdir -p /run/secrets/kubernetes.io && \
    cp -r \"$ACCOUNT\" /run/secrets/kubernetes.io/serviceaccount && exec \"$0\" run \"$@\"";

#[test]
fn in_a_pod_the_service_account_and_the_environment_are_enough() {
    let _alone = alone();
    let cluster = Cluster::new();
    cluster.serve("shop", "checkout", &[here(ip(1), "pod")]);
    let account = tempfile::tempdir().unwrap();
    cluster.api.write_service_account(account.path()).unwrap();
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c", BECOME, EVENKEEL])
        .env("ACCOUNT", account.path())
        .env("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        .env(
            "KUBERNETES_SERVICE_PORT",
            cluster.api.address().port().to_string(),
        )
        .env("NODE_NAME", "worker-1");
    let config = "interval: 200ms\ndiscovery: {kubernetes: {}}\n";
    let mut agent = Agent::launch_by(command, &Namespace::current(), config).unwrap();
    agent.wait_ready().unwrap();
    assert_eq!(pools(&agent), ["shop/checkout:http"]);
    assert!(source(&agent)["error"].is_null());
}
