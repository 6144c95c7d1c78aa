//! `/api/v1`: the state as JSON, described in `docs/api.md`.
//!
//! Views borrow from the state and are serialised straight into the response; nothing is copied.

mod findings;
mod history;
mod incidents;
mod pools;
mod status;

use std::io::{self, Write};
use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Serialize, Serializer};

use super::shared::Shared;
use crate::model::{self, rfc3339};

pub use findings::FindingsAnswer;
pub(super) use history::HistoryAnswer;
pub use incidents::{IncidentView, IncidentsAnswer, IncidentsQuery};
pub(super) use pools::Frame;
pub use pools::{PoolAnswer, PoolsAnswer};
pub use status::StatusAnswer;

/// The content type of all answers.
pub(super) const JSON: &str = "application/json";

/// `GET /api/v1/pools`
pub(super) async fn all_pools(State(shared): State<Arc<Shared>>) -> Response {
    let state = shared.state();
    shared
        .pages
        .respond(JSON, move |out| write(out, &PoolsAnswer::new(&state)))
}

/// `GET` of what is below `/api/v1/pools/`: a pool, whose name may have slashes, or its history.
pub(super) async fn below_pools(
    State(shared): State<Arc<Shared>>,
    rest: Result<Path<String>, PathRejection>,
) -> Response {
    let Path(rest) = match rest {
        Ok(rest) => rest,
        Err(rejection) => return error(StatusCode::BAD_REQUEST, &rejection.body_text()),
    };
    let state = shared.state();
    let is_pool = |name: &str| PoolAnswer::find(&state, name).is_some();
    if is_pool(&rest) {
        return one_pool(&shared, Arc::clone(&state), rest);
    }
    let past = rest.strip_suffix("/history");
    if let Some(name) = past.filter(|name| is_pool(name)) {
        return history(&shared, name);
    }
    let name = past.unwrap_or(&rest);
    let message = format!("there is no pool {name:?}; /api/v1/pools lists all");
    error(StatusCode::NOT_FOUND, &message)
}

/// `GET /api/v1/pools/{name}`
fn one_pool(shared: &Shared, state: Arc<model::State>, name: String) -> Response {
    shared.pages.respond(JSON, move |out| {
        write(out, &PoolAnswer::find(&state, &name))
    })
}

/// `GET /api/v1/pools/{name}/history`
fn history(shared: &Shared, name: &str) -> Response {
    // A pool that was found since the last point has none.
    let Some(trace) = shared.hour.of(name, None) else {
        let message = "the pool is new: its first shares are noted within seconds";
        return error(StatusCode::NOT_FOUND, message);
    };
    let gate = shared.pages.clone();
    gate.respond(JSON, move |out| write(out, &HistoryAnswer::new(&trace)))
}

/// `GET /api/v1/incidents`
pub(super) async fn incidents(
    State(shared): State<Arc<Shared>>,
    query: Result<Query<IncidentsQuery>, QueryRejection>,
) -> Response {
    let query = match query {
        Ok(Query(query)) => query,
        Err(rejection) => return error(StatusCode::BAD_REQUEST, &rejection.body_text()),
    };
    let state = shared.state();
    shared.pages.respond(JSON, move |out| {
        write(out, &IncidentsAnswer::new(&state, &query))
    })
}

/// `GET /api/v1/findings`
pub(super) async fn findings(State(shared): State<Arc<Shared>>) -> Response {
    let discovery = shared.discovery();
    shared.pages.respond(JSON, move |out| {
        write(out, &FindingsAnswer::new(&discovery))
    })
}

/// `GET /api/v1/status`
pub(super) async fn status(State(shared): State<Arc<Shared>>) -> Response {
    let state = shared.state();
    let (reload, discovery) = (shared.reload.status(), shared.discovery());
    shared.pages.respond(JSON, move |out| {
        write(out, &StatusAnswer::new(&state, &reload, &discovery))
    })
}

/// An error as JSON: `{"error": "..."}`.
pub(super) fn error(status: StatusCode, message: &str) -> Response {
    let body = serde_json::json!({ "error": message }).to_string() + "\n";
    (status, [(header::CONTENT_TYPE, JSON)], body).into_response()
}

fn write(mut out: impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut out, value)?;
    out.write_all(b"\n")
}

/// A moment, as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug)]
struct Moment(SystemTime);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&rfc3339(self.0))
    }
}
