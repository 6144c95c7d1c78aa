//! Weights: NGX-001, NGX-010, NGX-011.

use super::{HASH_RANGE, IP_HASH_RANGE, WEIGHTS};
use crate::finding::{Report, Severity};
use crate::nginx::pools::View;
use crate::nginx::server::Server;
use crate::nginx::upstream::Choice;
use crate::shares::{NGINX_HASHES, NGINX_IP_HASHES, by_weight};
use crate::text::{list, percent};

/// NGX-001: weights that differ.
pub(super) fn different(view: &View<'_>, report: &mut Report) {
    let live: Vec<(usize, &Server)> = view.live().collect();
    let weights = || live.iter().map(|(_, server)| server.weight);
    let (Some(least), Some(most)) = (weights().min(), weights().max()) else {
        return;
    };
    if least == most {
        return;
    }
    let lone = lone(&live);
    let heaviest = || live.iter().max_by_key(|(_, server)| server.weight).copied();
    let Some((index, odd)) = lone.or_else(heaviest) else {
        return;
    };
    let message = match lone {
        Some(_) => stands_out(view, &live, index, odd),
        None => all_differ(view, &live),
    };
    let severity = if (most as f64) < 1.5 * least as f64 {
        Severity::Note
    } else {
        Severity::Warning
    };
    let place = odd.weight_place.unwrap_or(odd.place);
    let help = "give all servers the same weight; if it is meant, say why: `# evenkeel: allow NGX-001 because ...`";
    view.add(report, &WEIGHTS, place, message + view.proviso(), help)
        .severity(severity)
        .subject(&odd.address.key());
}

/// One weight among others that are all the same.
fn stands_out(view: &View<'_>, live: &[(usize, &Server)], index: usize, odd: &Server) -> String {
    let mut others = live.to_vec();
    others.retain(|(other, _)| *other != index);
    let usual = others.first().map_or(1, |(_, server)| server.weight);
    format!(
        "{} has weight {}, the other {} have {usual}: it will get {} of {}, {}",
        odd.address,
        odd.weight,
        others.len(),
        view.share(index),
        view.units(),
        each(view, &others),
    )
}

fn all_differ(view: &View<'_>, live: &[(usize, &Server)]) -> String {
    let told = |(index, server): &(usize, &Server)| {
        format!(
            "{} {} (weight {})",
            server.address,
            view.share(*index),
            server.weight
        )
    };
    let (units, shares) = (view.units(), list(live.iter().map(told).collect()));
    format!("the servers have different weights; of {units} they will get: {shares}")
}

/// What the others get: one number if it is the same for all.
fn each(view: &View<'_>, others: &[(usize, &Server)]) -> String {
    let shares = || others.iter().map(|(index, _)| view.share(*index));
    let first = shares().next().unwrap_or_default();
    if shares().all(|share| share == first) {
        return format!("each of the others {first}");
    }
    let told =
        |(index, server): &(usize, &Server)| format!("{} {}", server.address, view.share(*index));
    list(others.iter().map(told).collect())
}

/// The one whose weight differs from that of all others, which are at least two.
fn lone<'a>(live: &[(usize, &'a Server)]) -> Option<(usize, &'a Server)> {
    let [(_, a), (_, b), (_, c), ..] = live else {
        return None;
    };
    // The usual weight shows among the first three, if there is one.
    let usual = if a.weight == b.weight || a.weight == c.weight {
        a.weight
    } else {
        b.weight
    };
    let mut odd = live.iter().filter(|(_, server)| server.weight != usual);
    match (odd.next(), odd.next()) {
        (Some(odd), None) => Some(*odd),
        _ => None,
    }
}

/// NGX-010 and NGX-011: sums of weights that come near the number of hash values.
pub(super) fn out_of_range(view: &View<'_>, report: &mut Report) {
    let (rule, values, name) = match view.upstream.choice() {
        Choice::IpHash => (&IP_HASH_RANGE, NGINX_IP_HASHES, "ip_hash"),
        Choice::Hash {
            consistent: false, ..
        } => (&HASH_RANGE, NGINX_HASHES, "hash"),
        _ => return,
    };
    let weights = view.upstream.primaries().map(|server| server.weight);
    let sum = weights.fold(0, u64::saturating_add);
    let Some((index, server, fair)) = worst(view).filter(|_| sum > values / 10) else {
        return;
    };
    let message = format!(
        "{name} has {values} hash values, the weights add up to {sum}: {} will get {} of {} instead of {}",
        server.address,
        view.share(index),
        view.units(),
        percent(fair),
    );
    let common = view
        .upstream
        .primaries()
        .fold(0, |common, server| gcd(common, server.weight));
    let help = if common > 1 && sum / common <= values / 10 {
        format!("divide all weights by {common}")
    } else {
        format!(
            "use small weights: their sum should be below {}",
            values / 10
        )
    };
    let severity = if sum > values {
        Severity::Error
    } else {
        Severity::Warning
    };
    let place = server.weight_place.unwrap_or(server.place);
    view.add(report, rule, place, message, help)
        .severity(severity);
}

/// The server that falls furthest short of its weight, if by more than a percent; and what it should get.
fn worst<'a>(view: &'a View<'_>) -> Option<(usize, &'a Server, f64)> {
    let shares = view.nominal.as_ref()?;
    let live: Vec<(usize, &Server)> = view.live().collect();
    let weights: Vec<f64> = live
        .iter()
        .map(|(_, server)| server.weight as f64)
        .collect();
    let short = |(index, fair): (usize, f64)| shares[index] / fair;
    let fair = by_weight(&weights);
    let each = live
        .iter()
        .zip(fair)
        .map(|((index, server), fair)| (*index, *server, fair));
    each.min_by(|a, b| short((a.0, a.2)).total_cmp(&short((b.0, b.2))))
        .filter(|(index, _, fair)| short((*index, *fair)) < 0.99)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
