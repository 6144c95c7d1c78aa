//! Servers that fail or are taken out: NGX-005, NGX-014, NGX-015.

use super::{DOWN, LONG_TIMEOUT, NEVER_FAILS};
use crate::finding::{Report, Severity};
use crate::nginx::pools::View;
use crate::nginx::server::Server;
use crate::text::{percent, seconds};

/// NGX-005: servers that are out of rotation by configuration.
pub(super) fn down(view: &View<'_>, report: &mut Report) {
    let live = weight(view);
    for server in view.upstream.primaries() {
        let (place, mark) = match (server.down, server.drain) {
            (Some(place), _) => (place, "down"),
            (None, Some(place)) => (place, "drain"),
            (None, None) => continue,
        };
        let severity = if live > 0.0 {
            Severity::Warning
        } else {
            Severity::Error
        };
        let message = format!(
            "{} is marked `{mark}`: {}",
            server.address,
            taken_over(view, live, server)
        );
        let help = format!(
            "remove `{mark}`, or the line; for a planned time: `# evenkeel: allow NGX-005 until DATE because ...`"
        );
        view.add(report, &DOWN, place, message, help)
            .severity(severity)
            .subject(&server.address.key());
    }
}

/// Who takes over the part of a server that is out, if the others weigh `live` together.
fn taken_over(view: &View<'_>, live: f64, server: &Server) -> String {
    let units = view.units();
    if live > 0.0 {
        let part = server.weight as f64 / (live + server.weight as f64);
        let load = 1.0 / (1.0 - part);
        let part = percent(part);
        return format!(
            "its {part} of {units} go to the others, which carry {load:.2} times their part"
        );
    }
    if view.upstream.backups().any(|server| server.down.is_none()) {
        format!("no primary server is left, and the backups get 100 % of {units}")
    } else {
        format!("no server is left, and 100 % of {units} fail")
    }
}

/// The sum of weights in rotation.
fn weight(view: &View<'_>) -> f64 {
    view.live().map(|(_, server)| server.weight as f64).sum()
}

/// The servers in rotation, if nginx could go on without one.
fn several<'v>(view: &'v View<'_>) -> impl Iterator<Item = &'v Server> {
    let enough = view.live().nth(1).is_some();
    view.live()
        .map(|(_, server)| server)
        .filter(move |_| enough)
}

/// What is said if the same holds for others.
fn also(others: usize) -> String {
    match others {
        0 => String::new(),
        others => format!(" ({others} more likewise)"),
    }
}

/// NGX-014: long ejections.
pub(super) fn long_timeout(view: &View<'_>, report: &mut Report) {
    const LONG: u64 = 300;
    const VERY_LONG: u64 = 3600;
    let mut long = several(view).filter(|server| server.fails() > 0 && server.ejection() > LONG);
    let Some(first) = long.next() else {
        return;
    };
    let sum = weight(view);
    let message = format!(
        "after {} failed attempt{} within {} {}{} gets 0 % for as long, and the others carry {:.2} times their part",
        first.fails(),
        if first.fails() == 1 { "" } else { "s" },
        seconds(first.ejection()),
        first.address,
        also(long.count()),
        sum / (sum - first.weight as f64),
    );
    let severity = if first.ejection() > VERY_LONG {
        Severity::Error
    } else {
        Severity::Warning
    };
    let place = first.fail_timeout.map_or(first.place, |(_, place)| place);
    let help = "use `fail_timeout` of 10 to 30 s, and `max_fails` of 3 or more";
    view.add(report, &LONG_TIMEOUT, place, message, help)
        .severity(severity)
        .subject(&first.address.key());
}

/// NGX-015: servers that are tried however often they fail.
pub(super) fn never_fails(view: &View<'_>, report: &mut Report) {
    let mut never = several(view).filter(|server| server.fails() == 0);
    let Some(first) = never.next() else {
        return;
    };
    let message = format!(
        "{}{} is never taken out: when it fails, its {} of {} go on failing, or wait for it before they are tried elsewhere",
        first.address,
        also(never.count()),
        percent(first.weight as f64 / weight(view)),
        view.units(),
    );
    let place = first.max_fails.map_or(first.place, |(_, place)| place);
    let help = "write `max_fails=3`, or leave it out: the default is 1";
    view.add(report, &NEVER_FAILS, place, message, help)
        .subject(&first.address.key());
}
