//! Rings and maps: HAP-002, HAP-005, HAP-006, HAP-007, HAP-008.

use super::{FULL_SERVERS, IMPLICIT_IDS, NO_BALANCE, RESONANCE, SMALL_WEIGHTS, likewise};
use crate::finding::{Report, Severity};
use crate::haproxy::balance::{Choice, RANDOM_BY_DEFAULT};
use crate::haproxy::pools::View;
use crate::shares::HAPROXY_POINTS_PER_WEIGHT;
use crate::text::percent;
use crate::version::Version;

/// Since when draws that find servers equally loaded look at their rate.
const TIES_BY_RATE: Version = Version(3, 4, 0);

/// A ring with fewer points per server is uneven by more than a tenth: the deviation is about 1 / sqrt(points).
const ENOUGH_POINTS: u64 = 100;

/// Whether a server's part of a ring or map is what decides.
fn hashes(view: &View<'_>, consistent: bool) -> bool {
    view.choice.is_hash() && view.proxy.settings.hash.consistent == consistent
}

/// The server whose part of the ring is furthest from its weight: its position.
fn worst(view: &View<'_>) -> Option<usize> {
    // The ring is computed as if a template made one server.
    if view.live().any(|(_, server)| server.template.is_some()) {
        return None;
    }
    let arcs = view.arcs.as_ref()?;
    let off = |index: &usize| (arcs[*index] / view.weights[*index] - 1.0).abs();
    let live = view.live().map(|(index, _)| index);
    live.max_by(|a, b| off(a).total_cmp(&off(b)))
}

/// `b gets 41.0 % instead of 33.3 %`.
fn worst_told(view: &View<'_>) -> Option<String> {
    let index = worst(view)?;
    let name = &view.proxy.servers[index].name.text;
    let fair = percent(view.weights[index]);
    Some(format!("{name} {} instead of {fair}", view.share(index)))
}

/// HAP-002: no `balance`.
pub(super) fn no_balance(view: &View<'_>, report: &mut Report) {
    let old = view
        .version
        .is_some_and(|version| version < RANDOM_BY_DEFAULT);
    if view.proxy.settings.balance.is_some() || view.size() < 2 || old {
        return;
    }
    let ties = view.version.is_none_or(|version| version >= TIES_BY_RATE);
    let ring = format!(
        "random, which draws on a ring with {HAPROXY_POINTS_PER_WEIGHT} points for each unit of weight"
    );
    let message = match (view.version, worst_told(view)) {
        (Some(version), Some(worst)) => {
            format!(
                "HAProxy {version} then takes {ring}: while servers are idle the ring decides, and gives {worst}"
            )
        }
        _ => format!("roundrobin is used before HAProxy 3.3, and since then {ring}"),
    };
    report
        .add(
            &NO_BALANCE,
            view.pool.place,
            message,
            "write `balance roundrobin`, or what is meant",
        )
        .severity(if ties {
            Severity::Note
        } else {
            Severity::Warning
        })
        .pool(&view.pool.name);
}

/// HAP-005: few points on the ring.
pub(super) fn small_weights(view: &View<'_>, report: &mut Report) {
    let settings = &view.proxy.settings;
    if !hashes(view, true) || settings.factor > 0 || view.size() < 2 {
        return;
    }
    let points = |weight: u64| weight * HAPROXY_POINTS_PER_WEIGHT;
    let fewest = view.live().min_by_key(|(_, server)| server.weight());
    let Some((_, server)) = fewest.filter(|(_, server)| points(server.weight()) < ENOUGH_POINTS)
    else {
        return;
    };
    let count = points(server.weight());
    let told = worst_told(view).map_or_else(
        || {
            format!(
                "shares deviate by about {} of themselves",
                percent(1.0 / (count as f64).sqrt())
            )
        },
        |worst| format!("of the keys {worst}"),
    );
    let message = format!(
        "{} has {count} points on the ring: {told}",
        server.name.text
    );
    report
        .add(
            &SMALL_WEIGHTS,
            settings.hash.place.unwrap_or(view.pool.place),
            message,
            "multiply all weights by the same number, up to 256 (`default-server weight 100`), or set `hash-balance-factor 150`",
        )
        .pool(&view.pool.name);
}

