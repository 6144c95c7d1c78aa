//! What the agent answers over HTTP: as much of it as tests look at.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Deserialize;

use crate::ledger::{Ledger, Tally};

/// What `/api/v1/pools/{name}` answers.
#[derive(Deserialize)]
pub(super) struct PoolAnswer {
    pub(super) pool: Pool,
}

/// A pool, as `/api/v1/pools/{name}` shows it: what tests look at.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of docs/api.md")]
pub struct Pool {
    pub name: String,
    pub role: String,
    pub source: String,
    pub verdict: String,
    pub explanation: String,
    pub backends: Vec<Backend>,
    pub measures: BTreeMap<String, Option<serde_json::Value>>,
}

/// A backend of a [`Pool`].
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of docs/api.md")]
pub struct Backend {
    pub address: SocketAddr,
    pub expected_share: f64,
    pub connections: Connections,
    pub bytes: Bytes,
    pub share: BTreeMap<String, Option<f64>>,
}

/// Connections of a [`Backend`].
#[derive(Clone, Copy, Debug, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of docs/api.md")]
pub struct Connections {
    pub opened: u64,
    pub failed: u64,
    pub closed: u64,
    pub active: u64,
}

/// Payload bytes of a [`Backend`].
#[derive(Clone, Copy, Debug, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of docs/api.md")]
pub struct Bytes {
    pub received: u64,
    pub sent: u64,
}

impl Pool {
    /// What the agent counted, in the columns of the generator's ledger. The agent knows neither why a connection failed
    /// nor how it was closed: all failures stand as refused, all closes as by the client's FIN.
    pub fn ledger(&self) -> Ledger {
        let upstream = self.role == "upstream";
        self.backends
            .iter()
            .map(|backend| {
                let (sent, received) = (backend.bytes.sent, backend.bytes.received);
                let mut tally = Tally {
                    opened: backend.connections.opened,
                    to_backend: if upstream { sent } else { received },
                    from_backend: if upstream { received } else { sent },
                    ..Tally::default()
                };
                tally.failed.refused = backend.connections.failed;
                tally.closed.client_fin = backend.connections.closed;
                (backend.address, tally)
            })
            .collect()
    }

    /// Connections open now, over all backends.
    pub fn active(&self) -> u64 {
        self.backends
            .iter()
            .map(|backend| backend.connections.active)
            .sum()
    }
}

/// What `/api/v1/incidents` answers.
#[derive(Deserialize)]
pub(super) struct IncidentsAnswer {
    pub(super) incidents: Vec<Incident>,
}

/// An incident, as `/api/v1/incidents` shows it: what tests look at.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of docs/api.md")]
pub struct Incident {
    pub id: String,
    pub pool: String,
    pub signal: String,
    pub started: String,
    pub detected: String,
    pub ended: Option<String>,
    pub ending: Option<String>,
    pub hot: Vec<Deviation>,
    pub cold: Vec<Deviation>,
    pub cause: Cause,
    pub other_causes: Vec<Cause>,
    pub evidence: f64,
    pub threshold: f64,
}

/// A backend of an [`Incident`] that is outside its tolerance.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of docs/api.md")]
pub struct Deviation {
    pub backend: SocketAddr,
    pub observed_share: f64,
    pub expected_share: f64,
}

/// A probable cause of an [`Incident`].
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of docs/api.md")]
pub struct Cause {
    pub id: String,
    pub text: String,
}
