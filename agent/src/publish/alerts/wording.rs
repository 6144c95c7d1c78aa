//! Labels, links and texts of an alert: everything that depends on the agent and its configuration, and not on time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::text;
use crate::model::{Alerting, Deviation, Incident};

/// Backends that are listed; a page is read on a telephone.
const MOST_LISTED: usize = 10;

/// Who the agent is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name of this host, for the labels `node` and `instance`.
    pub node: String,
    /// Where the agent serves its page.
    pub listen: SocketAddr,
    /// Whether it serves over https.
    pub https: bool,
}

/// How alerts are worded.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wording {
    labels: BTreeMap<String, String>,
    page: String,
    runbooks: String,
    pub(super) node: String,
    pub(super) resend: Duration,
}

impl Wording {
    pub(super) fn new(alerting: &Alerting, identity: &Identity) -> Self {
        let port = identity.listen.port();
        let instance = alerting.instance.clone();
        let own = [
            (
                "instance",
                instance.unwrap_or_else(|| format!("{}:{port}", identity.node)),
            ),
            ("node", identity.node.clone()),
            ("sender", "evenkeel".to_owned()),
        ];
        let mut labels = BTreeMap::from([("severity".to_owned(), "warning".to_owned())]);
        labels.extend(alerting.labels.clone());
        labels.extend(own.map(|(name, value)| (name.to_owned(), value)));
        let page = alerting.external_url.clone();
        Self {
            labels,
            page: page.unwrap_or_else(|| address_of_page(identity)),
            runbooks: alerting.runbook_url.clone(),
            node: identity.node.clone(),
            resend: alerting.resend,
        }
    }

    /// Whether alerts have other labels than by `other`, so that they are other alerts to Alertmanager.
    pub(super) fn labels_differ(&self, other: &Self) -> bool {
        self.labels != other.labels
    }

    /// The labels: the same for the whole life of an incident, and when it recurs, so that silences hold.
    pub(super) fn labels(&self, incident: &Incident) -> BTreeMap<String, String> {
        let mut labels = self.labels.clone();
        let own = [
            ("alertname", incident.alert.as_str()),
            ("pool", &incident.pool),
            ("role", incident.role.as_str()),
            ("signal", incident.signal.as_str()),
        ];
        labels.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
        // Alertmanager takes a label without a value for none.
        labels.retain(|_, value| !value.is_empty());
        labels
    }

    /// The agent's page, at the incident's pool.
    pub(super) fn page(&self, incident: &Incident) -> String {
        let base = self.page.trim_end_matches('/');
        format!("{base}/#pool-{}", escaped(&incident.pool))
    }

    /// What to do about the alert.
    pub(super) fn runbook(&self, incident: &Incident) -> String {
        let separator = if self.runbooks.ends_with('/') {
            ""
        } else {
            "/"
        };
        format!("{}{separator}{}.md", self.runbooks, incident.alert.as_str())
    }

    /// What people read, and what was measured.
    pub(super) fn annotations(&self, incident: &Incident) -> BTreeMap<&'static str, String> {
        let list = |side: &[Deviation]| listed(incident, side).join("; ");
        let mut annotations = BTreeMap::from([
            ("summary", text::summary(incident)),
            ("description", self.description(incident)),
            ("cause", incident.cause.id.as_str().to_owned()),
            ("cause_text", incident.cause.text.clone()),
            ("configuration", text::findings(incident).join("; ")),
            ("change", text::change(incident).unwrap_or_default()),
            ("hot", list(&incident.hot)),
            ("cold", list(&incident.cold)),
            ("evidence", text::evidence(incident)),
            ("started", text::moment(incident.started)),
            ("incident", incident.id.clone()),
            ("runbook_url", self.runbook(incident)),
            ("page", self.page(incident)),
        ]);
        annotations.retain(|_, value| !value.is_empty());
        annotations
    }

    /// The page for a human, in lines.
    pub(super) fn description(&self, incident: &Incident) -> String {
        let mut lines = vec![text::opening(incident, &self.node)];
        for (heading, side) in text::sides(incident) {
            if side.is_empty() {
                continue;
            }
            lines.push(format!("\n{heading}"));
            lines.extend(
                listed(incident, side)
                    .iter()
                    .map(|line| format!("- {line}")),
            );
        }
        if let Some(change) = text::change(incident) {
            lines.push(format!("\nIt {change}."));
        }
        let cause = &incident.cause;
        lines.push(format!("\nProbable cause ({}): {}", cause.id, cause.text));
        let found = text::findings(incident).into_iter();
        lines.extend(found.map(|found| format!("Configured so: {found}")));
        let others = incident.other_causes.iter();
        lines.extend(others.map(|other| format!("Also possible ({}): {}", other.id, other.text)));
        lines.push(format!("\nHow sure: {}.", text::evidence(incident)));
        lines.push(format!("What to do: {}", self.runbook(incident)));
        lines.push(format!("Live view: {}", self.page(incident)));
        lines.join("\n")
    }
}

/// The worst of one side, a line each.
fn listed(incident: &Incident, side: &[Deviation]) -> Vec<String> {
    let each = side.iter().take(MOST_LISTED);
    let mut lines: Vec<String> = each.map(|one| text::deviation(incident, one)).collect();
    if side.len() > MOST_LISTED {
        lines.push(format!("and {} more", side.len() - MOST_LISTED));
    }
    lines
}

/// Where the page is if nobody says so: on this host's name, if the agent listens on all addresses.
fn address_of_page(identity: &Identity) -> String {
    let scheme = if identity.https { "https" } else { "http" };
    let listen = identity.listen;
    if listen.ip().is_unspecified() {
        format!("{scheme}://{}:{}", identity.node, listen.port())
    } else {
        format!("{scheme}://{listen}")
    }
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// `text` as part of an address: everything but letters, digits and `-._~` as `%XX`.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                escaped.push(char::from(byte));
            }
            _ => {
                let digit = |four| char::from(HEX[usize::from(four)]);
                escaped.extend(['%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
    escaped
}
