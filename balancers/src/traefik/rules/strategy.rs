//! How a server is chosen: TRF-001, TRF-005, TRF-006, TRF-016.

use std::collections::BTreeMap;

use super::{FASTEST, IGNORED_WEIGHTS, PROXY_ADDRESS, SIMILAR_NAMES};
use crate::finding::{Report, Severity};
use crate::shares::by_weight;
use crate::source::Place;
use crate::text::{list, percent};
use crate::traefik::document::Document;
use crate::traefik::pools::{View, pool_name};
use crate::traefik::service::{Body, Service, Strategy};

/// TRF-001: weights that nobody looks at.
pub(super) fn ignored_weights(view: &View<'_>, report: &mut Report) {
    let servers = &view.balancer.servers;
    if view.balancer.strategy != Strategy::P2c || view.live() < 2 {
        return;
    }
    let Some(first) = servers.first() else { return };
    let odd = servers.iter().find(|server| server.weight != first.weight);
    let out = servers.iter().find(|server| server.weight <= 0);
    let Some(server) = out.or(odd) else { return };
    let place = server.weight_place.unwrap_or(server.place);
    let equal = percent(1.0 / servers.len() as f64);
    let (severity, message) = if server.weight <= 0 {
        (
            Severity::Error,
            format!(
                "{} has weight {}, which `p2c` does not look at: it gets {equal} of the requests, like all others",
                server.url, server.weight
            ),
        )
    } else {
        (
            Severity::Warning,
            format!(
                "`p2c` does not look at weights: each of {} servers gets {equal} while they are equally busy",
                servers.len()
            ),
        )
    };
    view.add(
        report,
        &IGNORED_WEIGHTS,
        place,
        message,
        "use `strategy: wrr`, which rotates by weight, or remove weights and what is to get nothing",
    )
    .severity(severity)
    .subject(server.url)
    .related_if(view.balancer.strategy_place, "the strategy");
}

/// TRF-005: the first to answer gets the next request as well.
pub(super) fn fastest(view: &View<'_>, report: &mut Report) {
    let servers = view.live();
    if view.balancer.strategy != Strategy::LeastTime || servers < 2 {
        return;
    }
    let place = view.balancer.strategy_place.unwrap_or(view.service.place);
    view.add(
        report,
        &FASTEST,
        place,
        format!(
            "one of {servers} servers can get nearly 100 % of the requests while there is little load: each goes to the one with the least average time to first byte (of its last 100 answers, in whole milliseconds) times requests in progress, so that one that is not asked is not measured again, and one that fails fast attracts all"
        ),
        "use `wrr`, or `p2c`, which compares requests in progress",
    );
}

/// TRF-006: the address of whatever connects.
pub(super) fn proxy_address(
    service: &Service<'_>,
    servers: usize,
    document: &Document<'_>,
    report: &mut Report,
) {
    let place = match &service.body {
        Body::Servers(balancer) if balancer.strategy == Strategy::Hrw => {
            balancer.strategy_place.unwrap_or(service.place)
        }
        Body::HighestRandomWeight(_) => service.place,
        _ => return,
    };
    if servers < 2 || document.proxied == Some(true) {
        return;
    }
    // The share of a server that k keys of equal weight fall to varies by sqrt((n - 1) / k) of itself.
    let spread = 100.0 * ((servers - 1) as f64 / 20.0).sqrt();
    report
        .add(
            &PROXY_ADDRESS,
            place,
            format!(
                "the key is the address of whatever connects, that of the proxy or NAT if clients come through one, whatever `forwardedHeaders` says: one address sends 100 % to 1 of {servers}, and with 20 busy addresses a share still varies by about {spread:.0} % of itself"
            ),
            "use `wrr` with a sticky cookie; behind a proxy let it speak the PROXY protocol, and set `proxyProtocol.trustedIPs` of the entry point",
        )
        .pool(&pool_name(service));
}

/// What `hrw` hashes.
struct Hashed<'a> {
    name: &'a str,
    weight: i64,
    place: Place,
    share: f64,
}

/// All that can get something, each name once: of equal ones all but one have no share, which is told elsewhere.
fn hashed<'a>(service: &Service<'a>) -> Vec<Hashed<'a>> {
    let names: Vec<(&'a str, i64, Place)> = match &service.body {
        Body::Servers(balancer) if balancer.strategy == Strategy::Hrw => {
            let servers = balancer.servers.iter();
            servers
                .map(|server| (server.url, server.weight, server.place))
                .collect()
        }
        Body::HighestRandomWeight(parts) => parts
            .iter()
            .map(|part| (part.written, part.weight, part.place))
            .collect(),
        _ => Vec::new(),
    };
    let mut best: BTreeMap<&str, Hashed<'a>> = BTreeMap::new();
    let live = names.into_iter().zip(&service.shares);
    for ((name, weight, place), share) in live.filter(|((_, weight, _), _)| *weight > 0) {
        let this = || Hashed {
            name,
            weight,
            place,
            share: *share,
        };
        let known = best.entry(name).or_insert_with(this);
        if *share > known.share {
            *known = this();
        }
    }
    let mut all: Vec<Hashed<'a>> = best.into_values().collect();
    all.sort_by_key(|hashed| hashed.place);
    all
}

/// TRF-016: shares that are not those of the weights.
pub(super) fn similar_names(service: &Service<'_>, report: &mut Report) {
    let all = hashed(service);
    let weights: Vec<f64> = all.iter().map(|one| one.weight as f64).collect();
    let meant = by_weight(&weights);
    let both = || all.iter().zip(&meant);
    let Some((odd, _)) = both().find(|(one, meant)| (one.share - **meant).abs() > 1e-9) else {
        return;
    };
    let told = both().map(|(one, meant)| {
        format!(
            "{} {} instead of {}",
            one.name,
            percent(one.share),
            percent(*meant)
        )
    });
    let severity = if all.iter().any(|one| one.share <= 0.0) {
        Severity::Error
    } else {
        Severity::Warning
    };
    report
        .add(
            &SIMILAR_NAMES,
            odd.place,
            format!(
                "the names differ only in their last letters, which the hash hardly spreads; of all addresses go to {}",
                list(told.collect())
            ),
            "let names end in four letters or more that are the same, like `:8080`, or use `wrr` with a sticky cookie",
        )
        .severity(severity)
        .pool(&pool_name(service))
        .subject(odd.name);
}
