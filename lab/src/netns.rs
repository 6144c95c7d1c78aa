//! Network namespaces that go away with the value that stands for them.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::process::run;

/// Where `ip netns` keeps its handles.
const HANDLES: &str = "/run/netns";

/// What the names of all namespaces made here begin with; the owner's process id follows.
const PREFIX: &str = "ek-";

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A network namespace: either one made here, deleted on drop, or the one in which this process already is.
pub struct Namespace {
    made: Option<Made>,
}

struct Made {
    name: String,
    handle: File,
}

impl Namespace {
    /// Makes a namespace with loopback up. Its name is `ek-<process id>-<label>-<number>`.
    pub fn create(label: &str) -> Result<Self> {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{label}-{number}", std::process::id());
        run(Command::new("ip").args(["netns", "add", &name]))
            .context("namespaces need root and iproute2")?;
        let handle = match File::open(Path::new(HANDLES).join(&name)) {
            Ok(handle) => handle,
            Err(error) => {
                delete(&name)?;
                return Err(error).with_context(|| format!("cannot open namespace {name}"));
            }
        };
        let namespace = Self {
            made: Some(Made { name, handle }),
        };
        namespace.ip("link set lo up")?;
        Ok(namespace)
    }

    /// The namespace in which this process already is. Nothing is deleted on drop.
    pub fn current() -> Self {
        Self { made: None }
    }

    /// The name that `ip netns` knows; none for the current one.
    pub fn name(&self) -> Option<&str> {
        self.made.as_ref().map(|made| made.name.as_str())
    }

    /// Runs `work` on a fresh thread inside. Sockets that it makes stay inside for good, processes too.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        let inside = || {
            if let Some(made) = &self.made {
                move_into_link_name_space(made.handle.as_fd(), Some(LinkNameSpaceType::Network))
                    .with_context(|| format!("cannot enter namespace {}", made.name))?;
            }
            Ok(work())
        };
        let ended = std::thread::scope(|scope| scope.spawn(inside).join());
        ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Starts a process inside. [`crate::process::Process::spawn`] also ends it.
    pub fn spawn(&self, command: &mut Command) -> Result<Child> {
        self.enter(|| command.spawn())?
            .with_context(|| format!("cannot start {command:?}"))
    }

    /// Sets a sysctl inside, for example `set("net/ipv4/tcp_tw_reuse", "1")`.
    pub fn set(&self, key: &str, value: &str) -> Result<()> {
        // The kernel shows the sysctls of the namespace in which the opening thread is.
        self.enter(|| std::fs::write(Path::new("/proc/sys").join(key), value))?
            .with_context(|| format!("cannot set sysctl {key} to {value}"))
    }

    /// Runs a batch of `ip` commands inside, one per line.
    pub(crate) fn ip(&self, batch: &str) -> Result<()> {
        let file = tempfile::NamedTempFile::new().context("no temporary file for ip")?;
        std::fs::write(file.path(), batch).context("cannot write commands for ip")?;
        let mut command = Command::new("ip");
        if let Some(name) = self.name() {
            command.args(["-netns", name]);
        }
        run(command.arg("-batch").arg(file.path()))
            .with_context(|| format!("in this batch:\n{batch}"))
            .map(drop)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if let Some(made) = &self.made
            && let Err(error) = delete(&made.name)
        {
            eprintln!("{error:#}");
        }
    }
}

fn delete(name: &str) -> Result<()> {
    run(Command::new("ip").args(["netns", "delete", name])).map(drop)
}

/// Removes the namespaces of processes that died without cleaning up, and ends what still runs inside of those.
/// Returns their names. The namespaces of living processes are left alone.
pub fn sweep() -> Result<Vec<String>> {
    let Ok(handles) = std::fs::read_dir(HANDLES) else {
        // Without the folder no namespace was ever made.
        return Ok(Vec::new());
    };
    let mut swept = Vec::new();
    for handle in handles {
        let name = handle
            .context("cannot list namespaces")?
            .file_name()
            .to_string_lossy()
            .into_owned();
        if owner(&name).is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists()) {
            end_processes(&name)?;
            delete(&name)?;
            swept.push(name);
        }
    }
    Ok(swept)
}

/// The process that made the namespace of this name, if the name is one of ours.
fn owner(name: &str) -> Option<u32> {
    name.strip_prefix(PREFIX)?.split('-').next()?.parse().ok()
}

fn end_processes(name: &str) -> Result<()> {
    let inside = run(Command::new("ip").args(["netns", "pids", name]))?;
    for pid in inside
        .lines()
        .filter_map(|line| Pid::from_raw(line.trim().parse().ok()?))
    {
        // An error means that it has just ended by itself.
        let _ = rustix::process::kill_process(pid, Signal::KILL);
    }
    Ok(())
}
