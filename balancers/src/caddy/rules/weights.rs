//! Weights: CAD-001, CAD-002, CAD-006, CAD-014.

use super::{DYNAMIC_WEIGHTS, WEIGHTS, WEIGHTS_MISMATCH, WEIGHTS_SHIFT};
use crate::caddy::policy::Policy;
use crate::caddy::pools::View;
use crate::finding::{Report, Severity};
use crate::shares::{by_weight, caddy_weighted};
use crate::source::Place;
use crate::text::{count, list, percent};

/// The weights of `weighted_round_robin` over upstreams that are written.
fn weights<'v>(view: &'v View<'_>) -> Option<&'v [(u64, Place)]> {
    match &view.proxy.policy {
        Policy::Weighted(weights) if view.proxy.sources.is_empty() => Some(weights),
        _ => None,
    }
}

/// The same, if there is one for each of several upstreams.
fn matched<'v>(view: &'v View<'_>) -> Option<&'v [(u64, Place)]> {
    let upstreams = view.proxy.upstreams.len();
    weights(view).filter(|weights| weights.len() == upstreams && upstreams > 1)
}

/// CAD-001: weights are given by position.
pub(super) fn mismatch(view: &View<'_>, report: &mut Report) {
    let upstreams = &view.proxy.upstreams;
    let Some(weights) = weights(view).filter(|weights| weights.len() != upstreams.len()) else {
        return;
    };
    let Some(first) = upstreams
        .first()
        .filter(|_| upstreams.len() > 1 || weights.len() > 1)
    else {
        return;
    };
    let told = format!(
        "{} for {}",
        count(weights.len(), "weight"),
        count(upstreams.len(), "upstream")
    );
    let message = if weights.len() < 2 {
        format!(
            "{told}: {} gets 100 % of the requests, whether it is available or not",
            first.dial
        )
    } else if weights.len() < upstreams.len() {
        let idle = upstreams[weights.len()..]
            .iter()
            .map(|upstream| upstream.dial.to_owned());
        format!(
            "{told}: {} will get 0 %, and as soon as one of the others is not available, Caddy ends connections without an answer",
            list(idle.collect())
        )
    } else {
        let shares = view
            .pool
            .members()
            .map(|(server, share)| format!("{} {}", server.title(), percent(share.low())));
        format!(
            "{told}: those too many fall to the upstreams from the first on, so that requests are shared out as {}",
            list(shares.collect())
        )
    };
    let place = weights
        .first()
        .map_or(view.proxy.policy_place, |(_, place)| *place);
    let help = "give one weight for each upstream, in the same order, or use `round_robin`";
    let added = view.add(report, &WEIGHTS_MISMATCH, place, message, help);
    if upstreams.len() == 1 {
        added.severity(Severity::Note);
    }
}

/// CAD-002: what happens to the weights when the heaviest upstream is down.
pub(super) fn shift(view: &View<'_>, report: &mut Report) {
    let Some(weights) = matched(view) else { return };
    let numbers: Vec<u64> = weights.iter().map(|(weight, _)| *weight).collect();
    let heaviest = (0..numbers.len()).rev().max_by_key(|index| numbers[*index]);
    let Some(down) = heaviest else { return };
    let available: Vec<bool> = (0..numbers.len()).map(|index| index != down).collect();
    let Some(shares) = caddy_weighted(&numbers, &available) else {
        return;
    };
    let meant: Vec<f64> = numbers
        .iter()
        .zip(&available)
        .map(|(weight, available)| if *available { *weight as f64 } else { 0.0 })
        .collect();
    let meant = by_weight(&meant);
    let differs = |index: &usize| (shares[*index] - meant[*index]).abs() > 1e-9;
    if !(0..shares.len()).any(|index| differs(&index)) {
        return;
    }
    let upstreams = &view.proxy.upstreams;
    let told = (0..shares.len())
        .filter(|index| shares[*index] > 0.0)
        .map(|index| {
            format!(
                "{} {} instead of {}",
                upstreams[index].dial,
                percent(shares[index]),
                percent(meant[index])
            )
        });
    view.add(
        report,
        &WEIGHTS_SHIFT,
        weights[down].1,
        format!(
            "weights are by position among the upstreams that are available: without {} requests go to {}",
            upstreams[down].dial,
            list(told.collect())
        ),
        "use `round_robin` or `least_conn`; for machines of different size let several servers run on the larger ones",
    )
    .subject(upstreams[down].dial);
}

/// CAD-006: weights that differ.
pub(super) fn different(view: &View<'_>, report: &mut Report) {
    let Some(weights) = matched(view) else { return };
    let some = || {
        weights
            .iter()
            .enumerate()
            .filter(|(_, (weight, _))| *weight > 0)
    };
    let (Some((heavy, (most, place))), Some((_, (least, _)))) = (
        some().rev().max_by_key(|(_, (weight, _))| *weight),
        some().min_by_key(|(_, (weight, _))| *weight),
    ) else {
        return;
    };
    if most == least {
        return;
    }
    let servers = some().count();
    let share = view
        .pool
        .shares
        .servers
        .get(heavy)
        .map_or(0.0, |share| share.low());
    let severity = if (*most as f64) < 1.5 * *least as f64 {
        Severity::Note
    } else {
        Severity::Warning
    };
    let dial = view.proxy.upstreams[heavy].dial;
    view.add(
        report,
        &WEIGHTS,
        *place,
        format!(
            "{dial} has weight {most}, others down to {least}: it will get {} of the requests instead of {}",
            percent(share),
            percent(1.0 / servers as f64)
        ),
        "use `round_robin`, unless the machines differ by as much",
    )
    .severity(severity)
    .subject(dial);
}

/// CAD-014: weights by position, over upstreams in whatever order they are found.
pub(super) fn dynamic(view: &View<'_>, report: &mut Report) {
    let (Policy::Weighted(weights), Some(source)) =
        (&view.proxy.policy, view.proxy.sources.first())
    else {
        return;
    };
    view.add(
        report,
        &DYNAMIC_WEIGHTS,
        view.proxy.policy_place,
        format!(
            "{} are given by position to upstreams in the order in which `{}` is answered, which changes; any beyond get 0 %, and where weights run out Caddy ends connections without an answer",
            count(weights.len(), "weight"),
            source.address.written
        ),
        "use `round_robin` or `least_conn`",
    )
    .related(source.place, "the source of the upstreams");
}
