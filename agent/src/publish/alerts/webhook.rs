//! The body of a webhook. Its form is documented in docs/alerting.md: fields are added, never changed.

use std::collections::BTreeMap;

use serde::Serialize;

use super::text;
use super::wording::Wording;
use crate::model::Incident;

/// The version of the form.
const VERSION: u32 = 1;

/// What happened to an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Event {
    /// It was detected.
    Opened,
    /// It has ended.
    Ended,
}

impl Event {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Ended => "ended",
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    version: u32,
    event: Event,
    key: String,
    alert: &'static str,
    labels: BTreeMap<String, String>,
    summary: String,
    description: String,
    page: String,
    runbook_url: String,
    incident: &'a Incident,
}

/// Tells this event of this incident from all others.
pub(super) fn key(incident: &Incident, event: Event) -> String {
    format!("{}/{}", incident.id, event.as_str())
}

/// The body of the request that tells of `event`.
pub(super) fn body(incident: &Incident, event: Event, wording: &Wording) -> Vec<u8> {
    let body = Body {
        version: VERSION,
        event,
        key: key(incident, event),
        alert: incident.alert.as_str(),
        labels: wording.labels(incident),
        summary: text::summary(incident),
        description: wording.description(incident),
        page: wording.page(incident),
        runbook_url: wording.runbook(incident),
        incident,
    };
    // Numbers that JSON cannot say become null, and maps have text as keys: this cannot fail.
    serde_json::to_vec(&body).unwrap_or_default()
}
