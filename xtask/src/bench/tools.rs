//! What is compared in the kernel: nothing, this agent, and its peers.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use evenkeel_lab::agent::Agent;
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::parts;
use evenkeel_lab::process::Process;
use evenkeel_lab::wait::wait_for;

use super::agents;
use super::bpf::{Attached, Program};
use super::held::{Runs, runs};
use super::report::thousands;
use super::site::{Site, pools};

/// How long a tool may take until its programs run.
const PATIENCE: Duration = Duration::from_secs(20);

/// Endpoints that an agent watches, and how many of them get the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watched {
    /// So many, and all get traffic in turn.
    All(usize),
    /// So many, and all traffic goes to one of them.
    OneOf(usize),
    /// One that gets no traffic; the traffic goes to another.
    Other,
}

/// A tool that has programs in the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    /// A program that does nothing, on the agent's hook.
    Empty,
    /// The agent.
    Evenkeel(Watched),
    /// `tcplife` of libbpf-tools.
    Tcplife,
    /// `tcpstates` of libbpf-tools.
    Tcpstates,
    /// bpftrace, counting on the tracepoint that the two above use.
    Bpftrace,
}

/// A tool at work; it ends when the value is dropped.
pub(super) struct Running {
    pid: u32,
    holder: Holder,
}

enum Holder {
    Program {
        _program: Program,
        _attached: Attached,
    },
    Agent(Box<Agent>),
    Process(Process),
}

impl Watched {
    fn name(self) -> String {
        match self {
            Self::All(1) => "1 watched endpoint".to_owned(),
            Self::All(count) => format!("{} watched endpoints in turn", thousands(count)),
            Self::OneOf(count) => format!("1 of {} watched endpoints", thousands(count)),
            Self::Other => "unwatched traffic".to_owned(),
        }
    }
}

impl Tool {
    /// What it is called in tables.
    pub(super) fn name(self) -> String {
        match self {
            Self::Empty => "empty sock_ops program".to_owned(),
            Self::Evenkeel(watched) => format!("evenkeel, {}", watched.name()),
            Self::Tcplife => "tcplife (libbpf-tools)".to_owned(),
            Self::Tcpstates => "tcpstates (libbpf-tools)".to_owned(),
            Self::Bpftrace => "bpftrace, count()".to_owned(),
        }
    }

    /// The endpoints that its traffic goes to.
    pub(super) fn targets(self) -> usize {
        match self {
            Self::Evenkeel(Watched::All(count)) => count,
            _ => 1,
        }
    }

    /// Starts it, and waits until its programs see connections at the site.
    pub(super) fn start(self, binary: &Path, site: &Site) -> Result<Running> {
        let (pid, holder) = match self {
            Self::Empty => {
                let program = Program::empty()?;
                let attached = program.attach()?;
                (
                    std::process::id(),
                    Holder::Program {
                        _program: program,
                        _attached: attached,
                    },
                )
            }
            Self::Evenkeel(watched) => {
                let mut agent = agents::start(binary, &config(watched, site))?;
                (agent.process().pid(), Holder::Agent(Box::new(agent)))
            }
            Self::Tcplife => peer(&mut Command::new(parts::require("tcplife")?))?,
            Self::Tcpstates => peer(&mut Command::new(parts::require("tcpstates")?))?,
            Self::Bpftrace => {
                let program = "tracepoint:sock:inet_sock_set_state { @ = count(); }";
                peer(Command::new(parts::require("bpftrace")?).args(["-e", program]))?
            }
        };
        let mut running = Running { pid, holder };
        let what = format!("{} to see connections", self.name());
        let seen = wait_for(PATIENCE, &what, || {
            running.check()?;
            let before = running.runs()?;
            site.pairs(self.targets(), 1)?;
            Ok((running.runs()?.since(before).count > 0).then_some(()))
        });
        seen.with_context(|| running.output())?;
        Ok(running)
    }
}

impl Running {
    /// An error if it ended.
    fn check(&mut self) -> Result<()> {
        match &mut self.holder {
            Holder::Program { .. } => Ok(()),
            Holder::Agent(agent) => agent.process().check(),
            Holder::Process(process) => process.check(),
        }
    }

    /// What it said, for error messages.
    fn output(&mut self) -> String {
        match &mut self.holder {
            Holder::Program { .. } => String::new(),
            Holder::Agent(agent) => agent.process().tail(),
            Holder::Process(process) => process.tail(),
        }
    }

    /// What its programs ran so far.
    pub(super) fn runs(&self) -> Result<Runs> {
        runs(self.pid)
    }
}

fn peer(command: &mut Command) -> Result<(u32, Holder)> {
    let name = command.get_program().to_string_lossy().into_owned();
    let process = Process::spawn(&Namespace::current(), &name, command)?;
    Ok((process.pid(), Holder::Process(process)))
}

/// An agent whose walks of the socket table stay out of the way: they are measured by themselves.
fn config(watched: Watched, site: &Site) -> String {
    let pools = match watched {
        Watched::All(count) | Watched::OneOf(count) => pools("upstream", site.endpoints(count)),
        Watched::Other => pools(
            "upstream",
            std::iter::once(SocketAddr::from(([192, 0, 2, 1], 80))),
        ),
    };
    format!("live_interval: 5m\npools:\n{pools}")
}
