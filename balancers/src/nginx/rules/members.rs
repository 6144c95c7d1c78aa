//! Who is in an upstream: NGX-002, NGX-006, NGX-020.

use std::collections::BTreeMap;

use super::{ALONE, ONE_PRIMARY, TWICE};
use crate::finding::{Report, Severity};
use crate::nginx::pools::View;
use crate::nginx::server::Server;
use crate::text::{count, percent};

/// NGX-002: an address more than once.
pub(super) fn twice(view: &View<'_>, report: &mut Report) {
    let mut groups: BTreeMap<String, Vec<(usize, &Server)>> = BTreeMap::new();
    for (index, server) in view.live() {
        let members = groups.entry(address(server)).or_default();
        members.push((index, server));
    }
    let lines = view.live().count();
    for (address, members) in &groups {
        let [(_, first), (_, second), ..] = members[..] else {
            continue;
        };
        let alike = |(_, server): &(_, &Server)| server.address.written == first.address.written;
        // On the ring the same words have the same points, once.
        if view.upstream.choice().is_ring() && members.iter().all(alike) {
            continue;
        }
        let message = format!(
            "{address} stands on {} of {lines} lines, and each counts as a server: it will get {} of {}{}",
            members.len(),
            together(view, members),
            view.units(),
            view.proviso(),
        );
        let help = "remove all lines but one; to give a server more on purpose, use `weight=`";
        view.add(report, &TWICE, second.place, message, help)
            .subject(address)
            .related(first.place, "it stands here first");
    }
}

/// The address by which servers are the same; `localhost` is 127.0.0.1.
fn address(server: &Server) -> String {
    let key = server.address.key();
    match key.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => key,
    }
}

/// The share of some lines.
fn together(view: &View<'_>, members: &[(usize, &Server)]) -> String {
    let shares = view.nominal.as_ref();
    let sum = shares.map(|shares| members.iter().map(|(index, _)| shares[*index]).sum());
    sum.map_or_else(|| "an unknown part".to_owned(), percent)
}

/// NGX-006: one primary server, the others backups.
pub(super) fn one_primary(view: &View<'_>, report: &mut Report) {
    let (Some(primary), None) = (
        view.upstream.primaries().next(),
        view.upstream.primaries().nth(1),
    ) else {
        return;
    };
    let Some(first) = view.upstream.backups().next() else {
        return;
    };
    // A name may be many servers.
    if !primary.is_live() || primary.address.is_name() {
        return;
    }
    let idle = view.upstream.backups().count();
    let message = format!(
        "{} is the only primary server: it will get 100 % of {}, and {} 0 % while it lives",
        primary.address,
        view.units(),
        count(idle, "backup"),
    );
    // One server and one stand-in are a usual pair.
    let severity = if idle > 1 {
        Severity::Error
    } else {
        Severity::Note
    };
    let place = first.backup.unwrap_or(first.place);
    let help = "remove `backup` from the servers that should share the traffic";
    view.add(report, &ONE_PRIMARY, place, message, help)
        .severity(severity)
        .subject(&primary.address.key());
}

/// NGX-020: parameters that an only server does not have.
pub(super) fn alone(view: &View<'_>, report: &mut Report) {
    let [server] = view.upstream.servers.as_slice() else {
        return;
    };
    let written = server.max_fails.or(server.fail_timeout);
    let Some((_, place)) = written.filter(|_| !server.address.is_name()) else {
        return;
    };
    view.add(report, &ALONE, place,
            format!(
                "{} is the only server: it gets 100 % of {} however often it fails, `max_fails` and `fail_timeout` are ignored",
                server.address,
                view.units(),
            ),
            "remove the parameters, or add a second server")
        .subject(&server.address.key());
}
