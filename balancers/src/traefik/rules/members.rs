//! Which servers there are: TRF-010, TRF-014.

use std::collections::BTreeMap;

use super::{ONE_NAME, TWICE};
use crate::finding::Report;
use crate::model::Target;
use crate::text::percent;
use crate::traefik::pools::View;
use crate::traefik::service::{Server, Strategy};

/// TRF-010: the same address again.
pub(super) fn twice(view: &View<'_>, report: &mut Report) {
    let servers = &view.balancer.servers;
    let mut parts: BTreeMap<String, f64> = BTreeMap::new();
    for (server, share) in servers.iter().zip(view.nominal) {
        *parts.entry(server.address.key()).or_default() += share;
    }
    let fair = percent(1.0 / parts.len() as f64);
    let mut seen = BTreeMap::new();
    for server in servers {
        let key = server.address.key();
        let Some(first) = seen.get(&key).copied() else {
            seen.insert(key, server.place);
            continue;
        };
        let part = percent(parts.get(&key).copied().unwrap_or_default());
        let message = if view.balancer.strategy == Strategy::Hrw {
            format!(
                "{} is here a second time: of equal names only one gets keys, together {part}",
                server.url
            )
        } else {
            format!(
                "{} is here a second time: it will get {part} of {} instead of {fair}",
                server.url,
                view.pool.units()
            )
        };
        view.add(
            report,
            &TWICE,
            server.place,
            message,
            "remove one of the two; a weight says that a server is to get more",
        )
        .subject(&key)
        .related(first, "the first time");
    }
}

/// TRF-014: a name that DNS may answer with several addresses.
pub(super) fn one_name(view: &View<'_>, report: &mut Report) {
    let servers = view.balancer.servers.iter().zip(view.nominal);
    let mut named = servers.filter(|(server, _)| is_elsewhere(server));
    let Some((server, share)) = named.next() else {
        return;
    };
    let others = match named.count() {
        0 => String::new(),
        more => format!(" ({more} more likewise)"),
    };
    view.add(
        report,
        &ONE_NAME,
        server.place,
        format!(
            "`{}` is one server{others}: if the name has several addresses, its {} of {} go to the one that is tried first when a connection is opened, and are not balanced",
            server.url,
            percent(*share),
            view.pool.units()
        ),
        "name each address, or use a provider that knows the instances",
    )
    .subject(server.url);
}

/// Whether a server is a name, and not this host's own.
fn is_elsewhere(server: &Server<'_>) -> bool {
    matches!(&server.address.target, Target::Name { host, .. } if host != "localhost")
}
