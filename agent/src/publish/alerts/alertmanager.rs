//! Alerts as version 2 of Alertmanager's API takes them.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::Serialize;

use super::clock::Now;
use super::wording::Wording;
use crate::model::{Incident, rfc3339};

/// How many intervals of repetition an alert outlives its last repetition: so many may go missing before Alertmanager takes it
/// for resolved. As Prometheus does it.
const OUTLIVES: u32 = 4;

/// Where alerts go, below Alertmanager's root.
pub(super) const PATH: &str = "/api/v2/alerts";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<&'static str, String>,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: String,
}

/// The body of a request for these incidents.
pub(super) fn body<'a>(
    incidents: impl Iterator<Item = &'a Incident>,
    wording: &Wording,
    now: &Now,
) -> Vec<u8> {
    let alerts: Vec<Alert> = incidents
        .map(|incident| alert(incident, wording, now))
        .collect();
    // Maps with text as keys cannot fail to become JSON.
    serde_json::to_vec(&alerts).unwrap_or_default()
}

fn alert(incident: &Incident, wording: &Wording, now: &Now) -> Alert {
    let (started, ends) = times(incident, wording, now);
    Alert {
        labels: wording.labels(incident),
        annotations: wording.annotations(incident),
        starts_at: rfc3339(started).to_string(),
        ends_at: rfc3339(ends).to_string(),
        generator_url: wording.page(incident),
    }
}

/// Start and end as Alertmanager can use them, also when this host's clock was set in between: it refuses an end before the start,
/// and takes an alert for on whose end is to come.
fn times(incident: &Incident, wording: &Wording, now: &Now) -> (SystemTime, SystemTime) {
    let started = incident.started;
    match incident.ended {
        None => {
            let ahead = wording.resend * OUTLIVES;
            (started, now.horizon.max(started) + ahead)
        }
        Some(ended) => {
            let ends = ended.at.min(now.wall);
            (started.min(ends), ends)
        }
    }
}
