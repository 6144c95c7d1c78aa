//! A terminal that nobody sees: a tmux server of its own with one session.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use evenkeel_lab::netns::Namespace;
use evenkeel_lab::process::run;
use evenkeel_lab::wait::wait_until;

/// How long anything may take to be on the screen. An incident takes longest: it needs evidence.
const DEADLINE: Duration = Duration::from_secs(60);

/// What the shell in the terminal says when it is ready for a command.
const PROMPT: &str = "ready>";

/// A terminal with a shell; it ends when this is dropped.
pub(crate) struct Tmux {
    socket: String,
}

impl Tmux {
    /// A terminal of that many columns and rows, whose shell runs in `namespace`.
    pub(crate) fn start(namespace: &Namespace, (columns, rows): (u16, u16)) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Relaxed);
        let terminal = Self {
            socket: format!("evenkeel-{}-{number}", std::process::id()),
        };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let mut command = terminal.command();
        command.args([
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &columns,
            "-y",
            &rows,
        ]);
        command.args(["env", &format!("PS1={PROMPT}"), "LC_ALL=C.UTF-8", "sh"]);
        namespace.enter(|| run(&mut command).unwrap()).unwrap();
        terminal.wait(PROMPT);
        terminal
    }

    fn command(&self) -> Command {
        let mut command = Command::new("tmux");
        command
            .env_remove("TMUX")
            .env_remove("NO_COLOR")
            .env("LC_ALL", "C.UTF-8");
        command.args(["-u", "-L", &self.socket]);
        command
    }

    /// Types a line into the shell.
    pub(crate) fn line(&self, text: &str) {
        run(self.command().args(["send-keys", "-l", text])).unwrap();
        self.keys(&["Enter"]);
    }

    /// Presses keys, by tmux's names.
    pub(crate) fn keys(&self, keys: &[&str]) {
        run(self.command().arg("send-keys").args(keys)).unwrap();
    }

    /// Changes the size of the terminal.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        let (columns, rows) = (columns.to_string(), rows.to_string());
        run(self
            .command()
            .args(["resize-window", "-x", &columns, "-y", &rows]))
        .unwrap();
    }

    /// What the terminal shows.
    pub(crate) fn screen(&self) -> String {
        run(self.command().args(["capture-pane", "-p"])).unwrap()
    }

    /// What it shows, with the escape sequences for colours.
    pub(crate) fn coloured(&self) -> String {
        run(self.command().args(["capture-pane", "-p", "-e"])).unwrap()
    }

    /// Waits until a text is on the screen.
    pub(crate) fn wait(&self, text: &str) -> String {
        self.wait_that(text, |screen| screen.contains(text))
    }

    /// Waits until the screen is as it should be.
    pub(crate) fn wait_that(&self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        let mut screen = String::new();
        let waited = wait_until(DEADLINE, what, || {
            screen = self.screen();
            fits(&screen)
        });
        waited.unwrap_or_else(|error| panic!("{error}:\n{screen}"));
        screen
    }

    /// Waits for the shell, after the command that was typed last: its output, and then a prompt.
    pub(crate) fn wait_prompt(&self) -> String {
        self.wait_that("the shell", |screen| screen.trim_end().ends_with(PROMPT))
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        // The shell and all in it get SIGHUP.
        if let Err(error) = run(self.command().arg("kill-server")) {
            eprintln!("{error:#}");
        }
    }
}
