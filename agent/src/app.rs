//! The running agent: built from a configuration, with everything that can fail failing there; then run until told
//! to stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::conductor::{Applicant, Conductor};
use crate::config::Config;
use crate::counting::{Counting, Memory};
use crate::engine::Plan;
use crate::history::History;
use crate::kernel::{self, Capability};
use crate::model::{Incident, NetnsCookie, State, WebFile};
use crate::privileges::{Kept, Loader, Reason};
use crate::publish::alerts::{self, Alerts, AlertsHandle, Identity};
use crate::publish::{Access, AccessHandle, Server, Supervisor};
use crate::recording::{Beginning, Recorder};
use crate::reload::{ReloadHandle, ReloadStatus, Request};
use crate::runner::{Runner, RunnerHandle};

/// How long requests and the last tick may take to end once the agent was told to stop.
const DRAIN: Duration = Duration::from_secs(5);

/// What the command line adds to the configuration.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The file that the configuration came from, to be read again on reload; `None` if there is none.
    pub config_file: Option<PathBuf>,
    /// Whose connections are counted.
    pub extent: kernel::Extent,
    /// Where to record what is counted.
    pub record: Option<Record>,
    /// What this process has not given up; `None` if it gives nothing up.
    pub kept: Option<Kept>,
}

/// Where to record, and how much.
#[derive(Clone, Debug)]
pub struct Record {
    /// The file.
    pub file: PathBuf,
    /// The most bytes that the file may have.
    pub limit: u64,
}

/// An agent that counts, and serves once it is run.
pub struct App {
    runner: Runner,
    handle: RunnerHandle,
    state: watch::Receiver<Arc<State>>,
    server: Server,
    conductor: Conductor,
    reload: ReloadHandle,
    reloader: Reloader,
    history: Option<History>,
    alerts: Alerts,
    access: AccessHandle,
    supervisor: Supervisor,
}

impl App {
    /// Loads and attaches the programs, which the loader does; reads the counters for the first time, binds the address. On
    /// error nothing is left in the kernel.
    pub fn build(config: &Config, setup: Setup, loader: Loader) -> anyhow::Result<Self> {
        let (reload, requests, status) = ReloadHandle::channel();
        let access = AccessHandle::default();
        access.replace(Access::open(&config.web.file)?);
        let mut history = None;
        let mut recording = None;
        let counting = Counting::begin(
            kernel::Identity::Agent,
            config,
            setup.extent.clone(),
            loader,
            |plan, netns| {
                let mut past = Vec::new();
                if let Some(directory) = &config.incidents_directory {
                    let (kept, found) = History::open(directory)?;
                    (history, past) = (Some(kept), found);
                }
                let recorder = record(setup.record.as_ref(), plan, netns, &past)?;
                recording = recorder.as_ref().map(Recorder::statistics);
                Ok(Memory { past, recorder })
            },
        )?;
        let Counting {
            runner,
            handle,
            state,
            conductor,
            applicant,
            discovery,
        } = counting;
        let server = Server::bind(config.web.listen, state.clone(), reload.clone())?;
        let identity = Identity {
            node: node()?,
            listen: server.local_addr(),
            https: access.current().is_encrypted(),
        };
        let (alerts, receivers) = Alerts::start(state.clone(), &config.alerting, identity)?;
        let server = server
            .with_alerts(receivers.clone())
            .with_discovery(discovery)
            .with_access(access.clone())
            .with_recording(recording);
        let supervisor = Supervisor::of_environment(state.clone(), reload.clone());
        let reloader = Reloader {
            requests,
            status,
            applicant,
            file: setup.config_file,
            kept: setup.kept,
            listen: config.web.listen,
            incidents: config.incidents_directory.clone(),
            receivers,
            access: access.clone(),
            supervisor: supervisor.clone(),
        };
        Ok(Self {
            runner,
            handle,
            state,
            server,
            conductor,
            reload,
            reloader,
            history,
            alerts,
            access,
            supervisor,
        })
    }

    /// Where the agent serves HTTP; tells the port if the configuration left it to the system.
    pub fn address(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// The address of the page.
    pub fn page(&self) -> String {
        let encrypted = self.access.current().is_encrypted();
        let scheme = if encrypted { "https" } else { "http" };
        format!("{scheme}://{}/", self.address())
    }

    /// The state after each tick.
    pub fn state(&self) -> watch::Receiver<Arc<State>> {
        self.state.clone()
    }

    /// Asks for reloads.
    pub fn reload(&self) -> ReloadHandle {
        self.reload.clone()
    }

    /// Runs until `stop` is cancelled; the hook is detached and all requests are answered when this returns.
    ///
    /// # Errors
    /// If a part of the agent ended unasked: its name and why.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let Self {
            runner,
            handle,
            server,
            conductor,
            reloader,
            history,
            alerts,
            state,
            supervisor,
            ..
        } = self;
        let (ended, ticking) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("evenkeel-tick".to_owned())
            .spawn(move || drop(ended.send(runner.run())))
            .context("cannot start the thread that ticks")?;
        let serving = CancellationToken::new();
        let mut server = tokio::spawn(server.serve(serving.clone()));
        let mut reloads = tokio::spawn(reloader.run());
        let mut discovering = tokio::spawn(conductor.run(handle.clone()));
        let telling = CancellationToken::new();
        let mut teller = tokio::spawn(alerts.run(telling.clone()));
        let mut ticking = ticking;
        let keeping = CancellationToken::new();
        let keeper = history.map(|history| tokio::spawn(history.keep(state, keeping.clone())));
        supervisor.ready();
        let following = tokio::spawn(supervisor.clone().follow());

