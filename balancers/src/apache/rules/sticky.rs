//! Sessions: APA-003, APA-005, APA-018.

use std::collections::HashMap;

use super::{NO_FAILOVER, NO_ROUTE, SAME_ROUTE, likewise};
use crate::apache::balancer::Method;
use crate::apache::member::Member;
use crate::apache::pools::View;
use crate::finding::{Report, Severity};
use crate::text::percent;

/// APA-003: members without a route.
pub(super) fn no_route(view: &View<'_>, report: &mut Report) {
    let Some((_, sticky)) = &view.settings.sticky else {
        return;
    };
    let live = view.live().count();
    let mut without = view.live().filter(|(_, member)| member.route.is_none());
    let Some((_, first)) = without.next().filter(|_| live > 1) else {
        return;
    };
    let lacking = without.count() + 1;
    let help = "give each member a `route` of its own, the one that its sessions end with";
    if lacking == live {
        let message = format!(
            "none of the {live} members has a `route`: `stickysession` binds no session, and each request goes to any member"
        );
        view.add(report, &NO_ROUTE, *sticky, message, help)
            .severity(Severity::Note);
        return;
    }
    let until = match view.method {
        Method::ByRequests => {
            "which rotation makes up for only while enough requests have no session"
        }
        _ => "which nothing makes up for",
    };
    let message = format!(
        "{}{} has no `route`: clients that it serves are balanced anew with each request, and those that come to one of the other {} stay there. Its part falls from {} towards 0 %, {until}",
        first.title(),
        likewise(lacking - 1),
        live - lacking,
        percent(1.0 / live as f64),
    );
    view.add(report, &NO_ROUTE, first.word.place, message, help)
        .subject(&first.title())
        .related(*sticky, "sessions are bound here");
}

/// APA-005: the same route on two members.
pub(super) fn same_route(view: &View<'_>, report: &mut Report) {
    if view.settings.sticky.is_none() {
        return;
    }
    let mut seen: HashMap<&str, &Member> = HashMap::new();
    for (_, member) in view.live() {
        let Some((route, place)) = &member.route else {
            continue;
        };
        let first = *seen.entry(route).or_insert(member);
        if std::ptr::eq(first, member) {
            continue;
        }
        let (name, other) = (member.title(), first.title());
        let message = format!(
            "{name} has the route of {other}: clients that {name} served go to {other} from their second request on, which gets 100 % of the sessions of both"
        );
        let there = first
            .route
            .as_ref()
            .map_or(first.word.place, |(_, place)| *place);
        let help = "give each member a route of its own";
        view.add(report, &SAME_ROUTE, *place, message, help)
            .subject(&name)
            .related(there, "it stands here first");
    }
}

/// APA-018: `nofailover=On`.
pub(super) fn no_failover(view: &View<'_>, report: &mut Report) {
    let settings = &view.settings;
    let routes = view.live().any(|(_, member)| member.route.is_some());
    let live = view.live().count();
    let place = settings.no_failover.filter(|_| routes && live > 1);
    let Some(place) = place.filter(|_| settings.sticky.is_some()) else {
        return;
    };
    let message = format!(
        "when one of the {live} members fails, the requests of its sessions ({} of all) are answered with 503, and none goes to the other {}",
        percent(1.0 / live as f64),
        live - 1,
    );
    let help = "leave `nofailover` out, unless a session is worth nothing elsewhere";
    view.add(report, &NO_FAILOVER, place, message, help);
}
