//! Load and time: HAP-014, HAP-016, HAP-017, GEN-001.

use super::{NO_SLOWSTART, SHORT_REQUESTS, SLOWSTART};
use crate::finding::generic::{self, LONG_LIVED, long_lived_port};
use crate::finding::{Report, Severity};
use crate::haproxy::balance::Choice;
use crate::haproxy::pools::View;
use crate::text::percent;

/// What `inter` is unless written, in milliseconds.
const INTER: u64 = 2000;

/// A tunnel that may be idle for longer, in milliseconds, is meant to live long.
const LONG: u64 = 600_000;

/// HAP-014, HAP-016: the server with the fewest connections.
pub(super) fn least(view: &View<'_>, report: &mut Report) {
    let servers = view.size();
    let place = view
        .proxy
        .settings
        .balance
        .as_ref()
        .map(|(_, place)| *place);
    let Some(place) = place.filter(|_| *view.choice == Choice::LeastConn && servers > 1) else {
        return;
    };
    if view.proxy.settings.is_http() {
        let message = format!(
            "short requests leave most of the {servers} servers idle, and among idle ones weights do not count: shares are then those of a rotation"
        );
        report
            .add(
                &SHORT_REQUESTS,
                place,
                message,
                "for short requests use `balance roundrobin` or `balance random`",
            )
            .pool(&view.pool.name);
    }
    if view
        .live()
        .all(|(_, server)| server.params.slowstart.is_none())
    {
        let message = format!(
            "a server that comes back has 0 connections, and gets 100 % of new ones instead of {} until it has as many as the other {}",
            percent(1.0 / servers as f64),
            servers - 1,
        );
        report
            .add(
                &NO_SLOWSTART,
                place,
                message,
                "add `slowstart 30s`; for all servers: `default-server slowstart 30s`",
            )
            .pool(&view.pool.name);
    }
}

/// HAP-017: `slowstart` that cannot work.
pub(super) fn slowstart(view: &View<'_>, report: &mut Report) {
    let found = view.live().find_map(|(_, server)| {
        let (time, place) = server.params.slowstart?;
        Some((server, time?, place))
    });
    let Some((server, time, place)) = found.filter(|_| view.size() > 1) else {
        return;
    };
    let inter = server
        .params
        .inter
        .and_then(|(time, _)| time)
        .unwrap_or(INTER);
    let hash = &view.proxy.settings.hash;
    let message = if !view.choice.is_dynamic(hash) {
        format!(
            "`balance {}` does not change weights while it runs: {} gets 100 % of its share at once when it comes back",
            view.choice.name(),
            server.name.text
        )
    } else if time > 0 && time < inter {
        format!(
            "weights change with each check, every {inter} ms: {} gets 100 % of its share after one step, not in {time} ms",
            server.name.text
        )
    } else {
        return;
    };
    report
        .add(&SLOWSTART, place, message, "use `slowstart 30s` with a dynamic algorithm: `roundrobin`, `leastconn`, `hash-type consistent`")
        .pool(&view.pool.name)
        .subject(&server.name.text);
}

/// GEN-001: connections of protocols whose clients keep them.
pub(super) fn known_port(view: &View<'_>, report: &mut Report) {
    let servers = view.size();
    let known = view
        .live()
        .find_map(|(_, server)| long_lived_port(&server.address.target));
    let balances = *view.choice != Choice::First;
    let Some((port, protocol)) = known.filter(|_| servers > 1 && balances) else {
        return;
    };
    if view.proxy.settings.is_http() {
        return;
    }
    report
        .add(
            &LONG_LIVED,
            view.pool.place,
            generic::long_lived(port, protocol, servers),
            "limit the age of connections in the clients' pools, with jitter; for gRPC balance requests, in `mode http`",
        )
        .pool(&view.pool.name);
}

/// GEN-001: tunnels that may live long.
pub(super) fn long_lived(view: &View<'_>, report: &mut Report) {
    let servers = view.size();
    let tunnel = view.proxy.settings.tunnel;
    let long = tunnel.filter(|(time, _)| servers > 1 && *time >= LONG);
    let Some((time, place)) = long else { return };
    let message = format!(
        "a connection that is idle for up to {} min stays open, and stays where it was placed: a server that joins these {servers}, or comes back, has 0 % of the open ones instead of {} until clients connect anew",
        time / 60_000,
        percent(1.0 / (servers + 1) as f64),
    );
    report
        .add(
            &LONG_LIVED,
            place,
            message,
            "let servers or clients close connections after a while, at random times",
        )
        .severity(Severity::Note)
        .pool(&view.pool.name);
}
