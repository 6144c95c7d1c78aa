//! Which path leads to what.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::prometheus::Format;
use super::shared::Shared;
use super::{api, control, live, page};

/// All routes of the agent.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(page::show))
        .route("/page/{name}", get(page::asset))
        .route("/metrics", get(metrics))
        .route("/api/v1/pools", get(api::all_pools))
        .route("/api/v1/pools/{*name}", get(api::below_pools))
        .route("/api/v1/stream", get(live::stream))
        .route("/api/v1/incidents", get(api::incidents))
        .route("/api/v1/findings", get(api::findings))
        .route("/api/v1/status", get(api::status))
        .route("/-/healthy", get(control::healthy))
        .route("/-/ready", get(control::ready))
        .route("/-/reload", post(control::reload))
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .with_state(shared)
}

/// `GET /metrics`
async fn metrics(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let accept = headers.get_all(header::ACCEPT);
    let format = Format::negotiate(accept.iter().filter_map(|value| value.to_str().ok()));
    let gate = shared.scrapes.clone();
    gate.respond(format.content_type(), move |out| {
        shared.scrape().write(format, out)
    })
}

async fn not_found(uri: Uri) -> Response {
    refuse(
        StatusCode::NOT_FOUND,
        &uri,
        "there is nothing at this path; / links to what there is",
    )
}

async fn wrong_method(method: Method, uri: Uri) -> Response {
    let message = format!("{method} is not possible here; the header Allow says what is");
    refuse(StatusCode::METHOD_NOT_ALLOWED, &uri, &message)
}

/// An error in the form that clients of the path expect.
fn refuse(status: StatusCode, uri: &Uri, message: &str) -> Response {
    if uri.path().starts_with("/api/") {
        api::error(status, message)
    } else {
        (status, format!("{message}\n")).into_response()
    }
}
