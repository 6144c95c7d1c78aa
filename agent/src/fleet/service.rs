//! The running view of a fleet: the loop with the agent's own server, alerts and history around it.

use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow};
use axum::http::{HeaderName, HeaderValue};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::store::Store;
use super::watch::{Pace, Watch};
use crate::config::{Config, Fleet};
use crate::history::History;
use crate::http_client::Access as ClientAccess;
use crate::model::State;
use crate::prometheus::Prometheus;
use crate::publish::alerts::{Alerts, Identity};
use crate::publish::{Access, AccessHandle, Server};
use crate::reload::{ReloadHandle, ReloadStatus, Request};

/// How long requests may take to end once it was told to stop.
const DRAIN: Duration = Duration::from_secs(5);
/// What alerts call the host that they come from: the same wherever the fleet is watched from, so that a restart on another host makes no
/// other alerts of them.
const NODE: &str = "fleet";

/// A fleet that is watched once it is run.
pub(crate) struct Service {
    watch: Watch,
    server: Server,
    state: watch::Receiver<std::sync::Arc<State>>,
    history: Option<History>,
    alerts: Alerts,
    requests: mpsc::Receiver<Request>,
    // Kept so that the server can show it.
    _status: watch::Sender<ReloadStatus>,
    page: String,
}

impl Service {
    /// Binds the address, and reads the incidents of earlier runs; the store is not asked yet.
    pub(crate) fn build(config: &Config, fleet: &Fleet) -> anyhow::Result<Self> {
        let store = store(fleet)?;
        let pace = Pace {
            interval: fleet.interval,
            window: fleet.window.max(fleet.interval),
            delay: fleet.delay,
            lookback: fleet.lookback.max(fleet.interval),
        };
        let (mut history, mut past) = (None, Vec::new());
        if let Some(directory) = &config.incidents_directory {
            let (kept, found) = History::open(directory)?;
            (history, past) = (Some(kept), found);
        }
        let named = (fleet.store.url.clone(), store);
        let detection = config.detection.clone();
        let (watch, state) = Watch::new(named, pace, detection, past, SystemTime::now())?;
        let (reload, requests, status) = ReloadHandle::channel();
        let access = AccessHandle::default();
        access.replace(Access::open(&config.web.file)?);
        let server = Server::bind(config.web.listen, state.clone(), reload)?;
        let https = access.current().is_encrypted();
        let identity = Identity {
            node: NODE.to_owned(),
            listen: server.local_addr(),
            https,
        };
        let (alerts, receivers) = Alerts::start(state.clone(), &config.alerting, identity)?;
        let scheme = if https { "https" } else { "http" };
        Ok(Self {
            watch,
            page: format!("{scheme}://{}/", server.local_addr()),
            server: server.with_alerts(receivers).with_access(access),
            state,
            history,
            alerts,
            requests,
            _status: status,
        })
    }

    /// The address of the page.
    pub(crate) fn page(&self) -> &str {
        &self.page
    }

    /// Runs until `stop` is cancelled.
    ///
    /// # Errors
    /// If a part ended unasked: its name and why.
    pub(crate) async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let [watching, serving, telling] = [(); 3].map(|()| CancellationToken::new());
        let mut watcher = tokio::spawn(self.watch.run(watching.clone()));
        let mut server = tokio::spawn(self.server.serve(serving.clone()));
        let mut teller = tokio::spawn(self.alerts.run(telling.clone()));
        let refuser = tokio::spawn(refuse_reloads(self.requests));
        let state = self.state;
        let keeper = self.history.map(|history| {
            let keeping = telling.clone();
            tokio::spawn(async move { history.keep(state, keeping).await })
        });
        let outcome = tokio::select! {
            () = stop.cancelled() => Ok(()),
            _ = &mut watcher => Err(anyhow!("the evaluation ended although nobody asked it to")),
            ended = &mut server => Err(match ended.context("it panicked").flatten() {
                Ok(()) => anyhow!("the HTTP server ended although nobody asked it to"),
                Err(error) => error.context("the HTTP server failed"),
            }),
            _ = &mut teller => Err(anyhow!("the sender of alerts ended although nobody asked it to")),
        };
        info!("stopping");
        watching.cancel();
        serving.cancel();
        refuser.abort();
        let drained = tokio::time::timeout(DRAIN, async {
            if !watcher.is_finished() {
                drop(watcher.await);
            }
            telling.cancel();
            if !teller.is_finished() {
                drop(teller.await);
            }
            if let Some(keeper) = keeper {
                drop(keeper.await);
            }
            if !server.is_finished() {
                drop(server.await);
            }
        });
        if drained.await.is_err() {
            error!("requests did not end within {DRAIN:?}; ending without them");
        }
        outcome
    }
}

/// Answers reloads: there is no state that a restart would lose.
async fn refuse_reloads(mut requests: mpsc::Receiver<Request>) {
    while let Some(answer) = requests.recv().await {
        let text = "the view of a fleet is not reloaded: restart it, it rereads what it needs";
        // Whoever asked may not wait for the answer.
        drop(answer.send(Err(text.to_owned())));
    }
}

fn store(fleet: &Fleet) -> anyhow::Result<Store> {
    let access = ClientAccess {
        credentials: fleet.store.credentials.clone(),
        tls: fleet.store.tls.clone(),
        timeout: fleet.store.timeout,
    };
    let url = &fleet.store.url;
    let prometheus =
        Prometheus::new(url, access).map_err(|what| anyhow!("the store {url:?} {what}"))?;
    let headers = fleet.headers.iter().map(|(name, value)| {
        let name = HeaderName::from_bytes(name.as_bytes())?;
        anyhow::Ok((name, HeaderValue::from_str(value)?))
    });
    let headers = headers
        .collect::<anyhow::Result<Vec<_>>>()
        .context("a header of `fleet.prometheus.headers` cannot be sent")?;
    Ok(Store::new(
        prometheus.with_headers(headers),
        fleet.matchers.clone(),
    ))
}
