//! Handlers as pools.

use std::collections::{BTreeMap, BTreeSet};

use super::policy::Policy;
use super::proxy::{Proxy, Source, Upstream};
use crate::finding::{Added, Report, Rule};
use crate::model::{Comparability, Pool, Server, Share, Shares, State, Traffic};
use crate::product::Product;
use crate::shares::{Formula, by_weight, caddy_weighted};
use crate::source::Place;
use crate::yaml::Value;

/// A handler with what follows from it, for rules to look at.
pub(super) struct View<'a> {
    pub(super) proxy: &'a Proxy<'a>,
    pub(super) pool: Pool,
}

impl View<'_> {
    /// Adds a finding about it.
    pub(super) fn add<'r>(
        &self,
        report: &'r mut Report,
        rule: &'static Rule,
        place: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Added<'r> {
        report.add(rule, place, message, help).pool(&self.pool.name)
    }

    /// How many upstreams there are that are not the same as one before.
    pub(super) fn distinct(&self) -> usize {
        let dials = self.proxy.upstreams.iter().map(|upstream| upstream.dial);
        dials.collect::<BTreeSet<_>>().len()
    }
}

/// All handlers.
pub(super) fn views<'a>(proxies: &'a [Proxy<'a>]) -> Vec<View<'a>> {
    let view = |proxy: &'a Proxy<'a>| View {
        proxy,
        pool: pool(proxy),
    };
    proxies.iter().map(view).collect()
}

fn pool(proxy: &Proxy<'_>) -> Pool {
    let mut members = written(proxy);
    let notes = notes(proxy);
    if !proxy.sources.is_empty() {
        // Written upstreams take over only if none are found.
        for (_, share) in &mut members {
            *share = Share::ZERO;
        }
        let share = if proxy.sources.len() == 1 {
            Share::exactly(1.0)
        } else {
            Share::UNKNOWN
        };
        members.extend(proxy.sources.iter().map(|source| (found(source), share)));
    }
    let (servers, shares): (Vec<Server>, Vec<Share>) = members.into_iter().unzip();
    let algorithm = proxy.policy.algorithm();
    Pool {
        formula: formula(proxy, &servers),
        comparability: comparability(proxy),
        servers,
        shares: Shares {
            of: proxy.policy.basis(),
            servers: shares,
        },
        notes,
        ..Pool::new(
            Product::Caddy,
            proxy.name.as_str(),
            Traffic::Requests,
            proxy.place,
            algorithm,
        )
    }
}

/// The upstreams that are written, with their shares while all are available.
fn written(proxy: &Proxy<'_>) -> Vec<(Server, Share)> {
    let plugin = matches!(proxy.policy, Policy::Other(_));
    let weighed = proxy.upstreams.iter().zip(weights(proxy));
    let each = weighed.zip(shares(proxy));
    each.map(|((upstream, weight), share)| {
        let bound = if plugin {
            Share::UNKNOWN
        } else {
            Share::exactly(share)
        };
        (server(proxy, upstream, weight, share), bound)
    })
    .collect()
}

/// Shares in proportion to weights, if they are. A name stays one upstream, whatever the number of its addresses.
fn formula(proxy: &Proxy<'_>, servers: &[Server]) -> Option<Formula> {
    let names = servers.iter().any(|server| server.address.is_name());
    let equal = matches!(
        proxy.policy,
        Policy::Random | Policy::RandomChoose(_) | Policy::LeastConn | Policy::RoundRobin
    );
    (equal && !names && proxy.sources.is_empty()).then_some(Formula::Weight)
}

fn notes(proxy: &Proxy<'_>) -> Vec<String> {
    let open = |upstream: &Upstream<'_>| upstream.dial.contains('{');
    let all = [
        (
            matches!(proxy.policy, Policy::Other(_)),
            "the policy is a plugin's",
        ),
        (
            !proxy.sources.is_empty(),
            "upstreams are found while Caddy runs: `/reverse_proxy/upstreams` of its admin interface tells them",
        ),
        (
            proxy.upstreams.iter().any(open),
            "an address with placeholders is one upstream, whatever they stand for",
        ),
    ];
    let true_ones = all.into_iter().filter(|(holds, _)| *holds);
    true_ones.map(|(_, note)| note.to_owned()).collect()
}

/// The weight of each upstream: by position, and 0 where none is left. With fewer than two weights there are none.
fn weights(proxy: &Proxy<'_>) -> Vec<f64> {
    let weight = |index: usize| match &proxy.policy {
        Policy::Weighted(weights) => weights.get(index).map_or(0.0, |(weight, _)| *weight as f64),
        _ => 1.0,
    };
    (0..proxy.upstreams.len()).map(weight).collect()
}

/// The share of each upstream while all are available.
fn shares(proxy: &Proxy<'_>) -> Vec<f64> {
    let many = proxy.upstreams.len();
    let mut seen = BTreeSet::new();
    match &proxy.policy {
        Policy::Weighted(weights) => {
            let weights: Vec<u64> = weights.iter().map(|(weight, _)| *weight).collect();
            let shares = caddy_weighted(&weights, &vec![true; many]);
            shares.unwrap_or_else(|| vec![0.0; many])
        }
        Policy::First => (0..many)
            .map(|index| if index == 0 { 1.0 } else { 0.0 })
            .collect(),
        // Of equal hashes the first wins, so that an upstream that stands twice counts once.
        policy if policy.is_hash() => {
            let new = |upstream: &Upstream<'_>| {
                f64::from(u8::from(seen.insert(upstream.address.written.clone())))
            };
            by_weight(&proxy.upstreams.iter().map(new).collect::<Vec<_>>())
        }
        _ => by_weight(&vec![1.0; many]),
    }
}

fn server(proxy: &Proxy<'_>, upstream: &Upstream<'_>, weight: f64, share: f64) -> Server {
    let state = match proxy.policy {
        _ if !proxy.sources.is_empty() => State::Backup,
        Policy::First if share <= 0.0 => State::Backup,
        Policy::Weighted(_) if share <= 0.0 => State::Disabled,
        _ => State::InRotation,
    };
    Server {
        weight,
        state,
        ..Server::new(upstream.address.clone(), upstream.place)
    }
}

fn found(source: &Source<'_>) -> Server {
    Server {
        labels: BTreeMap::from([("source".to_owned(), source.kind.to_owned())]),
        ..Server::new(source.address.clone(), source.place)
    }
}

/// How far connections tell of requests: the `http` transport keeps connections, unless it is told not to.
fn comparability(proxy: &Proxy<'_>) -> Comparability {
    let transport = proxy.value.get("transport");
    let at = |keys: &[&str]| transport.and_then(|transport| transport.at(keys));
    let fastcgi = at(&["protocol"]).and_then(Value::text) == Some("fastcgi");
    let closes = at(&["keep_alive", "enabled"]).and_then(Value::text) == Some("false");
    let mut versions = transport
        .into_iter()
        .flat_map(|transport| transport.list("versions"))
        .filter_map(Value::text);
    if fastcgi || closes {
        Comparability::Exact
    } else if versions.any(|version| matches!(version, "h2c" | "3")) {
        Comparability::Unusable
    } else {
        Comparability::Approximate
    }
}
