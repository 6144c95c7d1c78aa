//! What the HTTP server tells its readers, for a reader within this process: the same events and the same JSON, without a server.

use std::io;
use std::sync::Arc;

use axum::body::Bytes;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::access::AccessHandle;
use super::api::PoolsAnswer;
use super::limits::Limits;
use super::live;
use super::shared::{Parts, Shared};
use crate::discovery::DiscoveryHandle;
use crate::model::State;
use crate::reload::ReloadHandle;

/// Tells of the states that the engine publishes.
#[derive(Debug)]
pub(crate) struct Tap {
    shared: Arc<Shared>,
    _pulse: AbortOnDropHandle<()>,
}

impl Tap {
    /// A tap on `states`; runs in the current runtime.
    pub(crate) fn new(states: watch::Receiver<Arc<State>>, discovery: DiscoveryHandle) -> Self {
        // Nobody asks for reloads: there is no server that could be asked.
        let (reload, _requests, _status) = ReloadHandle::channel();
        let parts = Parts {
            discovery: Some(discovery),
            ..Parts::default()
        };
        let shared = Arc::new(Shared::new(
            states,
            reload,
            parts,
            Limits::default(),
            AccessHandle::default(),
            CancellationToken::new(),
        ));
        let watched = Arc::clone(&shared);
        let pulse = tokio::spawn(async move { watched.watch_pulse().await });
        Self {
            shared,
            _pulse: AbortOnDropHandle::new(pulse),
        }
    }

    /// The events of `/api/v1/stream`, of one pool or of all; `None` if too many listen.
    pub(crate) fn events(&self, pool: Option<String>) -> Option<mpsc::Receiver<Bytes>> {
        live::open(Arc::clone(&self.shared), pool)
    }

    /// The answer of `/api/v1/pools`.
    pub(crate) fn pools(&self) -> io::Result<Vec<u8>> {
        Ok(serde_json::to_vec(&PoolsAnswer::new(&self.shared.state()))?)
    }
}
