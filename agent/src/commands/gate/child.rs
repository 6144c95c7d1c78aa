//! The command under gate: started, passed signals, and its end.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tracing::debug;

use crate::gate::report::End;

/// How long a terminal's interrupt may take to end the command before it is sent once more, by the gate.
const TERMINAL_WAS_IT: Duration = Duration::from_secs(1);

/// A running command.
pub(super) struct Running {
    child: Child,
    /// Whether it is the first of a process group of its own. It is none on a terminal, which would stop it for reading.
    own_group: bool,
    /// An interrupt that the terminal has sent to the command as well, most likely.
    interrupted: Option<Instant>,
}

impl Running {
    /// Starts it. Its standard output goes to standard error if `apart`, so that a report alone is in standard output.
    pub(super) fn start(words: &[OsString], apart: bool) -> io::Result<Self> {
        let Some((program, arguments)) = words.split_first() else {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        };
        let own_group = !io::stdin().is_terminal();
        let mut command = Command::new(program);
        command.args(arguments);
        if own_group {
            command.process_group(0);
        }
        if apart {
            command.stdout(Stdio::from(io::stderr().as_fd().try_clone_to_owned()?));
        }
        Ok(Self {
            child: command.spawn()?,
            own_group,
            interrupted: None,
        })
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> io::Result<Option<End>> {
        if self
            .interrupted
            .is_some_and(|when| when.elapsed() > TERMINAL_WAS_IT)
        {
            self.interrupted = None;
            self.send(Signal::INT);
        }
        Ok(self.child.try_wait()?.map(end))
    }

    /// Passes on a signal that the gate was sent.
    pub(super) fn pass_on(&mut self, signal: Signal) {
        if signal == Signal::INT && !self.own_group {
            self.interrupted = Some(Instant::now());
        } else {
            self.send(signal);
        }
    }

    fn send(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let Some(id) = id else { return };
        // It may have ended just now: nobody has waited for it yet, so that the id is still its own.
        let sent = if self.own_group {
            kill_process_group(id, signal)
        } else {
            kill_process(id, signal)
        };
        if let Err(error) = sent {
            debug!(%error, "the command cannot be signalled");
        }
    }
}

impl Drop for Running {
    /// When counting fails, the command must not outlive the gate.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.send(Signal::KILL);
            drop(self.child.wait());
        }
    }
}

fn end(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Code(code),
        (None, Some(signal)) => End::Signal(signal),
        (None, None) => End::Code(-1),
    }
}
