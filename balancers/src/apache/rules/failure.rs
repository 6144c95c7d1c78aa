//! Members that fail: APA-007, APA-008, APA-009, APA-016.

use super::{ACQUIRE, LONG_RETRY, NEVER_FAILS, ONE_ANSWER, likewise};
use crate::apache::member::Member;
use crate::apache::pools::View;
use crate::finding::{Report, Severity};
use crate::text::seconds;

/// How long without a member is long, in seconds.
const LONG: u64 = 300;
/// How long is certain to be felt.
const VERY_LONG: u64 = 3600;

/// The members in rotation, if the balancer could go on without one.
fn several<'v>(view: &'v View<'_>) -> impl Iterator<Item = (usize, &'v Member)> {
    let enough = view.live().nth(1).is_some();
    view.live().filter(move |_| enough)
}

/// How many times their part the others carry without a member.
fn load(view: &View<'_>, index: usize) -> f64 {
    let part = view.by_factor.get(index).copied().unwrap_or(0.0);
    1.0 / (1.0 - part)
}

/// APA-007: `failonstatus` and `failontimeout`.
pub(super) fn one_answer(view: &View<'_>, report: &mut Report) {
    let failing = |(_, member): &(usize, &Member)| member.status.ignores_errors.is_none();
    let Some((index, member)) = several(view)
        .find(failing)
        .filter(|(_, member)| member.retry() > 0)
    else {
        return;
    };
    let settings = &view.settings;
    let status = settings.fail_on_status.as_ref();
    let status = status.map(|(codes, place)| {
        (
            format!("one response with {}", codes.replace(',', " or ")),
            *place,
        )
    });
    let timeout = settings.fail_on_timeout;
    let timeout = timeout.map(|place| ("one response that takes too long".to_owned(), place));
    for (what, place) in status.into_iter().chain(timeout) {
        let message = format!(
            "{what} takes {} out for {}: it gets 0 %, and the others carry {:.2} times their part. A request that fails everywhere takes one member after the other out",
            member.title(),
            seconds(member.retry()),
            load(view, index),
        );
        let help = "leave it out and check members by `hcmethod` and `hcuri` (mod_proxy_hcheck), or set a short `retry`";
        view.add(report, &ONE_ANSWER, place, message, help);
    }
}

/// APA-008: long `retry`.
pub(super) fn long_retry(view: &View<'_>, report: &mut Report) {
    let mut long = several(view)
        .filter(|(_, member)| member.retry() > LONG && member.status.ignores_errors.is_none());
    let Some((index, first)) = long.next() else {
        return;
    };
    let severity = if first.retry() >= VERY_LONG {
        Severity::Error
    } else {
        Severity::Warning
    };
    let message = format!(
        "after one failed connection {}{} gets 0 % for {}, and the others carry {:.2} times their part",
        first.title(),
        likewise(long.count()),
        seconds(first.retry()),
        load(view, index),
    );
    let place = first.retry.map_or(first.word.place, |(_, place)| place);
    let help = "use a shorter `retry`: 60 seconds if it is left out";
    view.add(report, &LONG_RETRY, place, message, help)
        .severity(severity)
        .subject(&first.title());
}

/// APA-009: members that no failure takes out.
pub(super) fn never_fails(view: &View<'_>, report: &mut Report) {
    let ignoring = |(index, member): (usize, &Member)| {
        Some((index, member.title(), member.status.ignores_errors?))
    };
    let mut found = several(view).filter_map(ignoring);
    if let Some((index, name, place)) = found.next() {
        let message = format!(
            "{name}{} has `status=+I`: when it fails it keeps its {} of {}, which are answered with 503",
            likewise(found.count()),
            view.share(index),
            view.units(),
        );
        let help = "remove `+I`, so that a member that fails is left out for `retry` seconds";
        view.add(report, &NEVER_FAILS, place, message, help)
            .subject(&name);
    }
    let mut at_once = several(view).filter_map(|(_, member)| {
        let (_, place) = member.retry.filter(|(seconds, _)| *seconds == 0)?;
        Some((member.title(), place))
    });
    if let Some((name, place)) = at_once.next() {
        let message = format!(
            "{name}{} has `retry=0`: when it fails, requests whose turn it is try it first, and wait for as long as that takes before they go elsewhere",
            likewise(at_once.count()),
        );
        let help = "use a `retry` of a few seconds, with a short `connectiontimeout`";
        view.add(report, &NEVER_FAILS, place, message, help)
            .severity(Severity::Note)
            .subject(&name);
    }
}

/// APA-016: `acquire` with `max`.
pub(super) fn acquire(view: &View<'_>, report: &mut Report) {
    let limited = several(view).find_map(|(index, member)| {
        let (most, _) = member.max.filter(|(most, _)| *most > 0)?;
        let (wait, place) = member.acquire.as_ref()?;
        Some((
            index,
            member,
            most,
            wait.chars().take(20).collect::<String>(),
            *place,
        ))
    });
    let Some((index, member, most, wait, place)) =
        limited.filter(|(_, member, ..)| member.retry() > 0)
    else {
        return;
    };
    let message = format!(
        "if {most} requests of one process are with {} for longer than `acquire={wait}`, the next takes it out for {}: it gets 0 %, and the others carry {:.2} times their part",
        member.title(),
        seconds(member.retry()),
        load(view, index),
    );
    let help = "leave `acquire` out, so that requests wait for a connection, or `max`";
    view.add(report, &ACQUIRE, place, message, help)
        .subject(&member.title());
}
