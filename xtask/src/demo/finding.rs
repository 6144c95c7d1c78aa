//! What the agent finds of the pool, as its API says it.

use std::net::SocketAddr;

use serde::Deserialize;

/// What a pool is found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Even,
    Suspect,
    Skewed,
    Unknown,
}

impl Verdict {
    /// The agent's word for it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Even => "even",
            Self::Suspect => "suspect",
            Self::Skewed => "skewed",
            Self::Unknown => "unknown",
        }
    }
}

/// On which side of its tolerance a backend is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Side {
    Hot,
    Cold,
}

/// The answer of `/api/v1/incidents`, as far as it is shown.
#[derive(Debug, Deserialize)]
pub(super) struct Incidents {
    pub(super) incidents: Vec<Incident>,
}

/// A skew with its probable cause.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Incident {
    /// What is uneven.
    pub(super) signal: String,
    /// The backends with too much, the worst first.
    pub(super) hot: Vec<Deviation>,
    /// The probable explanation.
    pub(super) cause: Cause,
}

/// A backend outside its tolerance.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Deviation {
    pub(super) backend: SocketAddr,
    pub(super) observed_share: f64,
    pub(super) expected_share: f64,
}

/// An explanation.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Cause {
    /// The name of its kind.
    pub(super) id: String,
    /// In a sentence or two.
    pub(super) text: String,
}

impl Incident {
    /// What is uneven, in words.
    pub(super) fn noun(&self) -> &str {
        match self.signal.as_str() {
            "opened" => "new connections",
            "active" => "open connections",
            other => other,
        }
    }
}

impl Incidents {
    /// The incident to tell of: that of new connections, which are what the weights are about, or else the newest.
    pub(super) fn foremost(mut self) -> Option<Incident> {
        let opened = self.incidents.iter().position(|one| one.signal == "opened");
        let place = opened.unwrap_or_default();
        (place < self.incidents.len()).then(|| self.incidents.swap_remove(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_incident_of_new_connections_goes_first() {
        let json = |signal: &str| {
            format!(
                r#"{{"id": "1", "signal": "{signal}", "hot": [{{"backend": "127.0.0.13:8080", "observed_share": 0.6, "expected_share": 0.2}}],
                "cold": [], "cause": {{"id": "weights_differ", "text": "The shares fit 8."}}}}"#
            )
        };
        let foremost = |signals: &[&str]| {
            let list: Vec<String> = signals.iter().map(|signal| json(signal)).collect();
            let text = format!("{{\"taken\": \"\", \"incidents\": [{}]}}", list.join(","));
            let incidents: Incidents = serde_json::from_str(&text).unwrap();
            incidents.foremost().map(|incident| incident.signal)
        };
        assert_eq!(foremost(&["active", "opened"]).unwrap(), "opened");
        assert_eq!(foremost(&["active", "bytes"]).unwrap(), "active");
        assert_eq!(foremost(&[]), None);
    }
}
