//! The HTTP server: bound first, so that a busy port is an error at start, and served afterwards.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::Router;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::access::AccessHandle;
use super::alerts::AlertsHandle;
use super::connection;
use super::limits::Limits;
use super::routes::router;
use super::shared::{Parts, Shared};
use crate::discovery::DiscoveryHandle;
use crate::model::State;
use crate::recording::RecordingStatistics;
use crate::reload::ReloadHandle;

/// How often an accept that fails is logged.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// The pause after a failed accept: when file descriptors are short, the next one fails as fast.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Why the server's socket could not be had.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program listens there.
    #[error(
        "{listen} is in use, perhaps by another evenkeel: stop the other program or set `web.listen` to a free address"
    )]
    InUse {
        /// Where the server should listen.
        listen: SocketAddr,
    },
    /// The port is reserved for privileged programs.
    #[error(
        "not allowed to listen on {listen}: set `web.listen` to a port from 1024 on, or grant CAP_NET_BIND_SERVICE"
    )]
    Denied {
        /// Where the server should listen.
        listen: SocketAddr,
    },
    /// No interface of this host has the address.
    #[error(
        "{listen} is not an address of this host: set `web.listen` to one that is, or to 0.0.0.0 or [::] for all"
    )]
    NotLocal {
        /// Where the server should listen.
        listen: SocketAddr,
    },
    /// Anything else.
    #[error("cannot listen on {listen}, which `web.listen` sets: {source}")]
    Other {
        /// Where the server should listen.
        listen: SocketAddr,
        /// What the kernel says.
        source: io::Error,
    },
}

impl BindError {
    fn new(listen: SocketAddr, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::InUse { listen },
            io::ErrorKind::PermissionDenied => Self::Denied { listen },
            io::ErrorKind::AddrNotAvailable => Self::NotLocal { listen },
            _ => Self::Other { listen, source },
        }
    }
}

/// The HTTP server, bound and not yet serving.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    states: watch::Receiver<Arc<State>>,
    reload: ReloadHandle,
    parts: Parts,
    limits: Limits,
    access: AccessHandle,
}

impl Server {
    /// Takes the address `listen`; connections wait in the kernel's backlog until [`Server::serve`].
    pub fn bind(
        listen: SocketAddr,
        states: watch::Receiver<Arc<State>>,
        reload: ReloadHandle,
    ) -> Result<Self, BindError> {
        let bound = TcpListener::bind(listen).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok((listener.local_addr()?, listener))
        });
        let (address, listener) = bound.map_err(|source| BindError::new(listen, source))?;
        Ok(Self {
            listener,
            address,
            states,
            reload,
            parts: Parts::default(),
            limits: Limits::default(),
            access: AccessHandle::default(),
        })
    }

    /// The same server with other limits than [`Limits::default`].
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The same server, which lets in whom `access` says.
    #[must_use]
    pub fn with_access(mut self, access: AccessHandle) -> Self {
        self.access = access;
        self
    }

    /// The same server, which also shows what became of alerts.
    #[must_use]
    pub fn with_alerts(mut self, alerts: AlertsHandle) -> Self {
        self.parts.alerts = Some(alerts);
        self
    }

    /// The same server, which also shows how much was recorded, if anything is.
    #[must_use]
    pub fn with_recording(mut self, recording: Option<RecordingStatistics>) -> Self {
        self.parts.recording = recording;
        self
    }

    /// The same server, which also shows how the sources of pools are.
    #[must_use]
    pub fn with_discovery(mut self, discovery: DiscoveryHandle) -> Self {
        self.parts.discovery = Some(discovery);
        self
    }

    /// Where it listens: the port that was chosen when port 0 was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is cancelled; then accepts no more and lets running requests end, up to a deadline.
    pub async fn serve(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let listener = tokio::net::TcpListener::from_std(self.listener)
            .with_context(|| format!("cannot serve on {}", self.address))?;
        let shared = Arc::new(Shared::new(
            self.states,
            self.reload,
            self.parts,
            self.limits,
            self.access,
            shutdown.clone(),
        ));
        let house = House {
            router: router(Arc::clone(&shared)),
            shared,
            guests: TaskTracker::new(),
            closing: shutdown.clone(),
            closed: CancellationToken::new(),
        };
        tokio::select! {
            () = house.receive(&listener) => {}
            () = house.watch_pulse() => {}
            () = shutdown.cancelled() => {}
        }
        drop(listener);
        house.clear().await;
        Ok(())
    }
}

/// The connections that are being served.
struct House {
    router: Router,
    shared: Arc<Shared>,
    guests: TaskTracker,
    /// Cancelled when connections should end.
    closing: CancellationToken,
    /// Cancelled when connections must end.
    closed: CancellationToken,
}

impl House {
    /// Accepts connections for ever, as many at a time as the limits allow.
    async fn receive(&self, listener: &tokio::net::TcpListener) {
        let places = Arc::new(Semaphore::new(self.shared.limits.connections));
        let mut complained: Option<Instant> = None;
        // The semaphore is never closed.
        while let Ok(place) = Arc::clone(&places).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let guest = self.serve(stream, peer);
                    self.guests.spawn(async move {
                        guest.await;
                        drop(place);
                    });
                }
                Err(error) => {
                    if complained.is_none_or(|when| when.elapsed() >= COMPLAIN_EVERY) {
                        complained = Some(Instant::now());
                        tracing::warn!(%error, "cannot accept HTTP connections; repeated at most once a minute");
                    }
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn serve(&self, stream: TcpStream, peer: SocketAddr) -> impl Future<Output = ()> + use<> {
        let closed = self.closed.clone();
        let (router, shared) = (self.router.clone(), Arc::clone(&self.shared));
        let guest = connection::receive(stream, peer, router, shared, self.closing.clone());
        async move {
            closed.run_until_cancelled_owned(guest).await;
        }
    }

    /// Notes the engine's publications for ever.
    async fn watch_pulse(&self) {
        self.shared.watch_pulse().await;
        // The engine is gone: the agent is stopping, and `/-/healthy` will say so if it does not.
        std::future::pending::<()>().await;
    }

    /// Waits for the connections to end, and ends those that do not in time.
    async fn clear(self) {
        self.guests.close();
        let drain = self.shared.limits.drain;
        if timeout(drain, self.guests.wait()).await.is_err() {
            let left = self.guests.len();
            tracing::warn!(
                left,
                ?drain,
                "closing HTTP connections that did not end in time"
            );
            self.closed.cancel();
            self.guests.wait().await;
        }
        // Renderers wait on the runtime's clock, so none may outlive the runtime.
        self.shared.scrapes.idle().await;
        self.shared.pages.idle().await;
    }
}
