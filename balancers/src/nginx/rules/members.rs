//! Who is in an upstream: NGX-002, NGX-006, NGX-020.

use std::collections::BTreeMap;

use super::{ALONE, ONE_PRIMARY, TWICE};
use crate::finding::{Report, Severity};
use crate::nginx::pools::View;
use crate::nginx::upstream::{Choice, Server};
use crate::text::{count, percent};

/// NGX-002: an address more than once.
pub(super) fn twice(view: &View<'_>, report: &mut Report) {
    let mut groups: BTreeMap<String, Vec<(usize, &Server)>> = BTreeMap::new();
    for (index, server) in view.live() {
        groups
            .entry(server.address.key())
            .or_default()
            .push((index, server));
    }
    let consistent = matches!(
        view.upstream.choice(),
        Choice::Hash {
            consistent: true,
            ..
        }
    );
    let lines = view.live().count();
    for (address, members) in &groups {
        let [(_, first), (_, second), ..] = members[..] else {
            continue;
        };
        // On the ring the same words have the same points, once.
        if consistent
            && members
                .iter()
                .all(|(_, server)| server.address.written == first.address.written)
        {
            continue;
        }
        let sum = view
            .nominal
            .as_ref()
            .map(|shares| members.iter().map(|(index, _)| shares[*index]).sum());
        let share = sum.map_or_else(|| "an unknown part".to_owned(), percent);
        let message = format!(
            "{address} stands on {} of {lines} lines, and each counts as a server: it will get {share} of {}",
            members.len(),
            view.units(),
        );
        let help = "remove all lines but one; to give a server more on purpose, use `weight=`";
        report
            .add(&TWICE, second.place, message + view.proviso(), help)
            .pool(&view.pool.name)
            .subject(address)
            .related(first.place, "it stands here first");
    }
}

/// NGX-006: one primary server, the others backups.
pub(super) fn one_primary(view: &View<'_>, report: &mut Report) {
    let primaries = || {
        view.upstream
            .servers
            .iter()
            .filter(|server| server.backup.is_none())
    };
    let backups = || {
        view.upstream
            .servers
            .iter()
            .filter(|server| server.backup.is_some())
    };
    let (Some(primary), 1) = (primaries().next(), primaries().count()) else {
        return;
    };
    let idle = backups().count();
    let Some(first) = backups().next() else {
        return;
    };
    // A name may be many servers.
    if !primary.is_live() || primary.address.is_name() {
        return;
    }
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
    report
        .add(
            &ONE_PRIMARY,
            first.backup.unwrap_or(first.place),
            message,
            "remove `backup` from the servers that should share the traffic",
        )
        .severity(severity)
        .pool(&view.pool.name)
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
    report
        .add(
            &ALONE,
            place,
            format!(
                "{} is the only server: it gets 100 % of {} however often it fails, `max_fails` and `fail_timeout` are ignored",
                server.address,
                view.units(),
            ),
            "remove the parameters, or add a second server",
        )
        .pool(&view.pool.name)
        .subject(&server.address.key());
}
