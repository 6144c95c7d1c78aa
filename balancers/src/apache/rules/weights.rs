//! Load factors: APA-001, APA-011.

use super::{BUSY_WEIGHTS, WEIGHTS};
use crate::apache::balancer::Method;
use crate::apache::member::Member;
use crate::apache::pools::View;
use crate::finding::{Report, Severity};
use crate::text::{list, percent};

/// The members of lowest and highest load factor, if they differ, and the one whose factor is written.
fn extremes<'v>(view: &'v View<'_>) -> Option<(&'v Member, &'v Member, &'v Member)> {
    let by =
        |(_, a): &(usize, &Member), (_, b): &(usize, &Member)| a.factor().total_cmp(&b.factor());
    let (_, least) = view.live().min_by(by)?;
    let (_, most) = view.live().max_by(by)?;
    let odd = if most.factor.is_some() { most } else { least };
    (least.factor() < most.factor()).then_some((least, most, odd))
}

fn place(member: &Member) -> crate::source::Place {
    member.factor.map_or(member.word.place, |(_, place)| place)
}

/// APA-001: load factors that differ.
pub(super) fn different(view: &View<'_>, report: &mut Report) {
    let counts = matches!(view.method, Method::ByRequests | Method::ByTraffic);
    let Some((least, most, odd)) = extremes(view).filter(|_| counts) else {
        return;
    };
    let severity = if most.factor() < 1.5 * least.factor() {
        Severity::Note
    } else {
        Severity::Warning
    };
    let told = |(index, member): (usize, &Member)| {
        let (share, factor) = (view.share(index), member.factor());
        format!("{} {share} (loadfactor {factor})", member.title())
    };
    let message = format!(
        "the members have different load factors and will get as much of {}: {}",
        view.units(),
        list(view.live().map(told).collect()),
    );
    let help = "give all members the same loadfactor; if it is meant, say why: `# evenkeel: allow APA-001 because ...`";
    view.add(report, &WEIGHTS, place(odd), message, help)
        .severity(severity)
        .subject(&odd.title());
}

/// APA-011: bybusyness with load factors that differ.
pub(super) fn busy(view: &View<'_>, report: &mut Report) {
    let busy = view.method == Method::ByBusyness;
    let Some((_, most, odd)) = extremes(view).filter(|_| busy) else {
        return;
    };
    let found = view.live().find(|(_, member)| std::ptr::eq(*member, most));
    let Some((index, _)) = found else { return };
    let message = format!(
        "the member with the fewest requests in progress is chosen, and load factors only where two have as few: under load {} has {} of the requests in progress like each of the others, and {} of the requests only while nothing else is in progress",
        most.title(),
        percent(1.0 / view.live().count() as f64),
        view.share(index),
    );
    let help = "leave the load factors out, or use `lbmethod=byrequests`, which follows them";
    view.add(report, &BUSY_WEIGHTS, place(odd), message, help)
        .subject(&most.title());
}