/// HAP-006: `sdbm` and sums that 64 divides, `djb2` and sums that 33 divides.
pub(super) fn resonance(view: &View<'_>, report: &mut Report) {
    let hash = &view.proxy.settings.hash;
    if !hashes(view, false) || hash.avalanche || *view.choice == Choice::Source {
        return;
    }
    // `hash * 65599 + character`, and 65599 is one less than a multiple of 64; `hash * 33 + character`.
    let (divisor, rests) = match hash.function() {
        "sdbm" => (64, "the sum of a key's characters with changing signs"),
        "djb2" => (33, "a key's last character"),
        _ => return,
    };
    let weights = || view.proxy.servers.iter().map(super::Server::weight);
    let common = weights().fold(0, gcd).max(1);
    let sum = view
        .live()
        .map(|(_, server)| server.weight() / common)
        .sum::<u64>();
    if sum == 0 || sum % divisor != 0 {
        return;
    }
    let message = format!(
        "the weights add up to {sum}, which {divisor} divides: with {} only {rests} decides which {} of the {sum} places a key can fall to, so that keys that are alike share few of them",
        hash.function(),
        sum / divisor,
    );
    report
        .add(
            &RESONANCE,
            hash.place.unwrap_or(view.pool.place),
            message,
            "write `hash-type map-based sdbm avalanche`, or another function: `wt6`, `crc32`",
        )
        .pool(&view.pool.name);
}

/// HAP-007: servers whose number is their position.
pub(super) fn implicit_ids(view: &View<'_>, report: &mut Report) {
    let live = view.size();
    if !hashes(view, true) || live < 2 {
        return;
    }
    let by_position = |(_, server): &(usize, &super::Server)| {
        let key = server.params.hash_key.as_ref();
        server.params.id.is_none() && key.is_none_or(|key| key.is("id") || key.is("id32"))
    };
    let mut found = view.live().filter(by_position);
    let Some((_, first)) = found.next() else {
        return;
    };
    let also = likewise(found.count());
    let message = format!(
        "the points of {}{also} come from its position: a server put before it moves all of its keys, where {} of all keys would do; and load balancers with another order disagree",
        first.name.text,
        percent(1.0 / (live + 1) as f64),
    );
    report
        .add(
            &IMPLICIT_IDS,
            first.name.place,
            message,
            "give each server an `id` that it keeps, or from 3.0 on `hash-key addr-port`",
        )
        .pool(&view.pool.name);
}

/// HAP-008: full servers keep their keys.
pub(super) fn full_servers(view: &View<'_>, report: &mut Report) {
    let settings = &view.proxy.settings;
    let live = view.size();
    if !view.choice.is_hash() || settings.factor > 0 || settings.passes_on || live < 2 {
        return;
    }
    let full = view.live().find_map(|(index, server)| {
        let (most, place) = server.params.maxconn?;
        let most = most.filter(|most| *most > 0)?;
        server
            .params
            .maxqueue
            .is_none()
            .then_some((index, server, most, place))
    });
    let Some((index, server, most, place)) = full else {
        return;
    };
    let message = format!(
        "above {most} connections the keys of {}, {} of all, wait for it, however many, until `timeout queue` ends them, and the other {} take none",
        server.name.text,
        view.share(index),
        live - 1,
    );
    report
        .add(
            &FULL_SERVERS,
            place,
            message,
            "set `maxqueue`, so that what waits too long goes elsewhere; with `hash-type consistent` use `hash-balance-factor 150`",
        )
        .pool(&view.pool.name)
        .subject(&server.name.text);
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
