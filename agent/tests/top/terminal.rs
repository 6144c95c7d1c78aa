//! The terminal is as it was, however the view ends.

use evenkeel_lab::netns::Namespace;
use rustix::process::{Pid, Signal, kill_process};

use crate::bed::binary;
use crate::fixtures::small;
use crate::http::Running;
use crate::tmux::Tmux;

/// The settings of the terminal that a shell sees.
const SETTINGS: &str = "echo settings $(stty -g)";

fn settings(terminal: &Tmux, times: usize) -> String {
    terminal.line(SETTINGS);
    let screen = terminal.wait_that("the settings", |screen| {
        let found = screen.lines().filter(|line| line.starts_with("settings "));
        found.count() == times && screen.trim_end().ends_with("ready>")
    });
    let last = screen.lines().rfind(|line| line.starts_with("settings "));
    last.unwrap().to_owned()
}

#[test]
fn the_terminal_is_given_back_however_it_ends() {
    let server = Running::start(small());
    let terminal = Tmux::start(&Namespace::current(), (100, 60));
    let before = settings(&terminal, 1);
    // The shell says the process' id before it becomes the process.
    let file = tempfile::NamedTempFile::new().unwrap();
    let command = format!(
        "sh -c 'echo $$ > {}; exec {} top --url http://{}'; echo code $?",
        file.path().display(),
        binary(),
        server.address
    );
    let id = || {
        let text = std::fs::read_to_string(file.path()).unwrap();
        Pid::from_raw(text.trim().parse().unwrap()).unwrap()
    };
    let ends: [&dyn Fn(); 4] = [
        &|| terminal.keys(&["q"]),
        &|| terminal.keys(&["C-c"]),
        &|| kill_process(id(), Signal::TERM).unwrap(),
        &|| kill_process(id(), Signal::INT).unwrap(),
    ];
    for (number, end) in (1..).zip(ends) {
        terminal.line(&command);
        terminal.wait("● live");
        end();
        terminal.wait_that("the end", |screen| {
            screen.matches("code 0").count() == number && screen.trim_end().ends_with("ready>")
        });
        let screen = terminal.screen();
        assert!(
            !screen.contains("● live"),
            "the user's screen is back:\n{screen}"
        );
        assert_eq!(settings(&terminal, number + 1), before);
    }
}

#[test]
fn it_pauses_and_goes_on() {
    let server = Running::start(small());
    let terminal = Tmux::start(&Namespace::current(), (100, 60));
    terminal.line(&format!(
        "set -m; {} top --url http://{}",
        binary(),
        server.address
    ));
    terminal.wait("● live");
    terminal.keys(&["C-z"]);
    terminal.wait_prompt();
    terminal.line("fg");
    terminal.wait("● live");
    terminal.keys(&["q"]);
    terminal.wait_prompt();
}
