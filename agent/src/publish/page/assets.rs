//! The files of the page: built in, so that a browser loads nothing from elsewhere.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// A file of the folder `web`.
macro_rules! file {
    ($name:literal, $kind:expr) => {
        Asset {
            name: $name,
            kind: $kind,
            text: include_str!(concat!("web/", $name)),
        }
    };
}

/// Name, type and contents of a file.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// How it is called below `/page/`.
    pub name: &'static str,
    /// Its content type.
    pub kind: &'static str,
    /// What is in it.
    pub text: &'static str,
}

impl Asset {
    pub(super) fn is_script(&self) -> bool {
        self.kind == SCRIPT
    }
}

/// All files.
pub const ASSETS: [Asset; 19] = [
    file!("app.js", SCRIPT),
    file!("backends.js", SCRIPT),
    file!("bars.js", SCRIPT),
    file!("dom.js", SCRIPT),
    file!("format.js", SCRIPT),
    file!("hour.js", SCRIPT),
    file!("incidents.js", SCRIPT),
    file!("live.js", SCRIPT),
    file!("lorenz.js", SCRIPT),
    file!("marks.js", SCRIPT),
    file!("more.js", SCRIPT),
    file!("overview.js", SCRIPT),
    file!("pool.js", SCRIPT),
    file!("shares.js", SCRIPT),
    file!("base.css", STYLE),
    file!("overview.css", STYLE),
    file!("pool.css", STYLE),
    file!("plain.css", STYLE),
    file!("icon.svg", "image/svg+xml"),
];

/// `GET /page/{name}`
pub(in crate::publish) async fn asset(Path(name): Path<String>) -> Response {
    match ASSETS.iter().find(|asset| asset.name == name) {
        Some(asset) => ([(header::CONTENT_TYPE, asset.kind)], asset.text).into_response(),
        None => (StatusCode::NOT_FOUND, "the page has no such file\n").into_response(),
    }
}
