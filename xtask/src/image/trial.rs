//! Runs the image with exactly the manifest's rights and mounts, and compares what it counts with what the traffic's own
//! generator wrote down.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use evenkeel_lab::agent::Agent;
use evenkeel_lab::backend::{Options, Protocol};
use evenkeel_lab::client::{LongLived, Plan};
use evenkeel_lab::ledger::{Column, Ledger};
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::network::{Family, Layout, Network};
use evenkeel_lab::parts;

use super::filter::Filter;
use super::manifest::{self, Pod};
use super::podman::Container;
use super::{cluster, version_label};

/// Connections of the trial.
const CONNECTIONS: u64 = 5_000;

const EXACT: [Column; 4] = [Column::Opened, Column::Failed, Column::Closed, Column::Open];

/// Runs the image, and looks at what it counts and what it may do.
pub(super) fn run() -> Result<()> {
    for program in ["podman", "crun"] {
        if parts::require(program).is_err() {
            parts::install(&[program])?;
        }
    }
    version_label()?;
    let pod = Pod::read(manifest::AGENT)?;
    let began = Instant::now();
    says_why_it_cannot(&pod)?;
    counts(&pod)?;
    println!(
        "image: with the rights and mounts of {} it counts {CONNECTIONS} connections exactly, and keeps what it should \
         ({:.1?})",
        manifest::AGENT,
        began.elapsed()
    );
    cluster::run(&pod)
}

fn counts(pod: &Pod) -> Result<()> {
    let network = Network::build(&Layout {
        clients: 2,
        backend_hosts: 1,
        backend_addresses: 3,
        balancers: 1,
    })?;
    let backend = network.serve(&Options::new(Protocol::Lab), Family::Both, 80)?;
    let addresses = backend.addresses().to_vec();
    let mut yaml =
        "interval: 200ms\nlive_interval: 1s\npools:\n- name: out\n  backends:\n".to_owned();
    for address in &addresses {
        writeln!(yaml, "  - address: '{address}'")?;
    }
    // The network of the agent's pod, in which it is asked as well.
    let here = &network.balancers[0].namespace;
    here.enter(|| compare(pod, &network, addresses, &yaml))?
}

fn compare(pod: &Pod, network: &Network, addresses: Vec<SocketAddr>, yaml: &str) -> Result<()> {
    let container = Container::new("agent", Filter::Usual)?;
    let command = container.run(pod, &[], &[]);
    let mut agent = Agent::launch_by(command, &Namespace::current(), yaml)?;
    agent.wait_ready()?;

    let mut open = LongLived::open(network.sources()[0], &addresses, 30)?;
    open.exchange(10_000)?;
    let mut truth = open.ledger();
    equal(&agent, &truth, &EXACT)?;
    if walks(pod) {
        // What is sent over connections of another namespace is seen by entering it alone.
        equal(&agent, &truth, &[Column::ToBackend, Column::FromBackend])?;
    }
    truth.merge(&Plan::new(addresses, CONNECTIONS).run(&network.sources())?);
    equal(&agent, &truth, &EXACT)?;
    is_confined(pod, &container).with_context(|| agent.log())?;
    agent.process().stop()?;
    Ok(())
}

fn equal(agent: &Agent, truth: &Ledger, columns: &[Column]) -> Result<()> {
    let compared = agent.wait_pool("out", |pool| truth.compare(&pool.ledger(), columns));
    compared.map(drop).context("truth / agent in its container")
}

/// Whether the manifest gives what it takes to enter other network namespaces.
fn walks(pod: &Pod) -> bool {
    let rights = &pod.container().security_context.capabilities.add;
    rights.iter().any(|name| name.ends_with("SYS_ADMIN"))
}

/// What the kernel says of each thread of the agent.
fn is_confined(pod: &Pod, container: &Container) -> Result<()> {
    let pid = container.process()?;
    let context = &pod.container().security_context;
    let kept = ["SYS_ADMIN", "SYS_PTRACE"];
    let bit = |name: &str| match name {
        "SYS_ADMIN" => 1_u64 << 21,
        _ => 1 << 19,
    };
    let given = |name: &&&str| {
        context
            .capabilities
            .add
            .iter()
            .any(|one| one.ends_with(**name))
    };
    let left: u64 = kept.iter().filter(given).map(|name| bit(name)).sum();
    let mut threads = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let status = fs::read_to_string(task?.path().join("status"))?;
        let expected = [
            ("CapEff:", format!("{left:016x}")),
            ("CapPrm:", format!("{left:016x}")),
            ("CapInh:", format!("{:016x}", 0)),
            ("CapAmb:", format!("{:016x}", 0)),
            ("NoNewPrivs:", "1".to_owned()),
            ("Seccomp:", "2".to_owned()),
            ("Uid:", context.run_as_user.to_string()),
        ];
        for (field, value) in expected {
            let line = status.lines().find_map(|line| line.strip_prefix(field));
            let line = line.with_context(|| format!("no {field} in {status}"))?;
            ensure!(
                line.split_whitespace().next() == Some(&value),
                "{field}{line}, not {value}, of a thread of the agent in its container"
            );
        }
        threads += 1;
    }
    ensure!(threads > 2, "{threads} threads of process {pid}");
    if context.read_only_root_filesystem {
        let mounts = fs::read_to_string(format!("/proc/{pid}/mountinfo"))?;
        let root = mounts
            .lines()
            .find(|line| line.split(' ').nth(4) == Some("/"));
        let options: BTreeSet<&str> = root
            .and_then(|line| line.split(' ').nth(5))
            .unwrap_or_default()
            .split(',')
            .collect();
        ensure!(
            options.contains("ro"),
            "the container's root can be written to: {root:?}"
        );
    }
    Ok(())
}

/// Without the host's hierarchy the agent would count the connections of its own container alone; and behind a filter that an
/// older runtime sets it cannot load.
fn says_why_it_cannot(pod: &Pod) -> Result<()> {
    let alone = Container::new("alone", Filter::Usual)?;
    let filtered = Container::new("filtered", Filter::WithoutBpf)?;
    for (command, reason) in [
        (
            alone.run_without_mounts(pod),
            "is not the root of the cgroup v2 hierarchy",
        ),
        (
            filtered.run(pod, &[], &[]),
            "a seccomp profile refuses bpf(2)",
        ),
    ] {
        let Err(error) = Agent::launch_by(command, &Namespace::current(), "") else {
            bail!("the agent counts although {reason}");
        };
        let message = format!("{error:#}");
        ensure!(
            message.contains(reason),
            "instead of that {reason:?} the agent says: {message}"
        );
    }
    Ok(())
}
