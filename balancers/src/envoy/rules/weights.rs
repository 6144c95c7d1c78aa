//! Weights: ENV-001, ENV-007, ENV-021.

use super::{LEAST_WEIGHTED, UNEVEN_START, WEIGHTS};
use crate::envoy::cluster::Endpoint;
use crate::envoy::policy::Kind;
use crate::envoy::pools::View;
use crate::envoy::splits;
use crate::envoy::users::Users;
use crate::finding::{Report, Severity};
use crate::source::Place;
use crate::text::{list, percent};

type Hosts<'v> = Vec<(usize, &'v Endpoint<'v>)>;

/// Hosts in rotation of which one is heavier than others in its locality: the heaviest, and all of that locality.
fn uneven<'v>(view: &View<'v>) -> Option<((usize, &'v Endpoint<'v>), Hosts<'v>)> {
    let mut live = view.live();
    live.sort_by_key(|(index, host)| (host.locality, *index));
    let same = live.chunk_by(|(_, a), (_, b)| a.locality == b.locality);
    let mut uneven = same.filter(|hosts| extremes(hosts).is_some_and(|(least, most)| least < most));
    let hosts = uneven.next()?.to_vec();
    let heaviest = hosts
        .iter()
        .max_by(|(_, a), (_, b)| a.weight.total_cmp(&b.weight))
        .copied()?;
    // One that is lighter than all others is the odd one.
    let (least, most) = extremes(&hosts)?;
    let mut light = hosts.iter().filter(|(_, host)| host.weight < most);
    let odd = match (light.next(), light.next()) {
        (Some((index, host)), None) if hosts.len() > 2 && host.weight <= least => (*index, *host),
        _ => heaviest,
    };
    Some((odd, hosts))
}

fn extremes(hosts: &[(usize, &Endpoint<'_>)]) -> Option<(f64, f64)> {
    let weights = hosts.iter().map(|(_, host)| host.weight);
    let least = weights.clone().min_by(f64::total_cmp)?;
    Some((least, weights.max_by(f64::total_cmp)?))
}

fn place(host: &Endpoint<'_>) -> Place {
    host.weight_place.unwrap_or(host.place)
}

/// ENV-001: weights that differ.
pub(super) fn different(view: &View<'_>, report: &mut Report) {
    let Some(((index, odd), hosts)) = uneven(view) else {
        return;
    };
    let (Some(shares), Some((least, most))) = (&view.nominal, extremes(&hosts)) else {
        return;
    };
    let told = |(index, host): &(usize, &Endpoint<'_>)| {
        format!("{} {}", host.address, percent(shares[*index]))
    };
    let (message, help) = if view.cluster.policy.kind == Kind::Random {
        let each = percent(shares[index]);
        (
            format!(
                "{} has weight {}, others have not, but RANDOM ignores weights: each of its locality gets {each}",
                odd.address, odd.weight
            ),
            "remove the weights, or use ROUND_ROBIN or LEAST_REQUEST",
        )
    } else {
        let others: Vec<_> = hosts
            .iter()
            .filter(|(other, _)| *other != index)
            .map(told)
            .collect();
        (
            format!(
                "{} has weight {} among weights from {least} to {most}: it will get {} of {}; {}",
                odd.address,
                odd.weight,
                percent(shares[index]),
                view.pool.units(),
                list(others),
            ),
            "give all hosts the same weight; if it is meant, say why: `# evenkeel: allow ENV-001 because ...`",
        )
    };
    let severity = if most < 1.5 * least {
        Severity::Note
    } else {
        Severity::Warning
    };
    report
        .add(&WEIGHTS, place(odd), message, help)
        .severity(severity)
        .pool(view.name())
        .subject(&odd.address.key());
}

/// ENV-001 too: weights of `weighted_clusters`, as a canary leaves them.
pub(super) fn splits(users: &Users<'_>, report: &mut Report) {
    for split in &users.splits {
        let shares = splits::shares(split);
        let mut parts = split
            .parts
            .iter()
            .zip(&shares)
            .filter(|(_, share)| **share > 0.0);
        let (Some(((_, some, _), _)), Some(_)) = (parts.next(), parts.next()) else {
            continue;
        };
        let differs = |part: &&(crate::envoy::Word<'_>, f64, Place)| {
            part.1 > 0.0 && (part.1 - some).abs() > 1e-9
        };
        let Some((cluster, _, place)) = split.parts.iter().find(differs) else {
            continue;
        };
        let told = split
            .parts
            .iter()
            .zip(&shares)
            .map(|((cluster, _, _), share)| format!("{} {}", cluster.text, percent(*share)));
        report
            .add(
                &WEIGHTS,
                *place,
                format!("{} shares its traffic out by weight: {}", split.name, list(told.collect())),
                "when the change is over, give one cluster all; if it is meant, say why and until when: `# evenkeel: allow ENV-001 until 2027-01-31 because ...`",
            )
            .pool(&split.name)
            .subject(cluster.text);
    }
}

/// ENV-007: weights that take the choice between two hosts away from `LEAST_REQUEST`.
pub(super) fn least_request(view: &View<'_>, report: &mut Report) {
    let Kind::LeastRequest { bias, .. } = view.cluster.policy.kind else {
        return;
    };
    let Some(((_, odd), hosts)) = uneven(view) else {
        return;
    };
    let Some((least, most)) = extremes(&hosts) else {
        return;
    };
    let effect = most / 2_f64.powf(bias);
    report
        .add(
            &LEAST_WEIGHTED,
            place(odd),
            format!(
                "with weights from {least} to {most} LEAST_REQUEST does not compare two hosts, but rotates by weight / (requests + 1)^{bias}: with one request in progress the heaviest counts {effect} instead of {most}, seen only when its turn comes"
            ),
            "give all hosts the same weight; if they must differ, raise `active_request_bias` above 1",
        )
        .pool(view.name())
        .subject(&odd.address.key());
}

/// ENV-021: hosts that come late in a rotation by very different weights.
pub(super) fn uneven_start(view: &View<'_>, report: &mut Report) {
    let Some(((_, odd), hosts)) =
        uneven(view).filter(|_| view.cluster.policy.kind == Kind::RoundRobin)
    else {
        return;
    };
    let Some((least, most)) =
        extremes(&hosts).filter(|(least, most)| *most >= 10.0 * least && *least > 0.0)
    else {
        return;
    };
    let sum: f64 = hosts.iter().map(|(_, host)| host.weight).sum();
    report
        .add(
            &UNEVEN_START,
            place(odd),
            format!(
                "the weights differ by a factor of {:.0}: each worker sends the lightest host 1 of {:.0} requests, which with little traffic is none for long",
                most / least,
                sum / least,
            ),
            "use weights that differ less",
        )
        .pool(view.name())
        .subject(&odd.address.key());
}
