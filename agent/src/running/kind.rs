//! How each balancer's processes look, and which of them read the configuration.

use std::time::SystemTime;

use evenkeel_balancers::Product;

use super::process::{Process, Table};

/// A balancer that is recognised among processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// nginx, and what is built from it under its name.
    Nginx,
    /// HAProxy.
    Haproxy,
    /// Envoy.
    Envoy,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Nginx, Self::Haproxy, Self::Envoy];

    /// The name of its program, and the one that users write for the product.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Envoy => "envoy",
        }
    }

    /// The name that users read.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "HAProxy",
            Self::Envoy => "Envoy",
        }
    }

    /// The reader of its configuration, if there is one.
    pub fn product(self) -> Option<Product> {
        Product::from_name(self.as_str())
    }

    /// What a process is, by the name of its program.
    pub(super) fn of(process: &Process) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| process.program == kind.as_str())
    }

    /// Whether a process is the one that others of its kind descend from. After an upgrade of the program nginx' new
    /// master is a child of the old one, and both serve.
    pub(super) fn is_main(self, process: &Process, table: &Table) -> bool {
        let parent = table.get(process.parent).and_then(Self::of);
        parent != Some(self) || process.title().starts_with("nginx: master process")
    }

    /// The processes that a main process started to serve and that take new connections.
    pub(super) fn workers<'t>(self, main: &Process, table: &'t Table) -> Vec<&'t Process> {
        let serves = |process: &&Process| match self {
            // Those that finish their connections after a reload are titled "... is shutting down".
            Self::Nginx => {
                let title = process.title();
                title.starts_with("nginx: worker process") && !title.contains("shutting down")
            }
            Self::Haproxy | Self::Envoy => Self::of(process) == Some(self),
        };
        let children = table.processes().filter(|child| child.parent == main.pid);
        children.filter(serves).collect()
    }

    /// When the configuration was loaded that now takes connections.
    ///
    /// nginx: when the oldest worker started, as one that died is replaced without a reload. HAProxy: when the newest did,
    /// as older ones finish their connections under the same title. Envoy has no workers, and no reload of its file.
    pub(super) fn loaded(self, main: &Process, workers: &[&Process]) -> SystemTime {
        let starts = workers.iter().map(|worker| worker.started);
        let loaded = match self {
            Self::Nginx => starts.min(),
            Self::Haproxy | Self::Envoy => starts.max(),
        };
        loaded.unwrap_or(main.started)
    }
}
