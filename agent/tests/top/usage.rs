//! What cannot be shown is said, with the way out.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use evenkeel_lab::netns::Namespace;

use crate::answer::Answer;
use crate::common::EVENKEEL;

/// Who may nothing: the id that stands for nobody.
const NOBODY: u32 = 65534;

/// On a host where nobody else serves.
fn on_own_host(test: impl FnOnce() + Send) {
    Namespace::create("host").unwrap().enter(test).unwrap();
}

fn top(arguments: &[&str]) -> Answer {
    let mut command = Command::new("timeout");
    command.args(["30", EVENKEEL, "top"]).args(arguments);
    Answer::of(&command.output().unwrap())
}

#[test]
fn without_a_terminal_it_says_how_to_get_a_table() {
    let answer = top(&[]);
    assert_eq!((answer.code, answer.out.as_str()), (2, ""));
    assert!(answer.err.contains("--once"), "{}", answer.err);
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    for (arguments, wanted) in [
        (&["--once", "--url", "lb.example:9797"][..], "--url"),
        (
            &["--once", "--url", "http://me:secret@lb.example"],
            "--password-file",
        ),
        (&["--once", "--username", "ann"], "--password-file"),
        (&["--output", "json"], "--once"),
        (
            &["--once", "--config", "/nowhere/evenkeel.yaml"],
            "/nowhere/evenkeel.yaml",
        ),
    ] {
        let answer = top(arguments);
        assert_eq!(answer.code, 2, "{answer:?}");
        assert!(
            answer.err.contains(wanted) && !answer.err.contains(":secret@lb"),
            "{}",
            answer.err
        );
    }
}

#[test]
fn an_agent_that_is_named_must_be_there() {
    on_own_host(|| {
        let answer = top(&["--once", "--url", "http://127.0.0.1:9"]);
        assert_eq!(answer.code, 1, "{answer:?}");
        assert!(
            answer.err.contains("http://127.0.0.1:9") && answer.err.contains("refused"),
            "{}",
            answer.err
        );
    });
}

#[test]
fn without_an_agent_and_without_root_it_says_what_to_do() {
    on_own_host(|| {
        // Nobody may not read what is built here, but may run what is open already.
        let binary = std::fs::File::open(EVENKEEL).unwrap();
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&binary));
        rustix::io::fcntl_setfd(&binary, rustix::io::FdFlags::empty()).unwrap();
        let mut command = Command::new("timeout");
        command
            .args(["30", &path, "top", "--once"])
            .uid(NOBODY)
            .gid(NOBODY);
        let answer = Answer::of(&command.output().unwrap());
        assert_eq!(answer.code, 1, "{answer:?}");
        for wanted in [
            "no agent answers at http://127.0.0.1:9797",
            "evenkeel run",
            "--url",
            "root",
        ] {
            assert!(answer.err.contains(wanted), "{wanted}: {}", answer.err);
        }
    });
}
