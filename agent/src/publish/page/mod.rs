//! `/`: the page for people.
//!
//! Rendered here in whole and readable without a script; the script only fetches the same page again. Everything that
//! it needs is in it, and its policy forbids a browser to load or run anything else.

mod bars;
mod facts;
mod findings;
mod html;
mod incidents;
mod pools;

use std::fmt::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use axum::extract;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

use super::shared::Shared;
use crate::model::State;
use crate::reload::ReloadStatus;
use html::Text;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Allows the style and the script above by their SHA-256, and nothing else.
const POLICY: &str = "default-src 'none'; \
    style-src 'sha256-nVV5yhxv3i2++ksXnmhIqCjR0PjVPMUCKd3Pm9hluwk='; \
    script-src 'sha256-Q6VItbcgPXYuCC1JgrxcsRSB0c1llreGarg+u5VSYD0='; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page is fetched again at every tick, but not more often than this: people do not read faster.
const FASTEST_REFRESH: Duration = Duration::from_secs(2);

/// `GET /`
pub(super) async fn show(extract::State(shared): extract::State<Arc<Shared>>) -> Response {
    let state = shared.state();
    let reload = shared.reload.status();
    let gate = shared.pages.clone();
    let mut response = gate.respond("text/html; charset=utf-8", move |out| {
        Page {
            state: &state,
            reload: &reload,
            host: &shared.host,
        }
        .write(out)
    });
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What the page shows.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// What the engine published last.
    pub state: &'a State,
    /// What came of the last reload.
    pub reload: &'a ReloadStatus,
    /// The name of this host.
    pub host: &'a str,
}

impl Page<'_> {
    /// Writes the page; fails only when `out` does.
    pub fn write(&self, out: &mut impl Write) -> fmt::Result {
        let refresh = self.state.interval.max(FASTEST_REFRESH).as_millis();
        write!(
            out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>evenkeel on {}</title>\n<style>{STYLE}</style>\n</head>\n<body data-refresh=\"{refresh}\">\n<main>\n",
            Text(self.host)
        )?;
        facts::write(out, self)?;
        pools::write(out, self.state)?;
        incidents::write(out, self.state)?;
        write!(
            out,
            "</main>\n<footer><p>Bars are the shares of the backends, lines the shares that they should have; what is above them is orange. \
             ▲ marks what has evidence of too much, ▼ of too little, ✕ backends to which connections fail.</p></footer>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
        )
    }
}
