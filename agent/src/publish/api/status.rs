//! `/api/v1/status`: how the agent itself is.

use serde::Serialize;

use super::Moment;
use crate::discovery::{DiscoveryStatus, SourceStatus, StaleFile};
use crate::model::{Canary, FleetState, KernelState, Losses, Source, State, View};
use crate::publish::health;
use crate::reload::ReloadStatus;

/// The answer of `/api/v1/status`.
#[derive(Debug, Serialize)]
pub struct StatusAnswer<'a> {
    version: &'static str,
    taken: Moment,
    tick: u64,
    interval_seconds: f64,
    window_seconds: f64,
    tick_duration_seconds: f64,
    ready: bool,
    /// Why it is not ready.
    reason: Option<String>,
    kernel: KernelView<'a>,
    reload: ReloadView<'a>,
    discovery: DiscoveryView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fleet: Option<FleetView<'a>>,
}

/// What the view of a fleet rests on.
#[derive(Debug, Serialize)]
struct FleetView<'a> {
    store: &'a str,
    agents: u64,
    silent: u64,
    backends_exported: u64,
    pools_waiting: u64,
    answered: Option<Moment>,
    error: Option<&'a str>,
}

impl<'a> FleetView<'a> {
    fn of(fleet: &'a FleetState) -> Self {
        Self {
            store: &fleet.store,
            agents: fleet.agents,
            silent: fleet.silent,
            backends_exported: fleet.rows,
            pools_waiting: fleet.waiting,
            answered: fleet.answered.map(Moment),
            error: fleet.error.as_deref(),
        }
    }
}

impl<'a> StatusAnswer<'a> {
    /// The status of an agent that published `state` last, whose last reload ended in `reload`, and whose sources of pools
    /// are as `discovery` tells.
    pub fn new(state: &'a State, reload: &'a ReloadStatus, discovery: &'a DiscoveryStatus) -> Self {
        let reason = health::ready(state).err();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            taken: Moment(state.taken),
            tick: state.tick,
            interval_seconds: state.interval.as_secs_f64(),
            window_seconds: state.window.as_secs_f64(),
            tick_duration_seconds: state.tick_duration.as_secs_f64(),
            ready: reason.is_none(),
            reason,
            kernel: KernelView::of(&state.kernel),
            reload: ReloadView {
                successful: reload.successful,
                last_success: Moment(reload.last_success),
                error: reload.error.as_deref(),
            },
            discovery: DiscoveryView {
                sources: discovery.sources.iter().map(SourceView::of).collect(),
                left_out: discovery.left_out,
            },
            fleet: state.kernel.fleet.as_ref().map(FleetView::of),
        }
    }
}

#[derive(Debug, Serialize)]
struct KernelView<'a> {
    view: ViewView<'a>,
    canary: CanaryView<'a>,
    learning: bool,
    map: MapView,
    events_lost: LossesView,
    drift_corrected: u64,
    counter_resets: u64,
    clients: Option<ClientsView>,
}

impl<'a> KernelView<'a> {
    fn of(kernel: &'a KernelState) -> Self {
        let Losses {
            map_full,
            insert_refused,
            mark_refused,
        } = kernel.losses;
        Self {
            view: ViewView::of(&kernel.view),
            canary: CanaryView::of(&kernel.canary),
            learning: kernel.learning,
            map: MapView {
                entries: kernel.map_entries,
                capacity: kernel.map_capacity,
            },
            events_lost: LossesView {
                map_full,
                insert_refused,
                mark_refused,
            },
            drift_corrected: kernel.drift_corrected,
            counter_resets: kernel.counter_resets,
            clients: kernel.clients.map(|clients| ClientsView {
                effective: clients.effective,
                connections: clients.connections,
            }),
        }
    }
}

/// All keys are there in either view, so that readers need no cases.
#[derive(Debug, Serialize)]
struct ViewView<'a> {
    kind: &'static str,
    reason: Option<&'a str>,
    interval_seconds: Option<f64>,
    walk_seconds: Option<f64>,
    namespaces: Option<u64>,
    unreachable: Option<u64>,
}

impl<'a> ViewView<'a> {
    fn of(view: &'a View) -> Self {
        match view {
            View::Live {
                every,
                took,
                namespaces,
                unreachable,
            } => Self {
                kind: "live",
                reason: None,
                interval_seconds: Some(every.as_secs_f64()),
                walk_seconds: Some(took.as_secs_f64()),
                namespaces: Some(*namespaces),
                unreachable: Some(*unreachable),
            },
            View::AtClose { reason } => Self {
                kind: "at_close",
                reason: Some(reason),
                interval_seconds: None,
                walk_seconds: None,
                namespaces: None,
                unreachable: None,
            },
        }
    }
}

#[derive(Debug, Serialize)]
struct CanaryView<'a> {
    state: &'static str,
    reason: Option<&'a str>,
}

impl<'a> CanaryView<'a> {
    fn of(canary: &'a Canary) -> Self {
        let (state, reason) = match canary {
            Canary::Pending => ("pending", None),
            Canary::Counted => ("counted", None),
            Canary::Missed { reason } => ("missed", Some(reason.as_str())),
        };
        Self { state, reason }
    }
}

#[derive(Debug, Serialize)]
struct MapView {
    entries: u64,
    capacity: u64,
}

#[derive(Debug, Serialize)]
struct LossesView {
    map_full: u64,
    insert_refused: u64,
    mark_refused: u64,
}

#[derive(Debug, Serialize)]
struct ClientsView {
    effective: f64,
    connections: u64,
}

#[derive(Debug, Serialize)]
struct ReloadView<'a> {
    successful: bool,
    last_success: Moment,
    error: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct DiscoveryView<'a> {
    sources: Vec<SourceView<'a>>,
    left_out: u64,
}

#[derive(Debug, Serialize)]
struct SourceView<'a> {
    source: Source,
    last_success: Option<Moment>,
    failures: u64,
    error: Option<&'a str>,
    pools: usize,
    backends: usize,
    files: &'a [String],
    stale: Vec<StaleView<'a>>,
}

#[derive(Debug, Serialize)]
struct StaleView<'a> {
    file: &'a str,
    since: Moment,
    error: &'a str,
}

impl<'a> StaleView<'a> {
    fn of(stale: &'a StaleFile) -> Self {
        Self {
            file: &stale.file,
            since: Moment(stale.since),
            error: &stale.error,
        }
    }
}

impl<'a> SourceView<'a> {
    fn of(status: &'a SourceStatus) -> Self {
        Self {
            source: status.source,
            last_success: status.last_success.map(Moment),
            failures: status.failures,
            error: status.error.as_deref(),
            pools: status.pools,
            backends: status.backends,
            files: &status.files,
            stale: status.stale.iter().map(StaleView::of).collect(),
        }
    }
}
