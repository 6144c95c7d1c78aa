//! A gate on a host that has its agent: both count the same connections, each for itself.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use evenkeel_lab::backend::{Backend, Options, Protocol};
use evenkeel_lab::client::{LongLived, Plan, Way};
use evenkeel_lab::ledger::{Column, Ledger};
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::wait::wait_until;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::tempdir;

use crate::bed::{Answer, BACKENDS, alike, command};
use crate::common::{CONNECTIONS, agent, config, pool, wait_equal};
use crate::host::{at, on_own_host};
use crate::phases::gate_counts;

/// The agent's pool of the backends of this bed.
fn pools() -> String {
    config(&[pool("shop", "upstream", BACKENDS.map(at))])
}

fn backend(host: &Namespace) -> Backend {
    let addresses = BACKENDS.map(at).to_vec();
    Backend::start(&[(host, addresses)], &Options::new(Protocol::Lab)).unwrap()
}

/// A gate that counts until the file `end` is there; it does when this returns.
fn until(end: &Path, folder: &Path) -> Child {
    let config = alike(folder);
    let begun = folder.join("begun");
    let script = format!(
        "touch {}; until [ -e {} ]; do sleep 0.05; done",
        begun.display(),
        end.display()
    );
    let arguments = [
        "--config", &config, "--output", "json", "--", "sh", "-c", &script,
    ];
    let mut command = command(&arguments);
    let gate = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let gate = gate.spawn().unwrap();
    wait_until(Duration::from_secs(30), "the gate to count", || {
        begun.exists()
    })
    .unwrap();
    assert!(gate_counts());
    gate
}

/// What a gate reported, as a ledger: connections and bytes.
fn counted(answer: &Answer) -> Ledger {
    let mut ledger = Ledger::default();
    for one in answer.json()["pools"][0]["backends"].as_array().unwrap() {
        let tally = ledger.tally(at(one["name"].as_str().unwrap()));
        let counted = &one["counted"];
        let number = |value: &serde_json::Value| value.as_u64().unwrap();
        tally.opened = number(&counted["connections"]["opened"]);
        tally.failed.refused = number(&counted["connections"]["failed"]);
        tally.closed.client_fin = number(&counted["connections"]["closed"]);
        tally.to_backend = number(&counted["bytes"]["sent"]);
        tally.from_backend = number(&counted["bytes"]["received"]);
    }
    ledger
}

fn traffic(host: &Namespace) -> Ledger {
    let mut plan = Plan::new(BACKENDS.map(at), 2000);
    plan.mix = Way::ALL.map(|way| (way, 1)).to_vec();
    plan.run(&[host]).unwrap()
}

#[test]
fn both_count_every_connection_and_every_byte() {
    on_own_host(|host| {
        let _backend = backend(host);
        let agent = agent(&pools());
        // Open before the gate comes, and in use while it counts: it sees what they carry from then on.
        let mut older = LongLived::open(host, &BACKENDS.map(at), 8).unwrap();
        older.exchange(10_000).unwrap();
        let before = older.ledger();
        wait_equal(&agent, "shop", &before, &CONNECTIONS);
        let folder = tempdir().unwrap();
        let end = folder.path().join("end");
        let gate = until(&end, folder.path());
        let mut truth = traffic(host);
        older.exchange(5_000).unwrap();
        let bytes = truth.total();
        let during = {
            let (now, then) = (older.ledger().total(), before.total());
            (
                now.to_backend - then.to_backend,
                now.from_backend - then.from_backend,
            )
        };
        std::fs::write(&end, "").unwrap();
        let answer = Answer::of(&gate.wait_with_output().unwrap());
        let seen = counted(&answer);
        let columns = [Column::Opened, Column::Failed, Column::Closed];
        truth.compare(&seen, &columns).unwrap();
        assert_eq!(
            (seen.total().to_backend, seen.total().from_backend),
            (bytes.to_backend + during.0, bytes.from_backend + during.1),
            "{answer:?}"
        );
        // The agent has seen all of it, and none twice.
        truth.merge(&older.ledger());
        let all = [&CONNECTIONS[..], &[Column::ToBackend, Column::FromBackend]].concat();
        wait_equal(&agent, "shop", &truth, &all);
    });
}

#[test]
fn a_gate_that_is_killed_leaves_the_agent_counting() {
    on_own_host(|host| {
        let _backend = backend(host);
        let agent = agent(&pools());
        let folder = tempdir().unwrap();
        let gate = until(&folder.path().join("never"), folder.path());
        let mut kept = LongLived::open(host, &BACKENDS.map(at), 8).unwrap();
        kept.exchange(3_000).unwrap();
        let mut truth = traffic(host);
        kill_gate(&gate);
        wait_until(Duration::from_secs(10), "its program to go", || {
            !gate_counts()
        })
        .unwrap();
        kept.exchange(3_000).unwrap();
        kept.close(8, Way::ClientFin).unwrap();
        truth.merge(&traffic(host));
        truth.merge(&kept.ledger());
        let all = [&CONNECTIONS[..], &[Column::ToBackend, Column::FromBackend]].concat();
        wait_equal(&agent, "shop", &truth, &all);
        drop(gate.wait_with_output());
    });
}

/// Kills the gate under `timeout`, and the command that it can no longer end.
fn kill_gate(timeout: &Child) {
    let gate = child_of(timeout.id());
    let command = child_of(gate);
    for pid in [gate, command] {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).unwrap();
        kill_process(pid, Signal::KILL).unwrap();
    }
}

fn child_of(pid: u32) -> u32 {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let children = std::fs::read_to_string(path).unwrap();
    children.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn a_second_gate_gives_way() {
    on_own_host(|_| {
        let folder = tempdir().unwrap();
        let end = folder.path().join("end");
        let first = until(&end, folder.path());
        let second = crate::bed::gate(&["--config", &alike(folder.path()), "--", "true"]);
        std::fs::write(&end, "").unwrap();
        assert_eq!(second.code, 1, "{second:?}");
        assert!(
            second
                .err
                .contains("another evenkeel gate counts on this host already"),
            "{second:?}"
        );
        assert_eq!(first.wait_with_output().unwrap().status.code(), Some(4));
    });
}
