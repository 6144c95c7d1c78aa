//! Child processes that end when the value that stands for them is dropped, also when a test panics.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions};

use crate::netns::Namespace;
use crate::wait::wait_until;

/// How long a process may take to follow SIGTERM before it gets SIGKILL.
const PATIENCE: Duration = Duration::from_secs(5);

/// How much of a process' output goes into an error message, in bytes.
const TAIL: usize = 4096;

/// A running child with its own process group. The group ends with its leader, and when this value is dropped.
pub struct Process {
    name: String,
    child: Child,
    /// Set once the child has been reaped; from then on its id may belong to somebody else.
    status: Option<ExitStatus>,
    stdout: File,
    stderr: File,
}

impl Process {
    /// Starts `command` inside `namespace`; `name` appears in error messages. Standard input is empty; standard output
    /// and error are kept and can be read at any time.
    pub fn spawn(namespace: &Namespace, name: &str, command: &mut Command) -> Result<Self> {
        let stdout = tempfile::tempfile().context("no temporary file for standard output")?;
        let stderr = tempfile::tempfile().context("no temporary file for standard error")?;
        command
            .stdin(Stdio::null())
            .stdout(stdout.try_clone()?)
            .stderr(stderr.try_clone()?)
            // A group of its own, so that grandchildren (workers of a balancer) can be ended with it.
            .process_group(0);
        let child = namespace
            .spawn(command)
            .with_context(|| format!("cannot start {name}: {command:?}"))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            status: None,
            stdout,
            stderr,
        })
    }

    /// The process' id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard output so far.
    pub fn stdout(&self) -> String {
        contents(&self.stdout)
    }

    /// What it has written to standard error so far.
    pub fn stderr(&self) -> String {
        contents(&self.stderr)
    }

    /// The last lines of its output, for error messages.
    pub fn tail(&self) -> String {
        let text = format!("{}{}", self.stdout(), self.stderr());
        let start = text.len().saturating_sub(TAIL);
        String::from_utf8_lossy(&text.as_bytes()[start..]).into_owned()
    }

    /// Whether it still runs.
    pub fn running(&self) -> bool {
        self.status.is_none() && !self.exited()
    }

    /// An error with the end of its output if it runs no more.
    pub fn check(&mut self) -> Result<()> {
        if self.running() {
            return Ok(());
        }
        let status = self.kill()?;
        bail!("{} ended with {status}:\n{}", self.name, self.tail())
    }

    /// Sends a signal to the process (not to its group).
    pub fn signal(&self, signal: Signal) -> Result<()> {
        if self.status.is_some() {
            bail!(
                "{} has ended, so that it cannot be sent {signal:?}",
                self.name
            );
        }
        rustix::process::kill_process(self.id()?, signal)
            .with_context(|| format!("cannot send {signal:?} to {}", self.name))
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self, deadline: Duration) -> Result<ExitStatus> {
        let what = format!("the end of {}", self.name);
        wait_until(deadline, &what, || !self.running()).with_context(|| self.tail())?;
        self.kill()
    }

    /// Ends it with SIGTERM, or with SIGKILL if it does not follow within five seconds.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        if self.running() {
            self.signal(Signal::TERM)?;
            // What does not follow is killed below: running out of patience is no error.
            drop(wait_until(PATIENCE, "SIGTERM to be followed", || {
                !self.running()
            }));
        }
        self.kill()
    }

    /// Ends it and its group with SIGKILL, at once and without a chance to clean up.
    pub fn kill(&mut self) -> Result<ExitStatus> {
        if let Some(status) = self.status {
            return Ok(status);
        }
        // The leader is not reaped yet, so that the group's id can belong to nobody else.
        rustix::process::kill_process_group(self.id()?, Signal::KILL)
            .with_context(|| format!("cannot kill {}", self.name))?;
        let status = self
            .child
            .wait()
            .with_context(|| format!("cannot wait for {}", self.name))?;
        self.status = Some(status);
        Ok(status)
    }

    /// Whether the child has ended; leaves it to be reaped.
    fn exited(&self) -> bool {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        self.id()
            .is_ok_and(|id| !matches!(rustix::process::waitid(WaitId::Pid(id), look), Ok(None)))
    }

    fn id(&self) -> Result<Pid> {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        id.with_context(|| format!("{} has no process id", self.name))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("{error:#}");
        }
    }
}

/// Reads a file that a child is writing without moving the position that both share.
fn contents(file: &File) -> String {
    let mut bytes = vec![
        0;
        file.metadata()
            .map_or(0, |meta| usize::try_from(meta.len()).unwrap_or(0))
    ];
    let read = file.read_at(&mut bytes, 0).unwrap_or(0);
    String::from_utf8_lossy(&bytes[..read]).into_owned()
}

/// Runs a short command to its end and returns its standard output; an error shows its standard error.
pub fn run(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!(
            "{command:?} ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Raises this process' limit of open files to the hard limit: thousands of connections need thousands of descriptors.
pub fn raise_file_limit() -> Result<()> {
    let Rlimit { maximum, .. } = rustix::process::getrlimit(Resource::Nofile);
    rustix::process::setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    )
    .context("cannot raise the limit of open files")
}
