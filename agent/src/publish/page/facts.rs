//! The head of the page: whether the agent sees everything, and what it misses if not.

use std::fmt::{self, Write};

use super::Page;
use super::html::{Short, Text};
use crate::model::{FleetState, KernelState, View};
use crate::publish::health;

/// Writes the head.
pub(super) fn write(out: &mut impl Write, page: &Page<'_>) -> fmt::Result {
    let state = page.state;
    let readiness = health::ready(state);
    let (class, word) = match &readiness {
        Ok(()) => ("good", "counting"),
        Err(_) => ("bad", "not ready"),
    };
    write!(
        out,
        "<header>\n<h1>evenkeel <span class=\"host\">on <bdi>{}</bdi></span></h1>\n\
         <p class=\"state {class}\"><span></span>{word}</p>\n\
         <nav><a href=\"metrics\">Metrics</a> <a href=\"api/v1/pools\">Pools as JSON</a> \
         <a href=\"api/v1/incidents\">Incidents as JSON</a> \
         <a href=\"api/v1/status\">Status as JSON</a></nav>\n</header>\n<dl class=\"facts\">\n",
        Text(page.host)
    )?;
    match &state.kernel.fleet {
        Some(fleet) => write_fleet(out, fleet)?,
        None => write_kernel(out, &state.kernel)?,
    }
    let millis = Short(state.tick_duration.as_secs_f64() * 1e3);
    let every = state.interval.as_secs_f64();
    fact(out, "Tick", &format!("{millis} ms every {every} s"))?;
    let window = state.window.as_secs_f64();
    fact(out, "Window", &format!("{window} s"))?;
    fact(out, "Version", env!("CARGO_PKG_VERSION"))?;
    out.write_str("</dl>\n")?;
    write_notes(out, page, readiness.err())
}

fn write_kernel(out: &mut impl Write, kernel: &KernelState) -> fmt::Result {
    fact(out, "View", &view(&kernel.view))?;
    fact(out, "Events lost", &lost(kernel).to_string())?;
    let (entries, capacity) = (kernel.map_entries, kernel.map_capacity);
    fact(out, "Endpoints", &format!("{entries} of {capacity}"))
}

fn write_fleet(out: &mut impl Write, fleet: &FleetState) -> fmt::Result {
    fact(out, "Store", &fleet.store)?;
    let silent = match fleet.silent {
        0 => String::new(),
        silent => format!(", {silent} silent"),
    };
    fact(out, "Agents", &format!("{}{silent}", fleet.agents))?;
    fact(out, "Backends exported", &fleet.rows.to_string())
}

fn fact(out: &mut impl Write, name: &str, value: &str) -> fmt::Result {
    writeln!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", Text(value))
}

fn view(view: &View) -> String {
    match view {
        View::Live { every, .. } => format!("live, every {} s", every.as_secs_f64()),
        View::AtClose { .. } => "at close".to_owned(),
    }
}

fn lost(kernel: &KernelState) -> u64 {
    let losses = &kernel.losses;
    losses.map_full + losses.insert_refused + losses.mark_refused
}

/// Writes what the reader should know before believing the figures.
fn write_notes(out: &mut impl Write, page: &Page<'_>, not_ready: Option<String>) -> fmt::Result {
    let kernel = &page.state.kernel;
    if let Some(reason) = not_ready {
        note(out, "Not ready", &reason)?;
    }
    match &kernel.view {
        View::AtClose { reason } => note(
            out,
            "Bytes appear only when connections close, and connections older than the agent are missing",
            reason,
        )?,
        View::Live { unreachable: 0, .. } => {}
        View::Live { unreachable, .. } => note(
            out,
            "Open connections are missing",
            &format!("{unreachable} network namespaces could not be visited"),
        )?,
    }
    if lost(kernel) > 0 {
        let losses = &kernel.losses;
        let text = format!(
            "{} attempts because the map is full, {} that the map refused, {} connections without the mark for their bytes",
            losses.map_full, losses.insert_refused, losses.mark_refused
        );
        note(out, "Not everything was counted", &text)?;
    }
    if let Some(error) = &page.reload.error {
        note(
            out,
            "The last reload failed, the old configuration is in force",
            error,
        )?;
    }
    Ok(())
}

fn note(out: &mut impl Write, what: &str, why: &str) -> fmt::Result {
    writeln!(
        out,
        "<p class=\"note\"><strong>{what}:</strong> <bdi>{}</bdi></p>",
        Text(why)
    )
}
