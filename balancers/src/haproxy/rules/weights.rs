//! Weights: HAP-001, HAP-015.

use super::{LEAST_BY_WEIGHT, WEIGHTS};
use crate::finding::{Report, Severity};
use crate::haproxy::balance::Choice;
use crate::haproxy::pools::View;
use crate::haproxy::server::Server;
use crate::text::{list, percent};
use crate::version::Version;

/// Since when weights do not count for servers without connections.
const EMPTY_FIRST: Version = Version(2, 1, 0);

/// A server with its position.
type Placed<'v> = (usize, &'v Server);

/// The servers of lowest and highest weight, if they differ.
fn extremes<'v>(view: &'v View<'_>) -> Option<(Placed<'v>, Placed<'v>)> {
    let least = view.live().min_by_key(|(_, server)| server.weight())?;
    let most = view.live().max_by_key(|(_, server)| server.weight())?;
    (least.1.weight() < most.1.weight()).then_some((least, most))
}

/// The servers with their weights and shares, as text.
fn told(view: &View<'_>) -> String {
    let told = |(index, server): (usize, &Server)| {
        let (name, weight) = (&server.name.text, server.weight());
        format!("{name} {} (weight {weight})", view.share(index))
    };
    list(view.live().map(told).collect())
}

/// HAP-001: weights that differ.
pub(super) fn different(view: &View<'_>, report: &mut Report) {
    let Some(((_, least), (_, most))) = extremes(view) else {
        return;
    };
    // The one that differs is most likely the one whose weight is written.
    let odd = if most.params.weight.is_some() {
        most
    } else {
        least
    };
    let severity = if (most.weight() as f64) < 1.5 * least.weight() as f64 {
        Severity::Note
    } else {
        Severity::Warning
    };
    let message = format!(
        "the servers have different weights and will get as much of {}: {}",
        view.pool.units(),
        told(view)
    );
    report
        .add(
            &WEIGHTS,
            odd.weight_place(),
            message,
            "give all servers the same weight; if it is meant, say why: `# evenkeel: allow HAP-001 because ...`",
        )
        .severity(severity)
        .pool(&view.pool.name)
        .subject(&odd.name.text);
}

/// HAP-001: servers that get no new clients.
pub(super) fn out(view: &View<'_>, report: &mut Report) {
    let servers = &view.proxy.servers;
    let live = view.live().count();
    for server in servers.iter().filter(|server| !server.is_backup()) {
        let weightless = server.params.weight.filter(|_| server.weight() == 0);
        let (place, mark, stays) = match (server.params.disabled, weightless) {
            (Some(place), _) => (place, "`disabled`", ""),
            (None, Some((_, place))) => (place, "`weight 0`", ", only sessions bound to it"),
            _ => continue,
        };
        let rest = match live {
            0 => "no primary server is left".to_owned(),
            1 => format!("the only other one carries 100 % of {}", view.pool.units()),
            _ => format!("the other {live} carry 100 % of {}", view.pool.units()),
        };
        // Whoever is left, if nobody is, are backups; without those no request is answered.
        let backups = servers
            .iter()
            .any(|server| server.is_backup() && server.is_usable());
        let severity = if live == 0 && !backups {
            Severity::Error
        } else {
            Severity::Warning
        };
        report
            .add(
                &WEIGHTS,
                place,
                format!("{} has {mark}: it gets no new clients{stays}, {rest}", server.name.text),
                format!("remove {mark}, or the line; for a planned time: `# evenkeel: allow HAP-001 until DATE because ...`"),
            )
            .severity(severity)
            .pool(&view.pool.name)
            .subject(&server.name.text);
    }
}

/// HAP-015: leastconn with weights that differ.
pub(super) fn least(view: &View<'_>, report: &mut Report) {
    let Some(((index, least), (_, most))) = extremes(view) else {
        return;
    };
    if *view.choice != Choice::LeastConn {
        return;
    }
    let old = view.version.is_some_and(|version| version < EMPTY_FIRST);
    let (name, fair) = (&least.name.text, percent(view.nominal(index)));
    let servers = view.live().count();
    let message = if old {
        format!(
            "weights count even for idle servers: while fewer connections are open than {}, as on each of many load balancers, {name} gets 0 % instead of {fair}",
            most.weight().div_ceil(least.weight()),
        )
    } else {
        format!(
            "servers without connections come first, whatever their weight: while fewer connections are open than there are servers, as on each of many load balancers, {name} gets up to {} instead of {fair}; before HAProxy 2.1 it got none",
            percent(1.0 / servers as f64),
        )
    };
    report
        .add(
            &LEAST_BY_WEIGHT,
            least.weight_place(),
            message,
            "give all servers the same weight, or use `balance random` or `roundrobin`",
        )
        .pool(&view.pool.name)
        .subject(&least.name.text);
}
