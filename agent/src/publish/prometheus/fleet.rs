//! The families about what the view of a fleet rests on.

use std::fmt;

use super::agent::{since_epoch, write_build};
use super::family::{Exposition, Family};
use crate::model::{FleetState, State};

const AGENTS: Family = Family::gauge(
    "evenkeel_fleet_agents",
    "Agents whose counters are known up to the instant that was evaluated last.",
);
const SILENT: Family = Family::gauge(
    "evenkeel_fleet_agents_silent",
    "Agents that were not scraped since that instant and are not given up yet.",
);
const ROWS: Family = Family::gauge(
    "evenkeel_fleet_exported_backends",
    "Backends of pools of agents; one that two agents export counts twice.",
);
const WAITING: Family = Family::gauge(
    "evenkeel_fleet_pools_waiting",
    "Pools that are not evaluated for now because an agent that sees a part of them is silent.",
);
const SAMPLES: Family = Family::counter(
    "evenkeel_fleet_samples",
    "Samples of agents' counters that were taken over.",
);
const RESETS: Family = Family::counter(
    "evenkeel_fleet_counter_resets",
    "Times that a counter of connections was seen to begin anew, because its agent did.",
);
const FAILURES: Family = Family::counter(
    "evenkeel_fleet_query_failures",
    "Evaluations that failed because the store did not answer or refused a query.",
);
const DURATION: Family = Family::gauge(
    "evenkeel_fleet_evaluation_duration",
    "How long the last evaluation took, from the first query to publishing.",
)
.in_seconds();
const SUCCESS: Family = Family::gauge(
    "evenkeel_fleet_last_success_timestamp",
    "When the store last answered, since the Unix epoch; absent before.",
)
.in_seconds();
const EVALUATED: Family = Family::gauge(
    "evenkeel_fleet_last_evaluated_timestamp",
    "The instant that was evaluated last, since the Unix epoch; absent before.",
)
.in_seconds();
const INTERVAL: Family = Family::gauge(
    "evenkeel_fleet_evaluation_interval",
    "The time between the instants that are evaluated.",
)
.in_seconds();
const WINDOW: Family = Family::gauge(
    "evenkeel_fleet_window",
    "How far back the sliding window of shares and measures reaches.",
)
.in_seconds();

/// Writes the families.
pub(super) fn write(out: &mut Exposition<'_>, state: &State, fleet: &FleetState) -> fmt::Result {
    write_build(out)?;
    out.gauge(&AGENTS, fleet.agents)?;
    out.gauge(&SILENT, fleet.silent)?;
    out.gauge(&ROWS, fleet.rows)?;
    out.gauge(&WAITING, fleet.waiting)?;
    out.counter(&SAMPLES, fleet.samples)?;
    out.counter(&RESETS, fleet.resets)?;
    out.counter(&FAILURES, fleet.failures)?;
    out.gauge(&DURATION, fleet.took.as_secs_f64())?;
    if let Some(answered) = fleet.answered {
        out.gauge(&SUCCESS, since_epoch(answered))?;
    }
    if state.tick > 0 {
        out.gauge(&EVALUATED, since_epoch(state.taken))?;
    }
    out.gauge(&INTERVAL, state.interval.as_secs_f64())?;
    out.gauge(&WINDOW, state.window.as_secs_f64())
}
