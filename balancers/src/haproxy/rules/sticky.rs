//! Sessions: HAP-009, HAP-010, HAP-011, HAP-013, HAP-022.

use std::collections::HashMap;

use super::{CACHED_COOKIE, ENDLESS_COOKIE, ENDLESS_QUEUE, LAST_SERVER, SAME_COOKIE, likewise};
use crate::finding::Report;
use crate::haproxy::line::Word;
use crate::haproxy::pools::View;
use crate::haproxy::server::Server;
use crate::haproxy::settings::Cookie;
use crate::text::percent;

/// Browsers keep no cookie that is longer, in bytes.
const LONGEST_COOKIE: usize = 4096;

/// The cookie that decides, with the number of servers among which it does.
fn cookie<'v>(view: &'v View<'_>) -> Option<(&'v Cookie, usize)> {
    let servers = view.size();
    let settings = &view.proxy.settings;
    let cookie = settings
        .cookie
        .as_deref()
        .filter(|_| settings.is_http() && servers > 1)?;
    Some((cookie, servers))
}

/// HAP-009: `Set-Cookie` that caches may keep.
pub(super) fn cached(view: &View<'_>, report: &mut Report) {
    let Some((cookie, servers)) = cookie(view) else {
        return;
    };
    if !cookie.is_written() || cookie.has("nocache") || cookie.has("postonly") {
        return;
    }
    let message = format!(
        "a cache that keeps one response with this cookie hands it to all clients: 1 of {servers} servers then gets 100 % of them instead of {}",
        percent(1.0 / servers as f64)
    );
    report
        .add(
            &CACHED_COOKIE,
            cookie.name.place,
            message,
            "add `nocache`, with `indirect`: `cookie NAME insert indirect nocache`",
        )
        .pool(&view.pool.name);
}

/// HAP-010: no age.
pub(super) fn endless(view: &View<'_>, report: &mut Report) {
    let Some((cookie, servers)) = cookie(view) else {
        return;
    };
    if !cookie.is_written() || cookie.has("maxidle") || cookie.has("maxlife") {
        return;
    }
    let message = format!(
        "a client stays with its server while its browser runs: a server that joins these {servers} gets 0 % of the sessions there are instead of {}",
        percent(1.0 / (servers + 1) as f64)
    );
    report
        .add(
            &ENDLESS_COOKIE,
            cookie.name.place,
            message,
            "add `maxidle 30m maxlife 8h`, or what sessions need",
        )
        .pool(&view.pool.name);
}

/// HAP-011: the same value on two servers.
pub(super) fn same_value(view: &View<'_>, report: &mut Report) {
    if cookie(view).is_none() {
        return;
    }
    let mut seen = HashMap::new();
    for (_, server) in view.live() {
        let value = server.params.cookie.as_ref();
        let Some(value) = value.filter(|value| value.text.len() <= LONGEST_COOKIE) else {
            continue;
        };
        let first = *seen.entry(&value.text).or_insert(server);
        if std::ptr::eq(first, server) {
            same_slots(view, server, value, report);
            continue;
        }
        let (name, value_of) = (&server.name.text, &first.name.text);
        let message = format!(
            "{name} has the cookie value of {value_of}: clients that {name} served go to {value_of} from their second request on, which gets 100 % of the sessions of both"
        );
        let place = first
            .params
            .cookie
            .as_ref()
            .map_or(first.place, |word| word.place);
        report
            .add(
                &SAME_COOKIE,
                value.place,
                message,
                "give each server a value of its own",
            )
            .pool(&view.pool.name)
            .subject(name)
            .related(place, "it stands here first");
    }
}

/// HAP-011 too: a template, of which each server has the value.
fn same_slots(view: &View<'_>, server: &Server, value: &Word, report: &mut Report) {
    let Some(slots) = server.template.filter(|slots| *slots > 1) else {
        return;
    };
    let name = &server.name.text;
    let message = format!(
        "all {slots} servers of {name} have the same cookie value: clients of each go to the first that is up from their second request on, which gets 100 % of the sessions"
    );
    report
        .add(
            &SAME_COOKIE,
            value.place,
            message,
            "let HAProxy give each server a value of its own: `cookie NAME insert dynamic` with `dynamic-cookie-key`, and no `cookie` here",
        )
        .pool(&view.pool.name)
        .subject(name);
}

/// HAP-013: queues without end.
pub(super) fn endless_queue(view: &View<'_>, report: &mut Report) {
    let settings = &view.proxy.settings;
    let servers = view.size();
    let bound = view.proxy.sticky().is_some() && servers > 1;
    if !bound || settings.option("redispatch").is_some() {
        return;
    }
    let mut queues = view.live().filter_map(|(_, server)| {
        let (most, place) = server.params.maxconn?;
        let most = most.filter(|most| *most > 0)?;
        server
            .params
            .maxqueue
            .is_none()
            .then_some((server, most, place))
    });
    let Some((server, most, place)) = queues.next() else {
        return;
    };
    let also = likewise(queues.count());
    let message = format!(
        "above {most} connections the sessions of {}{also} wait for it, however many, until `timeout queue` ends them, and none goes to the other {}",
        server.name.text,
        servers - 1,
    );
    report
        .add(
            &ENDLESS_QUEUE,
            place,
            message,
            "set `maxqueue`, and `option redispatch`, so that what waits too long goes elsewhere",
        )
        .pool(&view.pool.name)
        .subject(&server.name.text);
}

/// HAP-022: `option prefer-last-server`.
pub(super) fn last_server(view: &View<'_>, report: &mut Report) {
    let place = view.proxy.settings.option("prefer-last-server");
    let servers = view.size();
    let Some(place) = place.filter(|_| servers > 1 && !view.choice.is_hash()) else {
        return;
    };
    let message = format!(
        "requests of a connection that is kept stay with its server: one that joins these {servers} gets 0 % of them instead of {} until clients connect anew",
        percent(1.0 / (servers + 1) as f64)
    );
    report
        .add(&LAST_SERVER, place, message, "remove it unless servers need it (NTLM), or limit the age of connections with `timeout http-keep-alive`")
        .pool(&view.pool.name);
}
