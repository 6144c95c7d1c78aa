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
    /// Apache httpd.
    Apache,
    /// Caddy.
    Caddy,
    /// Traefik.
    Traefik,
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::Nginx,
        Self::Haproxy,
        Self::Envoy,
        Self::Apache,
        Self::Caddy,
        Self::Traefik,
    ];

    /// The name that users write for the product.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Envoy => "envoy",
            Self::Apache => "apache",
            Self::Caddy => "caddy",
            Self::Traefik => "traefik",
        }
    }

    /// The name that users read.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "HAProxy",
            Self::Envoy => "Envoy",
            Self::Apache => "Apache httpd",
            Self::Caddy => "Caddy",
            Self::Traefik => "Traefik",
        }
    }

    /// All of them, as users read them: `nginx, HAProxy or Envoy`.
    pub fn titles() -> String {
        let mut titles = Self::ALL.map(Self::title).to_vec();
        let last = titles.pop().unwrap_or_default();
        format!("{} or {last}", titles.join(", "))
    }

    /// The names of its program.
    const fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Nginx => &["nginx"],
            Self::Haproxy => &["haproxy"],
            Self::Envoy => &["envoy"],
            // Of Debian, and of others.
            Self::Apache => &["apache2", "httpd"],
            Self::Caddy => &["caddy"],
            Self::Traefik => &["traefik"],
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
            .find(|kind| kind.programs().contains(&process.program.as_str()))
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
            _ => Self::of(process) == Some(self),
        };
        let children = table.processes().filter(|child| child.parent == main.pid);
        children.filter(serves).collect()
    }

    /// When the configuration was loaded that now takes connections.
    ///
    /// nginx: when the oldest worker started, as one that died is replaced without a reload. HAProxy: when the newest did,
    /// as older ones finish their connections under the same title. Envoy has no workers, and no reload of its file. Apache
    /// httpd starts workers by load too, and Caddy and Traefik load without a new process: it is known when they started.
    pub(super) fn loaded(self, main: &Process, workers: &[&Process]) -> SystemTime {
        let starts = workers.iter().map(|worker| worker.started);
        let loaded = match self {
            Self::Nginx => starts.min(),
            Self::Haproxy => starts.max(),
            _ => None,
        };
        loaded.unwrap_or(main.started)
    }
}