        let outcome = tokio::select! {
            () = stop.cancelled() => Ok(()),
            ended = &mut ticking => Err(unasked("the tick", ended.context("it panicked").flatten())),
            ended = &mut server => Err(unasked("the HTTP server", ended.context("it panicked").flatten())),
            ended = &mut teller => Err(unasked("the sender of alerts", ended.context("it panicked"))),
            ended = &mut discovering => Err(unasked("the discovery of pools", ended.context("it panicked"))),
            ended = &mut reloads => Err(unasked("the reloader", ended.context("it panicked"))),
        };
        info!("stopping");
        following.abort();
        supervisor.stopping();
        serving.cancel();
        handle.stop();
        reloads.abort();
        discovering.abort();
        let drained = tokio::time::timeout(DRAIN, async {
            if !server.is_finished() {
                drop(server.await);
            }
            if !thread.is_finished() {
                drop(ticking.await);
            }
            // After the last tick, so that nothing is missing.
            keeping.cancel();
            telling.cancel();
            if !teller.is_finished() {
                drop(teller.await);
            }
            if let Some(keeper) = keeper {
                drop(keeper.await);
            }
        });
        if drained.await.is_err() {
            error!("requests or the last tick did not end within {DRAIN:?}; ending without them");
        }
        outcome
    }
}

fn unasked(what: &str, ended: anyhow::Result<()>) -> anyhow::Error {
    match ended {
        Ok(()) => anyhow!("{what} ended although nobody asked it to"),
        Err(error) => error.context(format!("{what} failed")),
    }
}

/// Begins to record, if that is wanted.
fn record(
    record: Option<&Record>,
    plan: &Plan,
    own: NetnsCookie,
    past: &[Incident],
) -> anyhow::Result<Option<Recorder>> {
    let Some(Record { file, limit }) = record else {
        return Ok(None);
    };
    let open = past.iter().filter(|incident| incident.is_open());
    let beginning = Beginning {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        node: node()?,
        own,
        past: open.cloned().collect(),
        plan: plan.clone(),
    };
    let recorder = Recorder::start(file, *limit, &beginning).context("cannot record")?;
    Ok(Some(recorder))
}

/// What this host is called.
fn node() -> anyhow::Result<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .context("cannot read the name of this host")?;
    Ok(name.trim().to_owned())
}

/// Tells what the configuration in force would need that was given up when the agent started.
fn warn_of_rights(needs: &[(Capability, Reason)]) {
    for (capability, reason) in needs {
        let capability = capability.as_str();
        warn!(
            capability,
            "the agent gave up what this configuration needs when it started: restart it. Until then it works as far as \
             it does without ({reason})"
        );
    }
}

/// Carries out reloads, one at a time.
struct Reloader {
    requests: mpsc::Receiver<Request>,
    status: watch::Sender<ReloadStatus>,
    applicant: Applicant,
    file: Option<PathBuf>,
    kept: Option<Kept>,
    listen: SocketAddr,
    incidents: Option<PathBuf>,
    receivers: AlertsHandle,
    access: AccessHandle,
    supervisor: Supervisor,
}

impl Reloader {
    async fn run(mut self) {
        while let Some(answer) = self.requests.recv().await {
            self.supervisor.reloading();
            let outcome = self.reload().await;
            match &outcome {
                Ok(()) => info!("configuration reloaded"),
                Err(error) => {
                    error!("configuration not reloaded, the old one stays in force:\n{error}");
                }
            }
            self.status.send_modify(|status| {
                status.successful = outcome.is_ok();
                status.error = outcome.clone().err();
                if outcome.is_ok() {
                    status.last_success = SystemTime::now();
                }
            });
            self.supervisor.ready();
            // Whoever asked may not wait for the answer.
            drop(answer.send(outcome));
        }
    }

    async fn reload(&self) -> Result<(), String> {
        let Some(file) = self.file.clone() else {
            return Err(
                "the agent runs without a configuration file: start it with --config FILE"
                    .to_owned(),
            );
        };
        let config = tokio::task::spawn_blocking(move || Config::load(&file))
            .await
            .map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())?;
        if config.web.listen != self.listen {
            return Err(format!(
                "web.listen changed from {} to {}: that needs a restart of the agent",
                self.listen, config.web.listen
            ));
        }
        if config.incidents_directory != self.incidents {
            return Err(
                "incidents.directory changed: that needs a restart of the agent".to_owned(),
            );
        }
        alerts::check(&config.alerting).map_err(|error| error.to_string())?;
        let access = self.access(config.web.file.clone()).await?;
        let alerting = config.alerting.clone();
        let kept = self.kept.as_ref();
        let needs = kept.map_or_else(Vec::new, |kept| kept.given_up_for(&config));
        self.applicant.apply(config).await?;
        self.receivers
            .replace(&alerting)
            .map_err(|error| error.to_string())?;
        self.access.replace(access);
        warn_of_rights(&needs);
        Ok(())
    }

    /// Who is let in from now on; certificates are read anew.
    async fn access(&self, file: WebFile) -> Result<Access, String> {
        let access = tokio::task::spawn_blocking(move || Access::open(&file))
            .await
            .map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())?;
        if access.is_encrypted() == self.access.current().is_encrypted() {
            Ok(access)
        } else {
            Err("web.config_file turns TLS on or off: that needs a restart of the agent".to_owned())
        }
    }
}
