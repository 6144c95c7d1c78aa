//! Rings and tables: ENV-002, ENV-003, ENV-004.

use super::{NO_KEY, SMALL_RING, SMALL_TABLE};
use crate::envoy::policy::Kind;
use crate::envoy::pools::View;
use crate::finding::{Report, Severity};
use crate::text::{count, percent};

/// The host with the fewest points or entries per unit of weight: its index, and how many it has.
fn fewest(view: &View<'_>) -> Option<(usize, u64)> {
    let hosts = view
        .entries
        .iter()
        .enumerate()
        .filter_map(|(index, entries)| Some((index, (*entries)?)));
    hosts.min_by_key(|(_, entries)| *entries)
}

/// The least and the largest share of hosts that take part.
fn range(view: &View<'_>) -> Option<(f64, f64)> {
    let shares = view.nominal.as_ref()?;
    let part = || {
        shares
            .iter()
            .zip(&view.entries)
            .filter(|(_, entries)| entries.is_some())
            .map(|(share, _)| *share)
    };
    Some((
        part().min_by(f64::total_cmp)?,
        part().max_by(f64::total_cmp)?,
    ))
}

/// ENV-002: so few points that arcs differ much.
pub(super) fn small_ring(view: &View<'_>, report: &mut Report) {
    let Kind::RingHash { maximum, .. } = view.cluster.policy.kind else {
        return;
    };
    let hosts = view.entries.iter().flatten().count();
    let (Some((_, points)), Some((least, most))) = (fewest(view), range(view)) else {
        return;
    };
    if hosts < 2 || points >= 100 {
        return;
    }
    let wanted = (1024 * hosts as u64).next_power_of_two().min(8 << 20);
    let help = if maximum < wanted {
        format!("raise `maximum_ring_size` and `minimum_ring_size` to {wanted}, or use MAGLEV")
    } else {
        format!("set `minimum_ring_size: {wanted}`, or use MAGLEV")
    };
    let severity = if points < 20 {
        Severity::Error
    } else {
        Severity::Warning
    };
    report
        .add(
            &SMALL_RING,
            view.cluster
                .policy
                .size
                .unwrap_or(view.cluster.policy.place),
            format!(
                "with {} a host has {} on the ring: shares of the keys will be from {} to {}",
                count(hosts, "host"),
                count(usize::try_from(points).unwrap_or(usize::MAX), "point"),
                percent(least),
                percent(most),
            ),
            help,
        )
        .severity(severity)
        .pool(view.name());
}

/// ENV-004: hosts with no entry, or so few that they count.
pub(super) fn small_table(view: &View<'_>, report: &mut Report) {
    let Kind::Maglev { table } = view.cluster.policy.kind else {
        return;
    };
    let hosts = view.entries.iter().flatten().count();
    let (Some((index, entries)), Some((least, most))) = (fewest(view), range(view)) else {
        return;
    };
    if hosts < 2 || entries >= 20 {
        return;
    }
    let empty = view
        .entries
        .iter()
        .flatten()
        .filter(|entries| **entries == 0)
        .count();
    let message = if empty > 0 {
        format!(
            "the table has {table} entries: {} of {hosts} will get nothing, others up to {}",
            count(empty, "host"),
            percent(most)
        )
    } else {
        format!(
            "the table has {table} entries, {entries} for the host with the fewest: shares of the keys will be from {} to {}",
            percent(least),
            percent(most)
        )
    };
    let severity = if empty > 0 {
        Severity::Error
    } else {
        Severity::Warning
    };
    report
        .add(
            &SMALL_TABLE,
            view.cluster
                .policy
                .size
                .unwrap_or(view.cluster.policy.place),
            message,
            "set `table_size` to a prime of at least 100 times the hosts, such as 65537 or 5000011",
        )
        .severity(severity)
        .pool(view.name())
        .subject(&view.cluster.endpoints[index].address.key());
}

/// ENV-003: routes that give nothing to hash.
pub(super) fn no_key(view: &View<'_>, report: &mut Report) {
    let policy = &view.cluster.policy;
    let own = policy
        .consistent
        .is_some_and(|config| config.list("hash_policy").next().is_some());
    let without = || view.users.iter().filter(|user| !user.hashes);
    let Some(first) = without().next().filter(|_| policy.kind.is_hash() && !own) else {
        return;
    };
    let (without, all) = (without().count(), view.users.len());
    let name = policy.kind.name();
    let message = if without == all {
        format!(
            "nothing that sends traffic to `{}` has a `hash_policy`: {name} draws a host for each request, and no client keeps its own",
            view.name()
        )
    } else {
        format!(
            "{without} of {all} routes to `{}` have no `hash_policy`: for their requests {name} draws a host",
            view.name()
        )
    };
    report
        .add(
            &NO_KEY,
            first.place,
            message,
            "add a `hash_policy` to the route, or use LEAST_REQUEST",
        )
        .related(policy.place, "the policy that wants a hash")
        .pool(view.name());
}
