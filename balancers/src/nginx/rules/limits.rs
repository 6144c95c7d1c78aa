//! Limits of connections: NGX-016.

use super::OVERFLOW;
use crate::finding::{Report, Severity};
use crate::model::Traffic;
use crate::nginx::pools::View;
use crate::nginx::upstream::Server;
use crate::text::{count, list};

/// NGX-016: what happens above the sum of `max_conns`.
pub(super) fn overflow(view: &View<'_>, report: &mut Report) {
    let live: Vec<&Server> = view.live().map(|(_, server)| server).collect();
    let limited: Vec<(&Server, u64)> = live
        .iter()
        .filter_map(|server| Some((*server, server.max_conns?.0)))
        .collect();
    let Some((first, _)) = limited.first() else {
        return;
    };
    let sum = limited
        .iter()
        .fold(0_u64, |sum, (_, most)| sum.saturating_add(*most));
    let per_worker = if view.upstream.zone.is_none() && view.workers.number() != Some(1) {
        " in each worker"
    } else {
        ""
    };
    let free: Vec<&&Server> = live
        .iter()
        .filter(|server| server.max_conns.is_none())
        .collect();
    let (severity, message) = if free.is_empty() {
        if view.upstream.queue {
            return;
        }
        let requests = view.pool.traffic == Traffic::Requests;
        let backups = view
            .upstream
            .servers
            .iter()
            .filter(|server| server.backup.is_some())
            .count();
        let rest = match backups {
            0 if requests => "is answered with 502".to_owned(),
            0 => "is closed at once".to_owned(),
            backups => format!("goes to {}", count(backups, "backup")),
        };
        (
            Severity::Note,
            format!(
                "the upstream takes {sum} connections{per_worker}; what comes above that {rest}"
            ),
        )
    } else {
        let names = list(
            free.iter()
                .map(|server| server.address.to_string())
                .collect(),
        );
        let message = format!(
            "{} of {} take {sum} connections together{per_worker}; all above that goes to {names}, without limit",
            limited.len(),
            count(live.len(), "server"),
        );
        (Severity::Warning, message)
    };
    report
        .add(
            &OVERFLOW,
            first.max_conns.map_or(first.place, |(_, place)| place),
            message,
            "limit all servers in proportion to their weights, with room for the peak",
        )
        .severity(severity)
        .pool(&view.pool.name)
        .subject(&first.address.key());
}
