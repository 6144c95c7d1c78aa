//! Checks one receiver of alerts.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use super::credentials::credentials;
use super::place::{At, Place};
use super::problems::{Noted, Problems, quote};
use super::raw;
use super::shape::{Field, Items, Scalar, Value};
use super::tls::tls;
use super::url::{self, Url};
use super::value::{Bounds, Key};
use crate::model::{Credentials, Receiver, Tls};

/// What understands the alerts that are sent to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Alertmanager's API; the URL is the root of Alertmanager.
    Alertmanager,
    /// A JSON body; the URL is the whole address.
    Webhook,
}

impl Kind {
    /// The list that such receivers are in.
    const fn list(self) -> Key<'static> {
        match self {
            Self::Alertmanager => Key {
                name: "alertmanagers",
                example: "alertmanagers: [{url: http://127.0.0.1:9093}]",
                expects: "a list",
            },
            Self::Webhook => Key {
                name: "webhooks",
                example: "webhooks: [{url: http://127.0.0.1:8080/alerts}]",
                expects: "a list",
            },
        }
    }

    /// One item of the list.
    const fn item(self) -> Key<'static> {
        match self {
            Self::Alertmanager => Key {
                name: "an Alertmanager",
                example: "- url: http://127.0.0.1:9093",
                expects: "a mapping",
            },
            Self::Webhook => Key {
                name: "a webhook",
                example: "- url: http://127.0.0.1:8080/alerts",
                expects: "a mapping",
            },
        }
    }

    const fn url(self) -> Key<'static> {
        Key {
            name: "url",
            example: match self {
                Self::Alertmanager => "url: http://127.0.0.1:9093",
                Self::Webhook => "url: http://127.0.0.1:8080/alerts",
            },
            expects: "a URL",
        }
    }
}

const TIMEOUT: Key<'_> = Key {
    name: "timeout",
    example: "timeout: 10s",
    expects: "a duration",
};
const TIMEOUTS: Bounds = Bounds {
    least: Duration::from_millis(100),
    most: Duration::from_secs(5 * 60),
    least_from: None,
};
const USUAL_TIMEOUT: Duration = Duration::from_secs(10);

/// The paths of Alertmanager's own that users may take for a part of its address.
const API_PATHS: [&str; 2] = ["/api/v2/alerts", "/api/v1/alerts"];

/// All receivers of a list without errors.
pub(super) fn receivers(
    problems: &mut Problems<'_>,
    field: Field<Items<raw::Receiver>>,
    kind: Kind,
) -> Vec<Receiver> {
    let Ok(At { value: items, .. }) = problems.fit(kind.list(), field) else {
        return Vec::new();
    };
    let mut lines = HashMap::new();
    items
        .kept
        .into_iter()
        .filter_map(|item| receiver(problems, item, kind, &mut lines).ok())
        .collect()
}

/// One receiver; `lines` holds the URLs of the list so far with their lines.
fn receiver(
    problems: &mut Problems<'_>,
    item: At<Value<raw::Receiver>>,
    kind: Kind,
    lines: &mut HashMap<String, u32>,
) -> Result<Receiver, Noted> {
    let At { value, place } = problems.item(kind.item(), item)?;
    let (receiver, slips) = problems.admit(value);
    let url = match receiver.url {
        Some(field) => address(problems, field, kind, lines),
        None => Err(problems.missing(kind.url(), kind.item(), place, &slips)),
    };
    let credentials = credentials(problems, receiver.basic_auth, receiver.authorization);
    let tls = receiver.tls_config.map_or(Ok(Tls::default()), |field| {
        let key = field.key;
        let tls = tls(problems, field)?;
        encrypted(problems, key, &url).map(|()| tls)
    });
    let timeout = receiver.timeout.map_or(Ok(USUAL_TIMEOUT), |field| {
        problems.duration(TIMEOUT, field, TIMEOUTS)
    });
    Ok(Receiver {
        url: url?.text,
        credentials: credentials?,
        tls: tls?,
        timeout: timeout?,
    })
}

fn address(
    problems: &mut Problems<'_>,
    field: Field<Scalar>,
    kind: Kind,
    lines: &mut HashMap<String, u32>,
) -> Result<Url, Noted> {
    let stands_for = match kind {
        Kind::Alertmanager => url::Kind::Root,
        Kind::Webhook => url::Kind::Whole,
    };
    let At { value: url, place } = url::url(problems, kind.url(), field, stands_for)?;
    let api = API_PATHS.iter().find(|path| url.text.ends_with(**path));
    if let (Kind::Alertmanager, Some(path)) = (kind, api) {
        return Err(problems.note(
            place,
            format!("{} is the address of Alertmanager's API", quote(&url.text)),
            format!("leave out `{path}`: evenkeel appends the path by itself"),
        ));
    }
    if let Some(line) = lines.get(&url.text) {
        let message = format!("{} is in this list already", quote(&url.text));
        let help = format!("it is on line {line}: remove one of the two");
        return Err(problems.note(place, message, help));
    }
    lines.insert(url.text.clone(), place.line);
    Ok(url)
}

/// Checks that a server with `tls_config` at `key` is asked over https; one without a URL was noted before.
pub(super) fn encrypted(
    problems: &mut Problems<'_>,
    key: Place,
    url: &Result<Url, Noted>,
) -> Result<(), Noted> {
    match url {
        Ok(url) if !url.secure => Err(problems.note(
            key,
            "`tls_config` has no effect on a server that is asked over http",
            "begin its `url` with `https://`, or remove `tls_config`",
        )),
        _ => Ok(()),
    }
}

/// The paths of all files that a receiver needs.
pub(super) fn files(receiver: &mut Receiver) -> impl Iterator<Item = &mut PathBuf> {
    let secret = match &mut receiver.credentials {
        Some(Credentials::Basic { password_file, .. }) => Some(password_file),
        Some(Credentials::Bearer { credentials_file }) => Some(credentials_file),
        None => None,
    };
    let identity = receiver.tls.identity.as_mut();
    let identity = identity.map(|(certificate, key)| [certificate, key]);
    secret
        .into_iter()
        .chain(&mut receiver.tls.ca_file)
        .chain(identity.into_iter().flatten())
}
