//! Limits of connections: NGX-016.

use super::OVERFLOW;
use crate::finding::{Report, Severity};
use crate::model::Traffic;
use crate::nginx::pools::View;
use crate::nginx::server::Server;
use crate::text::{count, list};

/// NGX-016: what happens above the sum of `max_conns`.
pub(super) fn overflow(view: &View<'_>, report: &mut Report) {
    let live = || view.live().map(|(_, server)| server);
    let limits = || live().filter_map(|server| Some(server.max_conns?.0));
    let limited = live().find_map(|server| Some((server, server.max_conns?.1)));
    let Some((first, place)) = limited else {
        return;
    };
    let free: Vec<&Server> = live().filter(|server| server.max_conns.is_none()).collect();
    if free.is_empty() && view.upstream.queue {
        return;
    }
    let sum = limits().fold(0, u64::saturating_add);
    let per_worker = if view.upstream.zone.is_none() && view.workers.number() != Some(1) {
        " in each worker"
    } else {
        ""
    };
    let (severity, message) = if free.is_empty() {
        let what = above(view);
        let message = format!("the upstream takes {sum} connections{per_worker}; {what}");
        (Severity::Note, message)
    } else {
        let message = format!(
            "the limits of {} of {} add up to {sum}{per_worker}; all connections above that go to {}, without limit",
            limits().count(),
            count(live().count(), "server"),
            list(
                free.iter()
                    .map(|server| server.address.to_string())
                    .collect()
            ),
        );
        (Severity::Warning, message)
    };
    let help = "limit all servers in proportion to their weights, with room for the peak";
    view.add(report, &OVERFLOW, place, message, help)
        .severity(severity)
        .subject(&first.address.key());
}

/// Where connections go that no server may take.
fn above(view: &View<'_>) -> String {
    match (view.upstream.backups().count(), view.pool.traffic) {
        (0, Traffic::Requests) => "a request above that is answered with 502".to_owned(),
        (0, Traffic::Connections) => "a connection above that is closed at once".to_owned(),
        (backups, _) => format!("what comes above that goes to {}", count(backups, "backup")),
    }
}
