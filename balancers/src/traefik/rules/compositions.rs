//! Services that are made of others: TRF-011, TRF-013.

use super::{CANNOT_BE_BUILT, DEAD_PART};
use crate::finding::Report;
use crate::text::{list, percent};
use crate::traefik::compose::Split;
use crate::traefik::document::Document;
use crate::traefik::field;
use crate::traefik::pools::pool_name;
use crate::traefik::service::{Body, Part, Protocol, Service};
use crate::yaml::Value;

/// TRF-011: `RegisterStatusUpdater` fails unless the part has `healthCheck` of its own, and then there is no service at all
/// (`pkg/server/service/service.go`).
pub(super) fn cannot_be_built(service: &Service<'_>, document: &Document<'_>, report: &mut Report) {
    if service.protocol == Protocol::Udp {
        return;
    }
    let asks = service.health.is_some();
    let parts: Vec<&Part<'_>> = match &service.body {
        Body::Servers(_) | Body::Mirroring { .. } => return,
        Body::Weighted(parts) | Body::HighestRandomWeight(parts) => {
            parts.iter().filter(|_| asks).collect()
        }
        Body::Failover {
            main,
            fallback,
            on_errors,
        } => {
            let main = main.iter().filter(|_| !*on_errors);
            main.chain(fallback.iter().filter(|_| asks)).collect()
        }
    };
    let unchecked = |part: &&&Part<'_>| {
        let inner = document.get(service.protocol, part.name);
        inner.is_some_and(|inner| inner.health.is_none())
    };
    let Some(part) = parts.iter().find(unchecked) else {
        return;
    };
    let fails = match service.protocol {
        Protocol::Http => "100 % of its requests are answered 404",
        _ => "100 % of its connections are closed",
    };
    report
        .add(
            &CANNOT_BE_BUILT,
            part.place,
            format!("`{}` needs the health of `{}`, which has no `healthCheck`: Traefik cannot build the service, and {fails}", service.name, part.name),
            "give that service a `healthCheck` (a passive one does not count)",
        )
        .pool(&pool_name(service))
        .subject(part.name)
        .related_if(service.health, "what asks for its health");
}

/// TRF-013: parts know that they are down, and the composition does not ask.
pub(super) fn dead_part(split: &Split<'_>, document: &Document<'_>, report: &mut Report) {
    let service = split.service;
    let Some(parts) = service.parts().filter(|_| service.health.is_none()) else {
        return;
    };
    let live: Vec<&Part<'_>> = parts.iter().filter(|part| part.weight > 0).collect();
    let checked = |part: &&Part<'_>| {
        let inner = document.get(service.protocol, part.name);
        inner.is_some_and(|inner| inner.health.is_some())
    };
    // `sticky` and `healthCheck` are of HTTP and TCP alone.
    if live.len() < 2 || !live.iter().all(checked) || service.protocol == Protocol::Udp {
        return;
    }
    let sum: i128 = live.iter().map(|part| i128::from(part.weight)).sum();
    let told = live.iter().map(|part| {
        format!(
            "`{}` {}",
            part.name,
            percent(part.weight as f64 / sum as f64)
        )
    });
    report
        .add(
            &DEAD_PART,
            service.place,
            format!(
                "the services' health is checked, and `{}` does not look at it: one whose servers are all down keeps its share, and that part of the traffic fails: {}",
                service.name,
                list(told.collect())
            ),
            "add `healthCheck: {}` to the composition",
        )
        .pool(&split.pool.name)
        .related_if(field(service.value, "services").map(Value::place), "the services");
}
