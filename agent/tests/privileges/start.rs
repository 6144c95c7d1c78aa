//! With which capabilities the agent starts and counts, and what it says without one of them.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use evenkeel_lab::backend::{Backend, Options, Protocol};
use evenkeel_lab::client::{LongLived, Plan};
use evenkeel_lab::ledger::Column;
use evenkeel_lab::network::{Family, Layout, Network};
use evenkeel_lab::wait::wait_until;
use serde_json::Value;

use crate::common::{CONNECTIONS, alone, config, pool, wait_equal};
use crate::rights::{LIVE, WALK, WALK_ALL, as_nobody, as_root, ready};

const BYTES: [Column; 2] = [Column::ToBackend, Column::FromBackend];

fn network() -> (Network, Backend, Vec<SocketAddr>) {
    let layout = Layout {
        clients: 1,
        backend_hosts: 1,
        backend_addresses: 2,
        balancers: 0,
    };
    let network = Network::build(&layout).unwrap();
    let backend = network
        .serve(&Options::new(Protocol::Lab), Family::V4, 80)
        .unwrap();
    let addresses = backend.addresses().to_vec();
    (network, backend, addresses)
}

/// Whether unprivileged users may make nothing in the kernel; then it is certain that no right is needed for what goes on.
fn unprivileged_bpf_is_off() -> bool {
    let setting = std::fs::read_to_string("/proc/sys/kernel/unprivileged_bpf_disabled").unwrap();
    setting.trim() != "0"
}

#[test]
fn three_capabilities_suffice_to_count_exactly_as_root_and_as_nobody() {
    let _alone = alone();
    assert!(
        unprivileged_bpf_is_off(),
        "set kernel.unprivileged_bpf_disabled=2"
    );
    let (network, _backend, addresses) = network();
    let config = config(&[pool("out", "upstream", addresses.iter().copied())]);
    let folder = tempfile::tempdir().unwrap();
    for command in [as_root(LIVE), as_nobody(LIVE, &folder)] {
        let agent = ready(command, &config);
        assert_eq!(agent.metric("evenkeel_kernel_live_view").unwrap(), 1.0);
        let truth = Plan::new(addresses.iter().copied(), 3_000)
            .run(&network.sources())
            .unwrap();
        wait_equal(&agent, "out", &truth, &CONNECTIONS);
        // Written to the kernel after the rights were given up: other endpoints, and back again.
        agent.reconfigure(&config.replace(":80'", ":81'")).unwrap();
        let gone = || {
            agent
                .pool("out")
                .is_ok_and(|pool| pool.ledger().total().opened == 0)
        };
        wait_until(Duration::from_secs(10), "the other endpoints", gone).unwrap();
        agent.reconfigure(&config).unwrap();
        let back = || {
            agent
                .pool("out")
                .is_ok_and(|pool| pool.ledger().get(addresses[0]).opened == 0)
        };
        wait_until(Duration::from_secs(10), "the endpoints again", back).unwrap();
        let log = agent.log();
        assert!(log.contains("no capability is left"), "{log}");
    }
}

#[test]
fn with_more_of_them_the_open_connections_of_other_namespaces_are_visited() {
    let _alone = alone();
    let (network, _backend, addresses) = network();
    let config = config(&[pool("out", "upstream", addresses.iter().copied())]);
    let folder = tempfile::tempdir().unwrap();
    for command in [
        as_root(WALK),
        as_root(WALK_ALL),
        as_nobody(WALK, &folder),
        as_nobody(WALK_ALL, &folder),
    ] {
        let agent = ready(command, &config);
        let mut open = LongLived::open(network.sources()[0], &addresses, 40).unwrap();
        for round in 0..2 {
            // None of it is seen in the hook while the connections are open.
            open.exchange(10_000 + round).unwrap();
            wait_equal(
                &agent,
                "out",
                &open.ledger(),
                &[&CONNECTIONS[..], &BYTES].concat(),
            );
        }
        let status: Value =
            serde_json::from_str(&agent.get("/api/v1/status").unwrap().body).unwrap();
        assert_eq!(status["kernel"]["view"]["unreachable"], 0, "{status:#}");
    }
}

#[test]
fn without_one_of_them_it_is_named() {
    let _alone = alone();
    let config = config(&[pool("one", "upstream", ["192.0.2.1:80".parse().unwrap()])]);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        file.path(),
        format!("web: {{listen: '127.0.0.1:0'}}\n{config}"),
    )
    .unwrap();
    // Without the first two there is nothing to be had.
    for (rest, missing) in [
        ("net_admin,perfmon", "CAP_BPF"),
        ("bpf,perfmon", "CAP_NET_ADMIN"),
    ] {
        let mut command = as_root(rest);
        command
            .arg("--config")
            .arg(file.path())
            .stdin(Stdio::null());
        let output = command.output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(
            message.contains(&format!("missing capabilities: {missing}.")),
            "{message}"
        );
    }
    // Without the others the agent counts, and says what it does not see.
    let deaf = ready(as_root("bpf,net_admin"), &config);
    assert!(deaf.log().contains("needs CAP_PERFMON"), "{}", deaf.log());
    drop(deaf);
    let (_network, _backend, addresses) = network();
    let near = ready(
        as_root(LIVE),
        &super::common::config(&[pool("out", "upstream", addresses)]),
    );
    assert!(
        near.log().contains("CAP_SYS_ADMIN is needed"),
        "{}",
        near.log()
    );
}
