//! The families about the agent itself: its eyes in the kernel, its ticks, its configuration, its HTTP server.

use std::fmt;
use std::time::SystemTime;

use super::family::{Exposition, Family};
use crate::model::{Canary, KernelState, State, View};
use crate::publish::traffic::TrafficSample;
use crate::reload::ReloadStatus;

const BUILD: Family = Family::info("evenkeel_build", "What was built.");

const TICKS: Family = Family::counter(
    "evenkeel_ticks",
    "Times that the kernel's counters were read.",
);
const TICK_DURATION: Family = Family::gauge(
    "evenkeel_tick_duration",
    "How long the last tick took, from reading the counters to publishing.",
)
.in_seconds();
const LAST_TICK: Family = Family::gauge(
    "evenkeel_last_tick_timestamp",
    "When the kernel's counters were last read, since the Unix epoch.",
)
.in_seconds();
const INTERVAL: Family = Family::gauge(
    "evenkeel_tick_interval",
    "How often the kernel's counters are read.",
)
.in_seconds();
const WINDOW: Family = Family::gauge(
    "evenkeel_window",
    "How far back the sliding window of shares and measures reaches.",
)
.in_seconds();

const LOST: Family = Family::counter(
    "evenkeel_kernel_events_lost",
    "Events that could not be counted, by reason.",
);
const MAP_ENTRIES: Family = Family::gauge(
    "evenkeel_kernel_map_entries",
    "Endpoints in the kernel's map.",
);
const MAP_CAPACITY: Family = Family::gauge(
    "evenkeel_kernel_map_capacity",
    "Endpoints that the kernel's map can hold.",
);
const LEARNING: Family = Family::gauge(
    "evenkeel_kernel_learning",
    "1 if endpoints unknown so far are counted as they appear, 0 if only those of the pools are.",
);
const DRIFT: Family = Family::counter(
    "evenkeel_kernel_drift_corrected",
    "Open connections added to or taken from the active count because callbacks were lost to other programs.",
);
const RESETS: Family = Family::counter(
    "evenkeel_kernel_resets",
    "Times that a kernel counter was seen to go backwards: it was reset from outside.",
);
const CLIENTS: Family = Family::gauge(
    "evenkeel_kernel_clients_effective",
    "How many clients that connect equally often the host's new connections would come from.",
);
const CANARY: Family = Family::gauge(
    "evenkeel_kernel_canary_counted",
    "1 if the last connection that the agent made to itself was counted, 0 if not or not yet.",
);
const LIVE: Family = Family::gauge(
    "evenkeel_kernel_live_view",
    "1 if open connections are read from the kernel's socket table, 0 if bytes appear only when connections close.",
);
const LIVE_INTERVAL: Family = Family::gauge(
    "evenkeel_kernel_live_interval",
    "How often the kernel's socket table is walked; longer than configured when walks would cost too much.",
)
.in_seconds();
const LIVE_WALK: Family = Family::gauge(
    "evenkeel_kernel_live_walk_duration",
    "How long the last walk of the kernel's socket table took, over all network namespaces.",
)
.in_seconds();
const LIVE_NAMESPACES: Family = Family::gauge(
    "evenkeel_kernel_live_namespaces",
    "Network namespaces that the last walk visited.",
);
const LIVE_UNREACHABLE: Family = Family::gauge(
    "evenkeel_kernel_live_namespaces_unreachable",
    "Network namespaces that the last walk could not visit.",
);

const RELOAD_SUCCESSFUL: Family = Family::gauge(
    "evenkeel_config_last_reload_successful",
    "1 if the configuration in force is the one in the file, 0 if the last reload failed.",
);
const RELOAD_TIME: Family = Family::gauge(
    "evenkeel_config_last_reload_success_timestamp",
    "When a configuration was last taken over, since the Unix epoch.",
)
.in_seconds();

const CONNECTIONS: Family = Family::gauge(
    "evenkeel_http_connections",
    "Connections that the agent's own HTTP server has open.",
);
const RESPONSES: Family = Family::counter(
    "evenkeel_http_responses",
    "Responses of the agent's own HTTP server, by class of status code.",
);

/// Writes the families about what the agent sees.
pub(super) fn write(out: &mut Exposition<'_>, state: &State) -> fmt::Result {
    write_build(out)?;
    write_ticks(out, state)?;
    write_kernel(out, &state.kernel)?;
    write_view(out, &state.kernel.view)
}

/// Writes what was built.
pub(super) fn write_build(out: &mut Exposition<'_>) -> fmt::Result {
    out.family(&BUILD)?.info(&[
        ("version", env!("CARGO_PKG_VERSION")),
        ("target_arch", std::env::consts::ARCH),
    ])
}

/// Writes the families about configuration and HTTP server.
pub(super) fn write_server(
    out: &mut Exposition<'_>,
    reload: &ReloadStatus,
    traffic: &TrafficSample,
) -> fmt::Result {
    out.gauge(&RELOAD_SUCCESSFUL, u32::from(reload.successful))?;
    out.gauge(&RELOAD_TIME, since_epoch(reload.last_success))?;
    out.gauge(&CONNECTIONS, traffic.connections)?;
    let mut samples = out.family(&RESPONSES)?;
    for (class, responses) in traffic.responses() {
        samples.counter(&[("code", class)], responses)?;
    }
    Ok(())
}

fn write_ticks(out: &mut Exposition<'_>, state: &State) -> fmt::Result {
    out.counter(&TICKS, state.tick)?;
    out.gauge(&INTERVAL, state.interval.as_secs_f64())?;
    out.gauge(&WINDOW, state.window.as_secs_f64())?;
    // Before the first tick there is no last one.
    if state.tick > 0 {
        out.gauge(&TICK_DURATION, state.tick_duration.as_secs_f64())?;
        out.gauge(&LAST_TICK, since_epoch(state.taken))?;
    }
    Ok(())
}

fn write_kernel(out: &mut Exposition<'_>, kernel: &KernelState) -> fmt::Result {
    let mut samples = out.family(&LOST)?;
    for (reason, events) in [
        ("map_full", kernel.losses.map_full),
        ("insert_refused", kernel.losses.insert_refused),
        ("mark_refused", kernel.losses.mark_refused),
    ] {
        samples.counter(&[("reason", reason)], events)?;
    }
    out.gauge(&MAP_ENTRIES, kernel.map_entries)?;
    out.gauge(&MAP_CAPACITY, kernel.map_capacity)?;
    out.gauge(&LEARNING, u32::from(kernel.learning))?;
    out.counter(&DRIFT, kernel.drift_corrected)?;
    out.counter(&RESETS, kernel.counter_resets)?;
    if let Some(clients) = kernel.clients {
        out.gauge(&CLIENTS, clients.effective)?;
    }
    out.gauge(&CANARY, u32::from(kernel.canary == Canary::Counted))
}

fn write_view(out: &mut Exposition<'_>, view: &View) -> fmt::Result {
    let View::Live {
        every,
        took,
        namespaces,
        unreachable,
    } = view
    else {
        return out.gauge(&LIVE, 0u32);
    };
    out.gauge(&LIVE, 1u32)?;
    out.gauge(&LIVE_INTERVAL, every.as_secs_f64())?;
    out.gauge(&LIVE_WALK, took.as_secs_f64())?;
    out.gauge(&LIVE_NAMESPACES, *namespaces)?;
    out.gauge(&LIVE_UNREACHABLE, *unreachable)
}

/// Seconds since the Unix epoch; 0 for a clock that was set before it.
pub(super) fn since_epoch(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0.0, |passed| passed.as_secs_f64())
}
