//! `/api/v1/incidents`.

use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::Moment;
use crate::model::{Cause, Change, Deviation, Ending, Incident, Role, Signal, State};

/// What the query of `/api/v1/incidents` may ask for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncidentsQuery {
    /// Only incidents of this pool.
    pool: Option<String>,
    /// Only incidents that are on (`true`), or that have ended (`false`).
    open: Option<bool>,
    /// At most so many.
    limit: Option<usize>,
}

impl IncidentsQuery {
    /// The newest `limit` incidents of `pool`, or of all pools.
    pub(in crate::publish) fn of(pool: Option<String>, limit: usize) -> Self {
        Self {
            pool,
            open: None,
            limit: Some(limit),
        }
    }
}

/// The answer of `/api/v1/incidents`.
#[derive(Debug, Serialize)]
pub struct IncidentsAnswer<'a> {
    taken: Moment,
    #[serde(serialize_with = "views")]
    incidents: Vec<&'a Incident>,
}

impl<'a> IncidentsAnswer<'a> {
    /// The incidents of `state` that `query` asks for, newest first.
    pub fn new(state: &'a State, query: &IncidentsQuery) -> Self {
        let wanted = |incident: &&Incident| {
            query
                .pool
                .as_ref()
                .is_none_or(|pool| *pool == incident.pool)
                && query.open.is_none_or(|open| open == incident.is_open())
        };
        let found = state.incidents.iter().map(Arc::as_ref).filter(wanted);
        Self {
            taken: Moment(state.taken),
            incidents: found.take(query.limit.unwrap_or(usize::MAX)).collect(),
        }
    }
}

fn views<S: Serializer>(incidents: &[&Incident], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(incidents.iter().map(|incident| IncidentView::of(incident)))
}

/// An incident as the API and `evenkeel backtest` show it.
#[derive(Debug, Serialize)]
pub struct IncidentView<'a> {
    id: &'a str,
    pool: &'a str,
    role: Role,
    signal: Signal,
    started: Moment,
    detected: Moment,
    ended: Option<Moment>,
    ending: Option<Ending>,
    hot: &'a [Deviation],
    cold: &'a [Deviation],
    cause: &'a Cause,
    other_causes: &'a [Cause],
    change: Option<&'a Change>,
    evidence: f64,
    threshold: f64,
    peak_max_to_mean: Option<f64>,
    tolerance: f64,
    false_alarm_every_seconds: f64,
}

impl<'a> IncidentView<'a> {
    /// What is shown of an incident.
    pub fn of(incident: &'a Incident) -> Self {
        Self {
            id: &incident.id,
            pool: &incident.pool,
            role: incident.role,
            signal: incident.signal,
            started: Moment(incident.started),
            detected: Moment(incident.detected),
            ended: incident.ended.map(|ended| Moment(ended.at)),
            ending: incident.ended.map(|ended| ended.why),
            hot: &incident.hot,
            cold: &incident.cold,
            cause: &incident.cause,
            other_causes: &incident.other_causes,
            change: incident.change.as_ref(),
            evidence: incident.evidence,
            threshold: incident.threshold,
            peak_max_to_mean: (incident.signal != Signal::Failed)
                .then_some(incident.peak_max_to_mean),
            tolerance: incident.tolerance,
            false_alarm_every_seconds: incident.false_alarm_every.as_secs_f64(),
        }
    }
}
