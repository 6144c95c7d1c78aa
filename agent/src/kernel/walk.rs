//! When to visit the connections that stay open, and visiting them.

use std::io;
use std::time::{Duration, Instant};

use evenkeel_abi::Settings;

use super::capability::{Capabilities, Capability};
use super::host::{in_initial_pid_namespace, netns_cookie};
use super::load::{Loaded, WalkProgram};
use super::namespaces::{Namespaces, Visited};

/// A walk may take this part of a core at most: where it would take more, it is done less often, and the view says so.
const LARGEST_PART: u32 = 20;

/// Visits all network namespaces, every so often.
#[derive(Debug)]
pub(super) struct Walker {
    program: WalkProgram,
    namespaces: Namespaces,
    interval: Duration,
    next: Instant,
    /// Whether the namespaces of all processes of the host can be seen from here.
    sees_all: bool,
}

impl Walker {
    pub(super) fn new(program: WalkProgram, interval: Duration) -> Self {
        Self {
            program,
            namespaces: Namespaces::default(),
            interval,
            next: Instant::now(),
            sees_all: in_initial_pid_namespace() && may_look_at_processes(),
        }
    }

    /// Whether the interval has passed since the last walk.
    pub(super) fn is_due(&self) -> bool {
        Instant::now() >= self.next
    }

    pub(super) fn set_interval(&mut self, interval: Duration) {
        self.interval = interval;
        self.next = self.next.min(Instant::now() + interval);
    }

    /// Whether a connection that no walk meets is closed, or may be in a namespace that is hidden from here.
    pub(super) fn sees_all_namespaces(&self) -> bool {
        self.sees_all
    }

    /// Visits every open connection once.
    pub(super) fn walk(&mut self, loaded: &Loaded, settings: &mut Settings) -> io::Result<Visited> {
        let program = &self.program;
        self.namespaces.visit(|| {
            settings.walk_netns = netns_cookie()?.0;
            // The programs take 0 for "never walked".
            settings.walk = settings.walk.wrapping_add(1).max(1);
            loaded.set_settings(*settings)?;
            program.run()
        })
    }

    /// Notes how long the last walk took; gives the interval in force.
    pub(super) fn finished(&mut self, took: Duration) -> Duration {
        let every = self.interval.max(took * LARGEST_PART);
        self.next = Instant::now() + every;
        every
    }
}

/// Without this the namespaces of processes that have other rights are hidden.
fn may_look_at_processes() -> bool {
    Capabilities::effective().is_ok_and(|held| held.has(Capability::SysPtrace))
}
