//! `/`: the page for people.
//!
//! It is drawn in the browser by the modules of the folder `web`, from what the API's stream tells. For browsers without
//! scripts it has a table of the worst pools and the incidents, rendered here. Everything that it needs is in the
//! agent, and its policy forbids a browser to load or run anything else.

mod assets;
mod bars;
mod facts;
mod findings;
mod html;
mod incidents;
mod pools;

use std::fmt::{self, Write};
use std::sync::Arc;

use axum::extract;
use axum::response::Response;

use super::shared::Shared;
use crate::model::State;
use crate::reload::ReloadStatus;
use html::Text;

pub(super) use assets::asset;
pub use assets::{ASSETS, Asset};

/// `GET /`
pub(super) async fn show(extract::State(shared): extract::State<Arc<Shared>>) -> Response {
    let state = shared.state();
    let reload = shared.reload.status();
    let gate = shared.pages.clone();
    gate.respond("text/html; charset=utf-8", move |out| {
        Page {
            state: &state,
            reload: &reload,
            host: &shared.host,
        }
        .write(out)
    })
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
        let host = Text(self.host);
        write!(
            out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>evenkeel on {host}</title>\n\
             <link rel=\"icon\" href=\"page/icon.svg\">\n"
        )?;
        for name in ["base", "overview", "pool"] {
            writeln!(out, "<link rel=\"stylesheet\" href=\"page/{name}.css\">")?;
        }
        // All at once, rather than each when the one before asks for it.
        for script in ASSETS.iter().filter(|asset| asset.is_script()) {
            writeln!(
                out,
                "<link rel=\"modulepreload\" href=\"page/{}\">",
                script.name
            )?;
        }
        write!(
            out,
            "<script type=\"module\" src=\"page/app.js\"></script>\n\
             <noscript><link rel=\"stylesheet\" href=\"page/plain.css\"></noscript>\n\
             </head>\n<body data-host=\"{host}\">\n<div id=\"app\"></div>\n<noscript>\n<main class=\"plain\">\n"
        )?;
        facts::write(out, self)?;
        pools::write(out, self.state)?;
        incidents::write(out, self.state)?;
        out.write_str(
            "</main>\n<footer><p>Bars are the shares of the backends, lines the shares that they should have; what is above them is orange. \
             ▲ marks what has evidence of too much, ▼ of too little, ✕ backends to which connections fail. \
             With scripts, this page is live and has a view of each pool.</p></footer>\n</noscript>\n</body>\n</html>\n",
        )
    }
}
