//! Accounts that each worker keeps for itself: NGX-007, NGX-008.

use super::{PER_WORKER, SAME_START};
use crate::finding::{Report, Severity};
use crate::model::Workers;
use crate::nginx::pools::View;
use crate::nginx::upstream::Choice;

/// What a related place says.
const WORKERS: &str = "so many workers";

/// NGX-007: what only one account for all workers can do.
pub(super) fn per_worker(view: &View<'_>, report: &mut Report) {
    if view.upstream.zone.is_some() || view.workers.number() == Some(1) {
        return;
    }
    let Some((effect, grave)) = effect(view) else {
        return;
    };
    let (place, workers) = (view.upstream.name.place, view.workers);
    let (severity, which) = match workers {
        Workers::Number(number) => (Severity::Warning, format!("each of {number} workers")),
        Workers::PerCpu => (
            Severity::Warning,
            "each of the workers, one per processor,".to_owned(),
        ),
        Workers::Unknown => (
            Severity::Note,
            "if `worker_processes` is more than 1, each worker".to_owned(),
        ),
    };
    let severity = if grave { severity } else { Severity::Note };
    let message = format!("without `zone` {which} {effect}");
    let help = format!(
        "add `zone {} 64k;` to the upstream: then the workers share one account",
        view.pool.name
    );
    view.add(report, &PER_WORKER, place, message, help)
        .severity(severity)
        .related_if(view.workers_place, WORKERS);
}

/// What each worker does for itself, and whether it skews traffic while all is well.
fn effect(view: &View<'_>) -> Option<(String, bool)> {
    let choice = view.upstream.choice();
    let several = view.live().nth(1).is_some();
    if several && choice.compares_load() {
        let number = view.workers.number();
        let part = number.map_or_else(|| "a part".to_owned(), |number| format!("1/{number}"));
        let name = choice.name();
        let text = format!(
            "sees {part} of the connections: `{name}` picks a server that may be the busiest of all"
        );
        return Some((text, true));
    }
    let mut servers = view.upstream.servers.iter();
    let limited = servers
        .clone()
        .find_map(|server| Some((server.max_conns?.0, server)));
    if let Some((most, server)) = limited {
        let all = in_all(view, most, |all| format!(", {all} in all"));
        let text = format!(
            "opens up to `max_conns={most}` connections to {}{all}",
            server.address
        );
        return Some((text, true));
    }
    let server = servers.find(|server| several && server.fails() > 1)?;
    let fails = server.fails();
    let all = in_all(view, fails, |all| format!(": up to {all} before all do"));
    let text = format!(
        "has to see {fails} failed attempts itself before it leaves {} alone{all}",
        server.address
    );
    Some((text, false))
}

/// What all workers do together, if their number is known.
fn in_all(view: &View<'_>, each: u64, told: impl Fn(u64) -> String) -> String {
    let workers = view.workers.number();
    let all = workers.map(|workers| each.saturating_mul(u64::from(workers)));
    all.map_or_else(String::new, told)
}

/// NGX-008: many workers that all begin with the same server.
pub(super) fn same_start(view: &View<'_>, report: &mut Report) {
    let live = view.live().count();
    let Some(workers) = view.workers.number() else {
        return;
    };
    let rotates = matches!(view.upstream.choice(), Choice::Rotation);
    if view.upstream.zone.is_some() || !rotates || live < 3 || (workers as usize) < live {
        return;
    }
    // The first of the heaviest: all start at zero, and it is the first to reach the maximum.
    let heaviest = view.live().map(|(_, server)| server.weight).max();
    let Some((_, first)) = view
        .live()
        .find(|(_, server)| Some(server.weight) == heaviest)
    else {
        return;
    };
    let fair = f64::from(workers) / live as f64;
    let message = format!(
        "after each start or reload all {workers} workers begin with {}: it gets the first request or connection of each, {workers} instead of {fair:.1} of them",
        first.address,
    );
    view.add(
        report,
        &SAME_START,
        view.upstream.name.place,
        message,
        format!(
            "add `zone {} 64k;` to the upstream if reloads are frequent or traffic is low",
            view.pool.name
        ),
    )
    .subject(&first.address.key())
    .related_if(view.workers_place, WORKERS);
}
