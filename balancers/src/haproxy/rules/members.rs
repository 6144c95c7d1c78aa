//! Who is in a backend: HAP-004, HAP-012, HAP-018, HAP-019.

use super::{FIRST, LONE_BACKUP, NO_CHECK, TEMPLATE, likewise, names};
use crate::finding::{Report, Severity};
use crate::haproxy::balance::Choice;
use crate::haproxy::pools::View;
use crate::haproxy::server::Server;
use crate::text::{count, list, percent};

/// HAP-004: `first` without a limit.
pub(super) fn first(view: &View<'_>, report: &mut Report) {
    let servers = view.size();
    if *view.choice != Choice::First || servers < 2 {
        return;
    }
    let mut order: Vec<_> = view.live().map(|(_, server)| server).collect();
    order.sort_by_key(|server| server.id);
    // What comes after the last needs no limit before it; of a template, its servers come after each other.
    order.pop_if(|server| slots(server) < 2);
    let unlimited = order.iter().find(|server| {
        server
            .params
            .maxconn
            .is_none_or(|(most, _)| most == Some(0))
    });
    let Some(server) = unlimited else { return };
    let before = order.iter().filter(|other| other.id < server.id);
    let position = before.fold(0, |sum, other| slots(other).saturating_add(sum));
    let (name, after) = (&server.name.text, servers - position - 1);
    let takes = match position {
        0 => format!("100 % of {}", view.pool.units()),
        before => format!("all that is left by {} before it", count(before, "server")),
    };
    let message = format!(
        "{name} has no maxconn and is never full: it takes {takes}, and 0 % is left for {} after it",
        count(after, "server"),
    );
    report
        .add(
            &FIRST,
            server.name.place,
            message,
            "set `maxconn` on every server, or use `balance roundrobin`",
        )
        .pool(&view.pool.name)
        .subject(&server.name.text);
}

/// How many servers a line makes.
fn slots(server: &Server) -> usize {
    server
        .template
        .map_or(1, |slots| usize::try_from(slots).unwrap_or(usize::MAX))
}

/// HAP-012: no check.
pub(super) fn unchecked(view: &View<'_>, report: &mut Report) {
    if view.size() < 2 {
        return;
    }
    let mut without = view.live().filter(|(_, server)| {
        let params = &server.params;
        params.check.is_none() && params.track.is_none() && params.agent.is_none()
    });
    let Some((index, server)) = without.next() else {
        return;
    };
    let also = likewise(without.count());
    let (name, units) = (&server.name.text, view.pool.units());
    let message = match server.template {
        Some(_) => format!(
            "the servers of {name}{also} are always considered available while DNS names them: when one fails, its part of {units} goes on failing or waits for it"
        ),
        None => format!(
            "{name}{also} is always considered available: when it fails, its {} of {units} go on failing or wait for it",
            view.share(index),
        ),
    };
    report
        .add(
            &NO_CHECK,
            server.name.place,
            message,
            "add `check`; for all servers: `default-server check`",
        )
        .pool(&view.pool.name)
        .subject(&server.name.text);
}

/// HAP-018: backups after the first.
pub(super) fn lone_backup(view: &View<'_>, report: &mut Report) {
    let backups = || {
        view.proxy
            .servers
            .iter()
            .filter(|server| server.is_backup() && server.is_usable())
    };
    let primaries = view.live().count();
    let Some(first) = backups().next() else {
        return;
    };
    if backups().count() < 2 || view.proxy.settings.option("allbackups").is_some() {
        return;
    }
    let without = match primaries {
        0 => "as no primary server is in rotation".to_owned(),
        _ => format!("without the {}", count(primaries, "primary server")),
    };
    // One that stands in for one carries no more than that did.
    let severity = if primaries > 1 {
        Severity::Warning
    } else {
        Severity::Note
    };
    let message = format!(
        "{without}, {} alone gets 100 % of {} instead of {}; {} 0 % while it lives",
        first.name.text,
        view.pool.units(),
        percent(1.0 / backups().count() as f64),
        list(names(backups().skip(1))),
    );
    report
        .add(
            &LONE_BACKUP,
            first.params.backup.unwrap_or(first.place),
            message,
            "write `option allbackups`",
        )
        .severity(severity)
        .pool(&view.pool.name)
        .subject(&first.name.text);
}

/// HAP-019: servers that DNS decides on.
pub(super) fn template(view: &View<'_>, report: &mut Report) {
    let found = view
        .live()
        .find_map(|(_, server)| Some((server, server.template?)));
    let Some((server, slots)) = found else { return };
    let message = format!(
        "{} has {slots} slots, each of which takes one address of {}: of k addresses each gets 1/k of what goes here, of more than {slots} the rest gets 0 %, and weights of SRV records, if it has such, replace `weight`",
        server.name.text, server.address,
    );
    report
        .add(
            &TEMPLATE,
            server.name.place,
            message,
            "make as many slots as there can be records, and watch the pool by address",
        )
        .pool(&view.pool.name)
        .subject(&server.name.text);
}
