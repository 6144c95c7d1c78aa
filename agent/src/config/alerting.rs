//! Checks where incidents are sent, and with what.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::labels::{Reserved, labels};
use super::problems::{Noted, Problems};
use super::raw;
use super::receiver::{self, receivers};
use super::shape::{Entries, Field, Scalar};
use super::url::{self, url};
use super::value::{Bounds, Key};
use crate::model::Alerting;

const ALERTING: Key<'_> = Key {
    name: "alerting",
    example: "alerting: {alertmanagers: [{url: http://127.0.0.1:9093}]}",
    expects: "a mapping",
};
const LABELS: Key<'_> = Key {
    name: "labels",
    example: "labels: {severity: warning}",
    expects: "a mapping",
};
const INSTANCE: Key<'_> = Key {
    name: "instance",
    example: "instance: balancer-1",
    expects: "text",
};
const EXTERNAL_URL: Key<'_> = Key {
    name: "external_url",
    example: "external_url: http://balancer-1.example:9797",
    expects: "a URL",
};
const RUNBOOK_URL: Key<'_> = Key {
    name: "runbook_url",
    example: "runbook_url: https://wiki.example/runbooks/",
    expects: "a URL",
};
const RESEND: Key<'_> = Key {
    name: "resend",
    example: "resend: 1m",
    expects: "a duration",
};

/// Labels that alerts have by themselves.
const RESERVED: Reserved = Reserved {
    names: &[
        "alertname",
        "pool",
        "signal",
        "role",
        "instance",
        "node",
        "sender",
    ],
    help: "evenkeel itself gives alerts a label of this name: choose another",
};
/// More often would load the receiver, more rarely would let Alertmanager take the alert for resolved.
const RESENDS: Bounds = Bounds {
    least: Duration::from_secs(5),
    most: Duration::from_secs(60 * 60),
    least_from: None,
};

/// `alerting`.
pub(super) fn alerting(problems: &mut Problems<'_>, field: Field<raw::Alerting>) -> Alerting {
    let default = Alerting::default();
    let Ok(section) = problems.fit(ALERTING, field) else {
        return default;
    };
    let (section, _) = problems.admit(section.value);
    let mut to = |field: Option<_>, kind| {
        field.map_or_else(Vec::new, |field| receivers(problems, field, kind))
    };
    let alertmanagers = to(section.alertmanagers, receiver::Kind::Alertmanager);
    let webhooks = to(section.webhooks, receiver::Kind::Webhook);
    let labels = section.labels.map(|field| own_labels(problems, field));
    let instance = section
        .instance
        .and_then(|field| problems.line(INSTANCE, field).ok());
    let external_url = section
        .external_url
        .and_then(|field| root(problems, EXTERNAL_URL, field).ok());
    let runbook_url = section
        .runbook_url
        .and_then(|field| root(problems, RUNBOOK_URL, field).ok());
    let resend = section
        .resend
        .and_then(|field| problems.duration(RESEND, field, RESENDS).ok());
    Alerting {
        alertmanagers,
        webhooks,
        labels: labels.and_then(Result::ok).unwrap_or(default.labels),
        instance: instance.map(|at| at.value),
        external_url,
        runbook_url: runbook_url.map_or(default.runbook_url, |root| root + "/"),
        resend: resend.unwrap_or(default.resend),
    }
}

fn own_labels(
    problems: &mut Problems<'_>,
    field: Field<Entries>,
) -> Result<BTreeMap<String, String>, Noted> {
    labels(problems, LABELS, field, RESERVED)
}

/// A URL that paths are appended to, without a slash at its end.
fn root(problems: &mut Problems<'_>, key: Key<'_>, field: Field<Scalar>) -> Result<String, Noted> {
    url(problems, key, field, url::Kind::Root).map(|at| at.value.text)
}

/// Makes the relative paths of all files relative to `directory`.
pub(super) fn resolve(alerting: &mut Alerting, directory: &Path) {
    let receivers = alerting
        .alertmanagers
        .iter_mut()
        .chain(&mut alerting.webhooks);
    for receiver in receivers {
        for file in receiver::files(receiver) {
            *file = directory.join(&*file);
        }
    }
}
