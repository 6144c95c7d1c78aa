//! The command line: help texts, exit codes, and where words go.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::process::{Command, Output};

fn evenkeel(arguments: &[&str]) -> Output {
    // What should end by itself and does not must not hold the tests up.
    let mut command = Command::new("timeout");
    command
        .args(["20", env!("CARGO_BIN_EXE_evenkeel")])
        .args(arguments)
        // Help is wrapped at the width of the terminal; a fixed one keeps the snapshots still.
        .env("COLUMNS", "100");
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn help_texts() {
    for arguments in [
        vec!["--help"],
        vec!["run", "--help"],
        vec!["audit", "--help"],
        vec!["backtest", "--help"],
        vec!["gate", "--help"],
        vec!["top", "--help"],
        vec!["check-config", "--help"],
        vec!["doctor", "--help"],
        vec!["completions", "--help"],
        vec!["man", "--help"],
    ] {
        let output = evenkeel(&arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        insta::assert_snapshot!(arguments.join(" "), text(&output.stdout));
    }
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    for arguments in [
        vec![],
        vec!["fly"],
        vec!["run", "--speed"],
        vec!["run", "--log-level", "evenkeel=loud"],
        vec!["check-config", "--output", "xml"],
    ] {
        let output = evenkeel(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(
            text(&output.stdout),
            "",
            "{arguments:?}: data alone goes to standard output"
        );
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn a_configuration_that_is_not_there_is_a_usage_error_with_a_way_out() {
    let output = evenkeel(&["run", "--config", "/nowhere/evenkeel.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    let message = text(&output.stderr);
    assert!(
        message.contains("/nowhere/evenkeel.yaml") && message.contains("--config"),
        "{message}"
    );
}
