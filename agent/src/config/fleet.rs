//! Checks where a fleet's counters are read, and how often.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};

use super::Fleet;
use super::credentials::credentials;
use super::place::{At, Place};
use super::problems::{Noted, Problems, quote};
use super::raw;
use super::receiver::{self, encrypted};
use super::shape::{Entries, Field, Scalar, Value};
use super::tls::tls;
use super::url::{self, url};
use super::value::{Bounds, Key};
use crate::model::{Receiver, Tls};

const FLEET: Key<'_> = Key {
    name: "fleet",
    example: "fleet: {prometheus: {url: http://127.0.0.1:9090}}",
    expects: "a mapping",
};
const PROMETHEUS: Key<'_> = Key {
    name: "prometheus",
    example: "prometheus: {url: http://127.0.0.1:9090}",
    expects: "a mapping",
};
const URL: Key<'_> = Key {
    name: "url",
    example: "url: http://127.0.0.1:9090",
    expects: "a URL",
};
const TIMEOUT: Key<'_> = Key {
    name: "timeout",
    example: "timeout: 30s",
    expects: "a duration",
};
const HEADERS: Key<'_> = Key {
    name: "headers",
    example: "headers: {X-Scope-OrgID: tenant}",
    expects: "a mapping",
};
const MATCH: Key<'_> = Key {
    name: "match",
    example: "match: 'cluster=\"a\"'",
    expects: "matchers of labels",
};

/// One of the durations of `fleet`.
struct Time {
    key: Key<'static>,
    usual: Duration,
    most: Duration,
}

const INTERVAL: Time = Time {
    key: Key {
        name: "interval",
        example: "interval: 15s",
        expects: "a duration",
    },
    usual: Duration::from_secs(15),
    most: Duration::from_secs(5 * 60),
};
const WINDOW: Time = Time {
    key: Key {
        name: "window",
        example: "window: 5m",
        expects: "a duration",
    },
    usual: Duration::from_secs(5 * 60),
    most: Duration::from_secs(24 * 60 * 60),
};
const DELAY: Time = Time {
    key: Key {
        name: "delay",
        example: "delay: 30s",
        expects: "a duration",
    },
    usual: Duration::from_secs(30),
    most: Duration::from_secs(60 * 60),
};
const LOOKBACK: Time = Time {
    key: Key {
        name: "lookback",
        example: "lookback: 15m",
        expects: "a duration",
    },
    usual: Duration::from_secs(15 * 60),
    most: Duration::from_secs(24 * 60 * 60),
};
const SHORTEST: Duration = Duration::from_secs(1);
const TIMEOUTS: Bounds = Bounds {
    least: Duration::from_millis(100),
    most: Duration::from_secs(5 * 60),
    least_from: None,
};
const USUAL_TIMEOUT: Duration = Duration::from_secs(30);

/// What stands behind a store's root by itself.
const API_PATH: &str = "/api/v1";

impl Fleet {
    /// A fleet whose counters are in the store at this URL, with all else as usual.
    pub fn at(url: String) -> Self {
        Self {
            store: Receiver {
                url,
                credentials: None,
                tls: Tls::default(),
                timeout: USUAL_TIMEOUT,
            },
            headers: BTreeMap::new(),
            interval: INTERVAL.usual,
            window: WINDOW.usual,
            delay: DELAY.usual,
            lookback: LOOKBACK.usual,
            matchers: None,
        }
    }
}

/// `fleet`.
pub(super) fn fleet(problems: &mut Problems<'_>, field: Field<raw::Fleet>) -> Result<Fleet, Noted> {
    let key = field.key;
    let section = problems.fit(FLEET, field)?;
    let (fleet, slips) = problems.admit(section.value);
    let store = match fleet.prometheus {
        Some(field) => store(problems, field),
        None => Err(problems.missing(PROMETHEUS, FLEET, key, &slips)),
    };
    let mut time = |time: &Time, field, least| duration(problems, time, field, least);
    let interval = time(&INTERVAL, fleet.interval, SHORTEST);
    let least = interval.as_ref().copied().unwrap_or(SHORTEST);
    let window = time(&WINDOW, fleet.window, least);
    let delay = time(&DELAY, fleet.delay, Duration::ZERO);
    let lookback = time(&LOOKBACK, fleet.lookback, least);
    let matchers = fleet.matchers.map(|field| matchers(problems, field));
    let (store, headers) = store?;
    Ok(Fleet {
        store,
        headers,
        interval: interval?,
        window: window?,
        delay: delay?,
        lookback: lookback?,
        matchers: matchers.transpose()?.filter(|text| !text.is_empty()),
    })
}

