//! A machine to install into: a systemd of its own, as PID 1 of its own namespaces, in a copy of the host's root that is in memory.
//!
//! It shares the kernel with the host, so that what is installed counts. Its processes are in a cgroup of their own. Everything is gone
//! when the value is dropped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::process::Process;
use evenkeel_lab::wait::{wait_for, wait_until};
use tempfile::TempDir;

use crate::shell::output;

const INIT: &str = include_str!("machine.sh");

/// How long systemd may take to start.
const BOOT: Duration = Duration::from_secs(90);

/// The most seconds that a command in it may take.
const PATIENCE: &str = "120";

/// A running machine.
pub(super) struct Machine {
    systemd: Process,
    pid: u32,
    cgroup: PathBuf,
    _folder: TempDir,
}

impl Machine {
    /// Boots it, until its systemd has nothing to start any longer.
    pub(super) fn boot() -> Result<Self> {
        let folder = TempDir::with_prefix("evenkeel-machine-")?;
        let name = folder.path().file_name().context("a folder has a name")?;
        let root = cgroup_root()?;
        let cgroup = root.join(name);
        fs::create_dir(&cgroup)
            .with_context(|| format!("cannot make the cgroup {}", cgroup.display()))?;
        let mut command = Command::new("sh");
        command
            .args(["-c", "echo $$ > \"$0/cgroup.procs\"; exec \"$@\""])
            .arg(&cgroup)
            // It does not outlive the task, however that ends.
            .args(["setpriv", "--pdeathsig", "KILL", "unshare", "--kill-child"])
            .args(["--fork", "--pid", "--mount", "--uts", "--ipc", "--net"])
            .args(["--cgroup", "sh", "-c", INIT, "machine"])
            .args([folder.path(), &root]);
        let systemd = Process::spawn(&Namespace::current(), "the machine", &mut command)?;
        let mut machine = Self {
            systemd,
            pid: 0,
            cgroup,
            _folder: folder,
        };
        machine.await_boot().with_context(|| {
            let said = machine.systemd.stderr();
            format!("no systemd as PID 1 of a machine:\n{said}")
        })?;
        Ok(machine)
    }

    fn await_boot(&mut self) -> Result<()> {
        let outside = self.systemd.pid();
        let children = PathBuf::from(format!("/proc/{outside}/task/{outside}/children"));
        self.pid = wait_for(BOOT, "PID 1", || {
            self.systemd.check()?;
            let child: Option<u32> = fs::read_to_string(&children)?.trim().parse().ok();
            let comm = child.map(|pid| fs::read_to_string(format!("/proc/{pid}/comm")));
            let is_systemd = matches!(comm, Some(Ok(name)) if name == "systemd\n");
            Ok(child.filter(|_| is_systemd))
        })?;
        let mut state = String::new();
        wait_until(BOOT, "systemd to have started all", || {
            let said = self.execute(&["systemctl", "is-system-running"]);
            state = said.map_or_else(
                |error| error.to_string(),
                |said| String::from_utf8_lossy(&said.stdout).trim().to_owned(),
            );
            state == "running" || state == "degraded"
        })
        .with_context(|| state.clone())
    }

    /// Runs a command inside, and says what it printed; an error if it does not succeed.
    pub(super) fn run(&self, words: &[&str]) -> Result<String> {
        let (success, text) = self.attempt(words)?;
        ensure!(success, "{} failed: {text}", words.join(" "));
        Ok(text)
    }

    /// Runs a command inside: whether it succeeded, and what it printed.
    pub(super) fn attempt(&self, words: &[&str]) -> Result<(bool, String)> {
        let Output {
            status,
            stdout,
            stderr,
        } = self.execute(words)?;
        let text = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
        Ok((status.success(), text.trim().to_owned()))
    }

    /// Runs a command in the namespaces and the cgroup of PID 1.
    fn execute(&self, words: &[&str]) -> Result<Output> {
        let mut command = Command::new("timeout");
        command
            .args([PATIENCE, "sh", "-c"])
            .arg("echo $$ > \"$0/init.scope/cgroup.procs\" && exec \"$@\"")
            .arg(&self.cgroup)
            .args(["nsenter", "--all", "--target", &self.pid.to_string()])
            .args(["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
            .args(["LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"])
            .args(words);
        command
            .output()
            .with_context(|| format!("cannot run {}", words.join(" ")))
    }

    /// The path of a file inside, as the host sees it.
    pub(super) fn path(&self, inside: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{inside}", self.pid))
    }

    /// Puts a file into its `/root`, and says where it is there.
    pub(super) fn put(&self, file: &Path) -> Result<String> {
        let name = file.file_name().context("not a file")?.to_string_lossy();
        let inside = format!("/root/{name}");
        fs::copy(file, self.path(&inside))
            .with_context(|| format!("cannot copy {} into the machine", file.display()))?;
        Ok(inside)
    }

    /// The end of its journal, for what went wrong.
    pub(super) fn journal(&self) -> String {
        let words = ["journalctl", "--no-pager", "--lines=40"];
        self.attempt(&words).map_or_else(
            |error| format!("no journal: {error:#}"),
            |(_, journal)| journal,
        )
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // With it ends PID 1, and with that all others in there, and their mounts.
        if let Err(error) = self.systemd.kill() {
            eprintln!("{error:#}");
        }
        let gone = wait_until(Duration::from_secs(20), "the cgroup to be empty", || {
            remove(&self.cgroup).is_ok()
        });
        if let Err(error) = gone {
            eprintln!("{}: {error:#}", self.cgroup.display());
        }
    }
}

/// Removes a cgroup with those below it.
fn remove(cgroup: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(cgroup)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove(&entry.path())?;
        }
    }
    fs::remove_dir(cgroup)
}

/// Where the cgroup v2 hierarchy is mounted.
fn cgroup_root() -> Result<PathBuf> {
    let found = output(Command::new("findmnt").args(["-n", "-o", "TARGET", "-t", "cgroup2"]))?;
    match found.lines().next() {
        Some(point) => Ok(point.trim().into()),
        None => bail!("no cgroup v2 hierarchy is mounted"),
    }
}
