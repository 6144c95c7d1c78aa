//! What becomes of a gate whose command goes wrong, or makes no traffic.

use std::process::Stdio;
use std::time::Duration;

use evenkeel::kernel::{CgroupRoot, Identity, attached_programs};
use evenkeel_lab::wait::wait_until;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::tempdir;

use crate::bed::{Answer, alike, command, gate};
use crate::host::on_own_host;

/// Whether a gate's program is attached.
pub(crate) fn gate_counts() -> bool {
    let root = CgroupRoot::find(None).unwrap();
    let programs = attached_programs(&root).unwrap();
    programs
        .iter()
        .any(|program| program.identity() == Some(Identity::Gate))
}

/// Requests to where nobody listens.
const REFUSED: &str =
    "for a in 2 3 4 5; do (exec 3<>/dev/tcp/127.0.0.$a/8001) 2>/dev/null; done; true";

#[test]
fn a_command_that_is_killed_has_tested_nothing() {
    on_own_host(|_| {
        let folder = tempdir().unwrap();
        let config = alike(folder.path());
        let killed = ["--output", "json", "--", "sh", "-c", "kill -9 $$"];
        let answer = gate(&[&["--config", &config], &killed[..]].concat());
        assert_eq!(answer.code, 5, "{answer:?}");
        assert_eq!(answer.json()["command"]["signal"], 9);
        let text = gate(&["--config", &config, "--", "sh", "-c", "kill -9 $$"]);
        assert!(
            text.out.contains("failed: it was ended by signal 9"),
            "{text:?}"
        );
    });
}

#[test]
fn a_command_that_cannot_be_started_is_a_usage_error() {
    on_own_host(|_| {
        let folder = tempdir().unwrap();
        let config = alike(folder.path());
        for (program, told) in [
            ("/nowhere/wrk", "cannot start `/nowhere/wrk`: No such file"),
            (
                "/etc/passwd",
                "cannot start `/etc/passwd`: Permission denied",
            ),
        ] {
            let answer = gate(&["--config", &config, "--", program]);
            assert_eq!((answer.code, answer.out.as_str()), (2, ""), "{answer:?}");
            assert!(answer.err.contains(told), "{answer:?}");
        }
        assert!(!gate_counts(), "the hook is detached");
    });
}

#[test]
fn no_traffic_at_all_is_inconclusive() {
    on_own_host(|_| {
        let folder = tempdir().unwrap();
        let config = alike(folder.path());
        let named = gate(&["--config", &config, "--", "true"]);
        assert_eq!(named.code, 4, "{named:?}");
        assert!(named.out.contains("there were no connections"), "{named:?}");
        let learned = gate(&["--", "true"]);
        assert_eq!(learned.code, 4, "{learned:?}");
        assert!(
            learned.out.contains("name the pools by --config"),
            "{learned:?}"
        );
    });
}

#[test]
fn attempts_that_all_fail_tell_nothing_of_shares() {
    on_own_host(|_| {
        let folder = tempdir().unwrap();
        let config = alike(folder.path());
        let run = |limit: &'static [&'static str]| {
            let command = ["--", "bash", "-c", REFUSED];
            gate(&[&["--config", &config], limit, &command].concat())
        };
        let shares = run(&["--max-to-mean", "1.2"]);
        assert_eq!(shares.code, 4, "{shares:?}");
        assert!(
            shares
                .out
                .contains("cannot be told; all 4 attempts to connect failed"),
            "{shares:?}"
        );
        assert_eq!(run(&["--no-failed"]).code, 3);
    });
}

#[test]
fn control_c_ends_the_command_and_reports_what_was_counted() {
    on_own_host(|_| {
        let folder = tempdir().unwrap();
        let config = alike(folder.path());
        let begun = folder.path().join("begun");
        let script = format!("{REFUSED}; touch {}; exec sleep 60", begun.display());
        let gate = command(&["--config", &config, "--", "bash", "-c", &script])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        wait_until(Duration::from_secs(20), "the command to run", || {
            begun.exists()
        })
        .unwrap();
        // `timeout` passes it on.
        kill_process(Pid::from_child(&gate), Signal::INT).unwrap();
        let answer = Answer::of(&gate.wait_with_output().unwrap());
        assert_eq!(answer.code, 5, "{answer:?}");
        assert!(
            answer.out.contains("interrupted by signal 2")
                && answer.out.contains("ended by signal 2"),
            "{answer:?}"
        );
        assert!(
            answer.out.contains("all 4 attempts to connect failed"),
            "{answer:?}"
        );
        assert!(!gate_counts(), "the hook is detached");
    });
}