fn duration(
    problems: &mut Problems<'_>,
    time: &Time,
    field: Option<Field<Scalar>>,
    least: Duration,
) -> Result<Duration, Noted> {
    let bounds = Bounds {
        least,
        most: time.most,
        least_from: (least > SHORTEST).then_some(INTERVAL.key.name),
    };
    match field {
        Some(field) => problems.duration(time.key, field, bounds),
        None => Ok(time.usual.max(least)),
    }
}

fn store(
    problems: &mut Problems<'_>,
    field: Field<raw::Store>,
) -> Result<(Receiver, BTreeMap<String, String>), Noted> {
    let key = field.key;
    let section = problems.fit(PROMETHEUS, field)?;
    let (store, slips) = problems.admit(section.value);
    let url = match store.url {
        Some(field) => root(problems, field),
        None => Err(problems.missing(URL, PROMETHEUS, key, &slips)),
    };
    let credentials = credentials(problems, store.basic_auth, store.authorization);
    let tls = store.tls_config.map_or(Ok(Tls::default()), |field| {
        let key = field.key;
        let tls = tls(problems, field)?;
        encrypted(problems, key, &url).map(|()| tls)
    });
    let timeout = store.timeout.map_or(Ok(USUAL_TIMEOUT), |field| {
        problems.duration(TIMEOUT, field, TIMEOUTS)
    });
    let headers = store.headers.map(|field| headers(problems, field));
    let store = Receiver {
        url: url?.text,
        credentials: credentials?,
        tls: tls?,
        timeout: timeout?,
    };
    Ok((store, headers.transpose()?.unwrap_or_default()))
}

fn root(problems: &mut Problems<'_>, field: Field<Scalar>) -> Result<url::Url, Noted> {
    let At { value: url, place } = url(problems, URL, field, url::Kind::Root)?;
    if url.text.ends_with(API_PATH) {
        let message = format!("{} is the address of the API", quote(&url.text));
        let help = format!("leave out `{API_PATH}`: evenkeel appends the path by itself");
        return Err(problems.note(place, message, help));
    }
    Ok(url)
}

fn headers(
    problems: &mut Problems<'_>,
    field: Field<Entries>,
) -> Result<BTreeMap<String, String>, Noted> {
    let At { value: entries, .. } = problems.fit(HEADERS, field)?;
    let all: Vec<_> = entries
        .into_iter()
        .map(|(name, value)| header(problems, name, value))
        .collect();
    all.into_iter().collect()
}

fn header(
    problems: &mut Problems<'_>,
    name: At<String>,
    value: At<Value<Scalar>>,
) -> Result<(String, String), Noted> {
    let At { value: name, place } = name;
    let reserved = ["authorization", "host", "content-length", "content-type"];
    let is_name = HeaderName::from_bytes(name.as_bytes()).is_ok();
    if !is_name || reserved.contains(&name.to_lowercase().as_str()) {
        let message = format!("{} cannot be sent as a header of its own", quote(&name));
        let help = "use a name such as `X-Scope-OrgID`; passwords and tokens belong into `basic_auth` and `authorization`";
        return Err(problems.note(place, message, help));
    }
    let text = value_of(problems, &name, place, value)?;
    if HeaderValue::from_str(&text).is_err() {
        let message = format!("the value of {} cannot be sent in a header", quote(&name));
        return Err(problems.note(place, message, "use visible ASCII characters"));
    }
    Ok((name, text))
}

fn value_of(
    problems: &mut Problems<'_>,
    name: &str,
    place: Place,
    value: At<Value<Scalar>>,
) -> Result<String, Noted> {
    let key = Key {
        name,
        example: "X-Scope-OrgID: tenant",
        expects: "text",
    };
    let text = problems.text(key, Field { key: place, value })?;
    Ok(text.value.into_owned())
}

/// Matchers with or without the braces that they have in a query.
fn matchers(problems: &mut Problems<'_>, field: Field<Scalar>) -> Result<String, Noted> {
    let At { value, place } = problems.line(MATCH, field)?;
    let trimmed = value.trim();
    let inner = trimmed
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .unwrap_or(trimmed);
    if inner.contains(['{', '}']) && !inner.contains('"') {
        let message = format!("{} are no matchers", quote(&value));
        let help = "write what stands between the braces of a selector, like `cluster=\"a\"`";
        return Err(problems.note(place, message, help));
    }
    Ok(inner.trim().to_owned())
}

/// Makes the relative paths of all files relative to `directory`.
pub(super) fn resolve(fleet: Option<&mut Fleet>, directory: &Path) {
    for file in fleet
        .into_iter()
        .flat_map(|fleet| receiver::files(&mut fleet.store))
    {
        *file = directory.join(&*file);
    }
}
