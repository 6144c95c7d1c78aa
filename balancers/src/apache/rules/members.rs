//! Who is in a balancer: APA-002, APA-006, APA-014, GEN-001.

use std::collections::BTreeMap;

use super::{NOBODY, RESERVE, TWICE, likewise};
use crate::apache::member::Member;
use crate::apache::pools::View;
use crate::finding::generic::LONG_LIVED;
use crate::finding::{Report, Severity};
use crate::text::{count, percent};

/// What the members that take requests get.
fn rest(view: &View<'_>) -> String {
    match view.live().count() {
        0 => "no other member takes requests".to_owned(),
        1 => format!(
            "the only one that takes them carries 100 % of {}",
            view.units()
        ),
        live => format!("the {live} that take them carry 100 % of {}", view.units()),
    }
}

/// APA-002: members that get no new requests.
pub(super) fn out(view: &View<'_>, report: &mut Report) {
    let rest = rest(view);
    for member in &view.balancer.members {
        let Some((flag, place)) = member.status.out() else {
            continue;
        };
        let stays = match flag {
            "+N" => "only requests of sessions that are bound to it",
            _ => "no requests",
        };
        let message = format!(
            "{} has `status={flag}`: it gets {stays}, {rest}",
            member.title(),
        );
        let help = format!(
            "remove `{flag}`, or the line; for a planned time: `# evenkeel: allow APA-002 until DATE because ...`"
        );
        view.add(report, &RESERVE, place, message, help)
            .subject(&member.title());
    }
}

/// The members that could take requests, and do not: not those of APA-014.
fn idle<'v>(view: &'v View<'_>) -> impl Iterator<Item = &'v Member> {
    let pairs = view.balancer.members.iter().zip(&view.turns);
    let idle = pairs.filter(|(member, turn)| !**turn && member.status.out().is_none());
    let any = view.turns.contains(&true);
    idle.map(|(member, _)| member).filter(move |_| any)
}

/// APA-002: spares and standbys, while others live.
pub(super) fn reserve(view: &View<'_>, report: &mut Report) {
    let mut reserves = idle(view).filter_map(|member| Some((member, member.status.reserve()?)));
    let Some((member, (flag, place))) = reserves.next() else {
        return;
    };
    let others = reserves.count();
    let message = format!(
        "{}{} is a reserve (`status={flag}`): it gets 0 % of {} while others live, {}",
        member.title(),
        likewise(others),
        view.units(),
        rest(view),
    );
    // One member and one reserve are a usual pair, and so are many and a few.
    let severity = if view.live().count() <= others {
        Severity::Warning
    } else {
        Severity::Note
    };
    let help = format!("remove `status={flag}` from members that should share the requests");
    view.add(report, &RESERVE, place, message, help)
        .severity(severity)
        .subject(&member.title());
}

/// APA-002: sets that come later.
pub(super) fn later_sets(view: &View<'_>, report: &mut Report) {
    let mut later = idle(view).filter(|member| member.status.reserve().is_none());
    let Some(member) = later.next() else { return };
    let others = later.count();
    let place = member.set.map_or(member.word.place, |(_, place)| place);
    let first = view.live().next().map_or(0, |(_, member)| member.set());
    let message = format!(
        "{}{} has lbset {}: it gets 0 % of {} while one of lbset {first} lives, {}",
        member.title(),
        likewise(others),
        member.set(),
        view.units(),
        rest(view),
    );
    let help = "give all members that should share the requests the same lbset";
    view.add(report, &RESERVE, place, message, help)
        .subject(&member.title());
}

/// APA-014: members, and none that takes requests.
pub(super) fn nobody(view: &View<'_>, report: &mut Report) {
    if view.turns.contains(&true) {
        return;
    }
    let members = &view.balancer.members;
    let spares = members
        .iter()
        .filter(|member| member.status.spare.is_some())
        .count();
    let why = if spares > 0 {
        "spares stand in for other members only"
    } else {
        "all are out"
    };
    let message = format!(
        "none of {} takes requests ({why}): 100 % of them are answered with 503",
        count(members.len(), "member"),
    );
    let help = "remove `status` from the members that should take requests";
    view.add(report, &NOBODY, view.balancer.place, message, help);
}

/// APA-006: lines that httpd takes for others.
pub(super) fn repeated(view: &View<'_>, report: &mut Report) {
    for (member, first) in &view.balancer.repeated {
        let message = format!(
            "{} is the same member to httpd as one before it, whose name its own begins with: this line and its parameters are ignored, and the member counts once",
            member.title(),
        );
        let help = "remove the line; to give a member more, use `loadfactor=` on the first";
        view.add(report, &TWICE, member.word.place, message, help)
            .severity(Severity::Warning)
            .subject(&member.title())
            .related(*first, "it stands here first");
    }
}

/// APA-006: addresses that are written in several ways.
pub(super) fn twice(view: &View<'_>, report: &mut Report) {
    let mut groups: BTreeMap<String, Vec<(usize, &Member)>> = BTreeMap::new();
    for (index, member) in view.live() {
        let address = address(member);
        groups.entry(address).or_default().push((index, member));
    }
    for (address, lines) in &groups {
        let [(_, first), (_, second), ..] = lines[..] else {
            continue;
        };
        let parts = lines
            .iter()
            .filter_map(|(index, _)| view.by_factor.get(*index));
        let message = format!(
            "{address} is written in {} ways, and each counts as a member: it will get {} of {}",
            lines.len(),
            percent(parts.sum()),
            view.units(),
        );
        let help = "remove all lines but one; to give a member more on purpose, use `loadfactor=`";
        view.add(report, &TWICE, second.word.place, message, help)
            .subject(address)
            .related(first.word.place, "it stands here first");
    }
}

/// The address by which members are the same; `localhost` is 127.0.0.1.
fn address(member: &Member) -> String {
    let key = member.url.address.key();
    match key.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => key,
    }
}

/// GEN-001: connections that are upgraded, or never were HTTP.
pub(super) fn long_lived(view: &View<'_>, report: &mut Report) {
    let live = view.live().count();
    let long = |member: &Member| {
        let socket = matches!(member.url.scheme.as_str(), "ws" | "wss");
        member.upgrade.or(socket.then_some(member.word.place))
    };
    let found = view.live().find_map(|(_, member)| long(member));
    let Some(place) = found.filter(|_| live > 1) else {
        return;
    };
    let message = format!(
        "a WebSocket stays with the member that it was opened to: one that joins these {live}, or comes back, has 0 % of the open ones instead of {} until clients connect anew",
        percent(1.0 / (live + 1) as f64),
    );
    let help = "let members or clients close connections after a while, at random times";
    view.add(report, &LONG_LIVED, place, message, help)
        .severity(Severity::Note);
}
