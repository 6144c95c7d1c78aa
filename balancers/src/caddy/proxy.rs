//! A `reverse_proxy` handler: its upstreams, and how one of them is selected.

use super::policy::Policy;
use super::routes::Found;
use crate::go;
use crate::model::{Address, Target};
use crate::source::Place;
use crate::yaml::Value;

/// An upstream that is written in the configuration.
#[derive(Clone, Debug)]
pub(super) struct Upstream<'a> {
    /// As written: what Caddy hashes and compares.
    pub(super) dial: &'a str,
    pub(super) address: Address,
    pub(super) max_requests: Option<(u64, Place)>,
    pub(super) place: Place,
}

/// A source of upstreams that DNS or a plugin tells while Caddy runs.
#[derive(Clone, Debug)]
pub(super) struct Source<'a> {
    /// `a`, `srv` or a plugin's.
    pub(super) kind: &'a str,
    pub(super) address: Address,
    pub(super) place: Place,
}

/// A handler.
#[derive(Debug)]
pub(super) struct Proxy<'a> {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) server: Option<Value<'a>>,
    pub(super) upstreams: Vec<Upstream<'a>>,
    pub(super) sources: Vec<Source<'a>>,
    pub(super) policy: Policy<'a>,
    pub(super) policy_place: Place,
    /// The handler itself, for fields that only one rule looks at.
    pub(super) value: Value<'a>,
}

/// What a handler says.
pub(super) fn proxy(found: Found<'_>) -> Proxy<'_> {
    let value = found.value;
    let place = value.get("handler").map_or(value.place(), Value::place);
    let policy = value.at(&["load_balancing", "selection_policy"]);
    let named = policy.and_then(|policy| policy.get("policy"));
    Proxy {
        name: found.name,
        place,
        server: found.server,
        upstreams: value.list("upstreams").map(upstream).collect(),
        sources: value
            .get("dynamic_upstreams")
            .map(sources)
            .unwrap_or_default(),
        policy: Policy::of(policy),
        policy_place: named.map_or(place, Value::place),
        value,
    }
}

impl<'a> Proxy<'a> {
    /// A setting of its passive health checks.
    pub(super) fn passive(&self, key: &str) -> Option<Value<'a>> {
        self.value.at(&["health_checks", "passive", key])
    }

    /// For how long a failure counts, in seconds; `None`: failures are not counted.
    pub(super) fn fail_duration(&self) -> Option<(f64, Place)> {
        let value = self.passive("fail_duration")?;
        let seconds = seconds(value).filter(|seconds| *seconds > 0.0)?;
        Some((seconds, value.place()))
    }

    /// Whether upstreams are asked for their health.
    pub(super) fn is_checked(&self) -> bool {
        let active = self.value.at(&["health_checks", "active"]);
        // `IsEnabled` in `healthchecks.go`.
        active.is_some_and(|active| {
            ["path", "uri", "port"]
                .iter()
                .any(|key| active.get(key).is_some())
        })
    }
}

/// Seconds of a duration of Caddy's: text, or a number of nanoseconds.
pub(super) fn seconds(value: Value<'_>) -> Option<f64> {
    let nanoseconds = || value.number().map(|number| number / 1e9);
    nanoseconds().or_else(|| go::duration(value.text()?))
}

fn upstream(value: Value<'_>) -> Upstream<'_> {
    let dial = value.get("dial");
    let written = dial.and_then(Value::text).unwrap_or_default();
    let limit = value
        .get("max_requests")
        .and_then(|limit| Some((limit.whole()?, limit.place())));
    Upstream {
        dial: written,
        address: address(written),
        max_requests: limit.filter(|(limit, _)| *limit > 0),
        place: dial.unwrap_or(value).place(),
    }
}

/// `192.0.2.1:80`, `tcp/app:80`, `unix//run/app.sock`, `:80` for this host, `{env.APP}:80` for what is known later.
fn address(written: &str) -> Address {
    let (network, rest) = written.split_once('/').unwrap_or(("", written));
    let target = if written.contains('{') {
        Target::Unknown
    } else if network.starts_with("unix") {
        Target::Unix(rest.to_owned())
    } else if let Some(port) = rest.strip_prefix(':') {
        Address::parse(&format!("localhost:{port}"), None).target
    } else {
        Address::parse(rest, None).target
    };
    Address {
        written: written.to_owned(),
        target,
    }
}

/// The sources, of which `multi` is a list.
fn sources(value: Value<'_>) -> Vec<Source<'_>> {
    let kind = value
        .get("source")
        .and_then(Value::text)
        .unwrap_or_default();
    if kind == "multi" {
        return value.list("sources").map(|value| source(value)).collect();
    }
    vec![source(value)]
}

fn source(value: Value<'_>) -> Source<'_> {
    let text = |key: &str| value.get(key).and_then(Value::text).unwrap_or_default();
    let kind = text("source");
    let written = match (kind, text("service"), text("proto")) {
        ("a", ..) => format!("{}:{}", text("name"), text("port")),
        ("srv", service, proto) if !service.is_empty() => {
            format!("_{service}._{proto}.{}", text("name"))
        }
        _ => text("name").to_owned(),
    };
    let target = if written.contains('{') {
        Target::Unknown
    } else {
        Address::parse(&written, None).target
    };
    Source {
        kind,
        address: Address { written, target },
        place: value.get("name").unwrap_or(value).place(),
    }
}
