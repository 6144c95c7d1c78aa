//! Servers that fail or are taken out: NGX-005, NGX-014, NGX-015.

use super::{DOWN, LONG_TIMEOUT, NEVER_FAILS};
use crate::finding::{Report, Severity};
use crate::nginx::pools::View;
use crate::nginx::upstream::Server;
use crate::text::{count, percent, seconds};

/// NGX-005: servers that are out of rotation by configuration.
pub(super) fn down(view: &View<'_>, report: &mut Report) {
    let live: f64 = view.live().map(|(_, server)| server.weight as f64).sum();
    let backups = view
        .upstream
        .servers
        .iter()
        .any(|server| server.backup.is_some() && server.down.is_none());
    for server in &view.upstream.servers {
        let (place, mark) = match (server.down, server.drain, server.backup) {
            (Some(place), _, None) => (place, "down"),
            (None, Some(place), None) => (place, "drain"),
            _ => continue,
        };
        let weight = server.weight as f64;
        let (severity, effect) = if live > 0.0 {
            let part = weight / (live + weight);
            let load = format!(
                "its {} of {} go to the others, which carry {:.2} times their part",
                percent(part),
                view.units(),
                1.0 / (1.0 - part)
            );
            (Severity::Warning, load)
        } else if backups {
            let load = format!(
                "no primary server is left, and the backups get 100 % of {}",
                view.units()
            );
            (Severity::Error, load)
        } else {
            (
                Severity::Error,
                format!("no server is left, and 100 % of {} fail", view.units()),
            )
        };
        report
            .add(
                &DOWN,
                place,
                format!("{} is marked `{mark}`: {effect}", server.address),
                format!("remove `{mark}`, or the line; for a planned time: `# evenkeel: allow NGX-005 until DATE because ...`"),
            )
            .severity(severity)
            .pool(&view.pool.name)
            .subject(&server.address.key());
    }
}

/// The servers that nginx would go on without.
fn several<'v>(view: &'v View<'_>) -> Option<Vec<&'v Server>> {
    let live: Vec<&Server> = view.live().map(|(_, server)| server).collect();
    (live.len() > 1).then_some(live)
}

/// NGX-014: long ejections.
pub(super) fn long_timeout(view: &View<'_>, report: &mut Report) {
    const LONG: u64 = 300;
    const VERY_LONG: u64 = 3600;
    let Some(live) = several(view) else { return };
    let fails = |server: &Server| server.max_fails.map_or(Server::MAX_FAILS, |(most, _)| most);
    let time = |server: &Server| {
        server
            .fail_timeout
            .map_or(Server::FAIL_TIMEOUT, |(time, _)| time)
    };
    let mut long = live
        .iter()
        .filter(|server| fails(server) > 0 && time(server) > LONG)
        .peekable();
    let Some(first) = long.peek().copied() else {
        return;
    };
    let others = long.count() - 1;
    let sum: f64 = live.iter().map(|server| server.weight as f64).sum();
    let also = if others > 0 {
        format!(" ({others} more likewise)")
    } else {
        String::new()
    };
    let message = format!(
        "after {} within {} {}{also} gets 0 % for as long, and the others carry {:.2} times their part",
        count(
            usize::try_from(fails(first)).unwrap_or(usize::MAX),
            "failed attempt"
        ),
        seconds(time(first)),
        first.address,
        sum / (sum - first.weight as f64),
    );
    let severity = if time(first) > VERY_LONG {
        Severity::Error
    } else {
        Severity::Warning
    };
    report
        .add(
            &LONG_TIMEOUT,
            first.fail_timeout.map_or(first.place, |(_, place)| place),
            message,
            "use `fail_timeout` of 10 to 30 s, and `max_fails` of 3 or more",
        )
        .severity(severity)
        .pool(&view.pool.name)
        .subject(&first.address.key());
}

/// NGX-015: servers that are tried however often they fail.
pub(super) fn never_fails(view: &View<'_>, report: &mut Report) {
    let Some(live) = several(view) else { return };
    let mut never = live.iter().filter_map(|server| {
        let (_, place) = server.max_fails.filter(|(most, _)| *most == 0)?;
        Some((server, place))
    });
    let Some((first, place)) = never.next() else {
        return;
    };
    let others = never.count();
    let sum: f64 = live.iter().map(|server| server.weight as f64).sum();
    let also = if others > 0 {
        format!(" ({others} more likewise)")
    } else {
        String::new()
    };
    let message = format!(
        "{}{also} is never taken out: when it fails, its {} of {} go on failing, or wait for it before they are tried elsewhere",
        first.address,
        percent(first.weight as f64 / sum),
        view.units(),
    );
    report
        .add(
            &NEVER_FAILS,
            place,
            message,
            "write `max_fails=3`, or leave it out: the default is 1",
        )
        .pool(&view.pool.name)
        .subject(&first.address.key());
}
