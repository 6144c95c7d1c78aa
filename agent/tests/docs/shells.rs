//! Manual pages and completions, as those who read them do: man, mandoc, and real shells.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use clap::CommandFactory;
use evenkeel::commands::Cli;
use tempfile::TempDir;

use crate::EVENKEEL;

/// Runs a program that must not hang.
fn run(words: &[&str]) -> Output {
    Command::new("timeout")
        .arg("30")
        .args(words)
        .env("MANWIDTH", "80")
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// What a program prints, if it succeeds and has nothing to complain about.
fn quiet(words: &[&str]) -> String {
    let output = run(words);
    let complaint = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && complaint.is_empty(),
        "{words:?}: {complaint}{text}"
    );
    text
}

fn manual() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    quiet(&[EVENKEEL, "man", folder.path().to_str().unwrap()]);
    folder
}

/// The names of the subcommands.
fn subcommands() -> Vec<String> {
    let cli = Cli::command();
    cli.get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect()
}

#[test]
fn every_command_has_a_manual_page_without_faults() {
    let folder = manual();
    let pages = subcommands()
        .into_iter()
        .map(|name| format!("evenkeel-{name}.1"));
    let pages: Vec<String> = pages.chain(["evenkeel.1".to_owned()]).collect();
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        pages.len()
    );
    for page in pages {
        let file = folder.path().join(&page);
        let file = file.to_str().unwrap();
        quiet(&["mandoc", "-T", "lint", "-W", "warning", file]);
        let text = quiet(&["man", "--warnings", "--local-file", file]);
        let name = page.trim_end_matches(".1");
        for wanted in ["NAME", name, "SYNOPSIS", "OPTIONS", "--help"] {
            assert!(text.contains(wanted), "{page} lacks {wanted}: {text}");
        }
    }
}

#[test]
fn the_first_page_has_the_exit_codes() {
    let folder = manual();
    let page = folder.path().join("evenkeel.1");
    let text = quiet(&["man", "--local-file", page.to_str().unwrap()]);
    let (_, codes) = text.split_once("EXIT STATUS").unwrap();
    for code in 0..=5 {
        assert!(codes.contains(&format!("\n       {code}  ")), "{codes}");
    }
}

fn script(shell: &str, folder: &Path) -> String {
    let file = folder.join(shell);
    std::fs::write(&file, quiet(&[EVENKEEL, "completions", shell])).unwrap();
    file.to_str().unwrap().to_owned()
}

/// What bash offers for the last of some words, of which the first is the command.
fn offered_by_bash(script: &str, words: &[&str]) -> Vec<String> {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let last = words.len() - 1;
    let before = words[last - 1];
    let offered = quiet(&[
        "bash",
        "--norc",
        "-c",
        &format!(
            "source {script}; COMP_WORDS=({}); COMP_CWORD={last}; \
             $(complete -p evenkeel | sed 's/.*-F \\([^ ]*\\).*/\\1/') evenkeel '{}' '{before}'; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            quoted.join(" "),
            words[last]
        ),
    ]);
    offered.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_values() {
    let folder = tempfile::tempdir().unwrap();
    let script = script("bash", folder.path());
    let commands = offered_by_bash(&script, &["evenkeel", ""]);
    for name in subcommands() {
        assert!(commands.contains(&name), "{name} is not in {commands:?}");
    }
    assert_eq!(offered_by_bash(&script, &["evenkeel", "aud"]), ["audit"]);
    let options = offered_by_bash(&script, &["evenkeel", "audit", "--s"]);
    assert_eq!(options, ["--severity"]);
    let values = offered_by_bash(&script, &["evenkeel", "audit", "--severity", ""]);
    assert_eq!(values, ["error", "warning", "note"]);
}

#[test]
fn the_other_shells_have_scripts_that_name_every_command() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        let file = script(shell, folder.path());
        let text = std::fs::read_to_string(file).unwrap();
        for name in subcommands() {
            assert!(text.contains(&name), "{shell} lacks {name}");
        }
    }
}

#[test]
fn zsh_and_fish_take_their_scripts() {
    let folder = tempfile::tempdir().unwrap();
    quiet(&["zsh", "-n", &script("zsh", folder.path())]);
    let fish = script("fish", folder.path());
    let offered = quiet(&[
        "fish",
        "--no-config",
        "-c",
        &format!("source {fish}; complete -C 'evenkeel aud'"),
    ]);
    assert!(offered.starts_with("audit"), "{offered}");
}
