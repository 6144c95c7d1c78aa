//! Localities, priorities and zones: ENV-013 to ENV-016.

use std::collections::BTreeMap;

use super::{LOCALITY_WEIGHTS, PRIORITY_GAP, SMALL_FAILOVER, ZONE_FORCED};
use crate::envoy::cluster::Locality;
use crate::envoy::pools::View;
use crate::finding::Report;
use crate::source::Place;
use crate::text::{count, percent};

fn title<'l>(locality: &'l Locality<'_>) -> &'l str {
    if locality.name.is_empty() {
        "this locality"
    } else {
        &locality.name
    }
}

/// How many hosts each locality has.
fn hosts(view: &View<'_>) -> Vec<usize> {
    let mut hosts = vec![0; view.cluster.localities.len()];
    for host in &view.cluster.endpoints {
        hosts[host.locality] += 1;
    }
    hosts
}

/// ENV-013: weights without the setting, or the setting without weights.
pub(super) fn localities(view: &View<'_>, report: &mut Report) {
    match view.cluster.policy.by_locality {
        Some(on) => weightless(view, on, report),
        None => ignored(view, report),
    }
}

/// Weights that do not count.
fn ignored(view: &View<'_>, report: &mut Report) {
    let cluster = view.cluster;
    let written = || {
        cluster
            .localities
            .iter()
            .filter_map(|locality| Some((locality, locality.weight?)))
    };
    let Some((first, (weight, place))) = written().next() else {
        return;
    };
    // Dumps have a weight for each locality, whether or not one was configured.
    if written().all(|(_, (other, _))| (other - weight).abs() < 1e-9) {
        return;
    }
    let number = cluster
        .localities
        .iter()
        .position(|locality| locality.place == first.place)
        .unwrap_or(0);
    let share: f64 = match &view.nominal {
        Some(shares) => shares
            .iter()
            .zip(&cluster.endpoints)
            .filter(|(_, host)| host.locality == number)
            .map(|(share, _)| *share)
            .sum(),
        None => return,
    };
    report
        .add(
            &LOCALITY_WEIGHTS,
            place,
            format!("without `locality_weighted_lb_config` weights of localities are ignored: {} will get {} of {}, by its hosts alone", title(first), percent(share), view.pool.units()),
            "add `common_lb_config.locality_weighted_lb_config: {}`, or remove the weights",
        )
        .pool(view.name())
        .subject(title(first));
}

/// Localities that get nothing because others have weights; `on` is what makes weights count.
fn weightless(view: &View<'_>, on: Place, report: &mut Report) {
    let cluster = view.cluster;
    let any = cluster
        .localities
        .iter()
        .any(|locality| locality.weight.is_some());
    if !any {
        return;
    }
    let hosts = hosts(view);
    for (index, locality) in cluster
        .localities
        .iter()
        .enumerate()
        .filter(|(_, locality)| locality.weight.is_none())
    {
        report
            .add(
                &LOCALITY_WEIGHTS,
                locality.place,
                format!(
                    "{} has no weight, and so no load: its {} will get 0 %",
                    title(locality),
                    count(hosts[index], "host")
                ),
                "give it a `load_balancing_weight`",
            )
            .related(on, "weights of localities count because of this")
            .pool(view.name())
            .subject(title(locality));
    }
}

/// Hosts by priority, and the place of the priority's number.
fn levels(view: &View<'_>) -> BTreeMap<u64, (usize, Place)> {
    let mut levels: BTreeMap<u64, (usize, Place)> = BTreeMap::new();
    for locality in &view.cluster.localities {
        let place = locality.priority_place.unwrap_or(locality.place);
        levels.entry(locality.priority).or_insert((0, place));
    }
    for host in &view.cluster.endpoints {
        if let Some((hosts, _)) = levels.get_mut(&view.cluster.priority(host)) {
            *hosts += 1;
        }
    }
    levels
}

/// ENV-014 and ENV-015: levels that are too small, and numbers that are left out.
pub(super) fn priorities(view: &View<'_>, report: &mut Report) {
    let levels = levels(view);
    let pairs = levels.iter().zip(levels.iter().skip(1));
    for ((above, (more, _)), (below, (fewer, place))) in pairs {
        if fewer < more && *fewer > 0 {
            report
                .add(
                    &SMALL_FAILOVER,
                    *place,
                    format!(
                        "priority {below} has {} for the {more} of priority {above}: when these fail, each of them gets {:.1} times what they got",
                        count(*fewer, "host"),
                        *more as f64 / *fewer as f64,
                    ),
                    format!("give priority {below} {more} hosts of the same size, or let a further level help"),
                )
                .pool(view.name())
                .subject(&below.to_string());
        }
    }
    for (expected, (found, (_, place))) in (0_u64..).zip(&levels) {
        if expected != *found {
            report
                .add(
                    &PRIORITY_GAP,
                    *place,
                    format!("priority {found} stands where {expected} is next: levels that are left out count as levels without hosts"),
                    format!("write `priority: {expected}`"),
                )
                .pool(view.name())
                .subject(&found.to_string());
            break;
        }
    }
}

/// ENV-016: zone-aware routing beyond its safeguards.
pub(super) fn zones(view: &View<'_>, report: &mut Report) {
    let Some(config) = view.cluster.policy.zone_aware else {
        return;
    };
    let mut zones: BTreeMap<&str, usize> = BTreeMap::new();
    for host in &view.cluster.endpoints {
        let locality = view.cluster.localities.get(host.locality);
        *zones
            .entry(
                locality
                    .and_then(|locality| locality.zone)
                    .unwrap_or_default(),
            )
            .or_default() += 1;
    }
    let smallest = zones.iter().min_by_key(|(_, hosts)| **hosts);
    let told = smallest
        .filter(|_| zones.len() > 1)
        .map_or_else(String::new, |(zone, hosts)| {
            format!(
                ": of {} {zone} has {hosts}, each of which gets {} of what begins there",
                count(view.cluster.endpoints.len(), "host"),
                percent(1.0 / *hosts as f64)
            )
        });
    let forced = ["force_local_zone", "force_locality_direct_routing"];
    let forced = forced
        .iter()
        .find_map(|key| config.entry(key))
        .filter(|entry| entry.value.text() != Some("false"));
    let size = config
        .get("min_cluster_size")
        .and_then(|size| Some((size, size.whole()?)));
    let (place, message, help) = if let Some(entry) = forced {
        (
            entry.key.place(),
            format!("all traffic of a zone stays in it, however few hosts it has{told}"),
            "remove it: Envoy then leaves the zone in proportion to its hosts",
        )
    } else if let Some((size, number)) = size.filter(|(_, number)| *number < 6) {
        (
            size.place(),
            format!(
                "zone-aware routing begins at {number} hosts instead of 6: one host more or less in a zone moves much of its traffic{told}"
            ),
            "leave `min_cluster_size` at 6 or more",
        )
    } else {
        return;
    };
    report
        .add(&ZONE_FORCED, place, message, help)
        .pool(view.name());
}
