//! What a server is chosen by: HAP-003, HAP-020, HAP-021.

use super::{CLIENT_ADDRESS, CONSTANT_KEY, WRONG_MODE};
use crate::finding::Report;
use crate::haproxy::balance::Choice;
use crate::haproxy::line::Word;
use crate::haproxy::params::joined;
use crate::haproxy::pools::View;
use crate::source::Place;
use crate::text::percent;

/// Where the client's address decides: what the line says, and where.
fn by_address(view: &View<'_>) -> Option<(&'static str, Place)> {
    let place = view
        .proxy
        .settings
        .balance
        .as_ref()
        .map(|(_, place)| *place);
    match &*view.choice {
        Choice::Source => return Some(("balance source", place?)),
        Choice::Key(word, args) if word.is("hash") && is_source(args.first()?) => {
            return Some(("balance hash src", place?));
        }
        _ => {}
    }
    let stick = |words: &&Vec<Word>| {
        let texts = words.get(1).zip(words.get(2));
        texts.is_some_and(|(on, key)| (on.is("on") || on.is("match")) && is_source(key))
    };
    let words = view.proxy.sticks.iter().find(stick)?;
    Some(("stick on src", joined(words[0].place, words[2].place)))
}

/// Whether an expression is the client's address, or a part of it: `src`, `src,ipmask(24)`.
fn is_source(word: &Word) -> bool {
    word.text.split(',').next() == Some("src")
}

/// HAP-003: the address of whatever connects.
pub(super) fn client_address(view: &View<'_>, report: &mut Report) {
    let servers = view.size();
    let Some((line, place)) = by_address(view).filter(|_| servers > 1 && !view.told_source) else {
        return;
    };
    // The share of a server that k keys of equal weight fall to varies by sqrt((n - 1) / k) of itself.
    let spread = ((servers - 1) as f64 / 20.0).sqrt();
    let message = format!(
        "`{line}` goes by the client's address, that of the proxy or NAT if they come through one: one address sends 100 % to 1 of {servers} servers, and with 20 addresses shares still differ by about {:.0} % of {}",
        spread * 100.0,
        percent(1.0 / servers as f64),
    );
    report
        .add(
            &CLIENT_ADDRESS,
            place,
            message,
            "behind a proxy take the address from it: `bind ... accept-proxy`, or `balance hash req.hdr_ip(x-forwarded-for,-1)`; for sessions use a cookie",
        )
        .pool(&view.pool.name);
}

/// HAP-020: keys that are the same for most requests.
pub(super) fn constant(view: &View<'_>, report: &mut Report) {
    let Choice::Key(word, args) = &*view.choice else {
        return;
    };
    let expression = if word.is("hash") {
        args.first()
    } else {
        Some(word)
    };
    let few = [
        "hdr(host)",
        "req.hdr(host)",
        "hdr(user-agent)",
        "req.hdr(user-agent)",
        "dst",
        "dst_port",
        "method",
        "path_beg",
    ];
    let text = expression.map(|word| word.text.to_ascii_lowercase());
    let Some(text) = text.filter(|text| few.contains(&text.as_str())) else {
        return;
    };
    let servers = view.size();
    let place = view
        .proxy
        .settings
        .balance
        .as_ref()
        .map(|(_, place)| *place);
    if servers < 2 {
        return;
    }
    let message = format!(
        "`{text}` has few values: all requests with the same one go to 1 of {servers} servers, which gets 100 % of them instead of {}",
        percent(1.0 / servers as f64)
    );
    report
        .add(
            &CONSTANT_KEY,
            place.unwrap_or(view.pool.place),
            message,
            "take a key with many values, such as `uri` or a user's id, or use `balance roundrobin`",
        )
        .pool(&view.pool.name);
}

/// HAP-021: what only `mode http` knows.
pub(super) fn wrong_mode(view: &View<'_>, report: &mut Report) {
    let settings = &view.proxy.settings;
    if settings.is_http() || view.size() < 2 {
        return;
    }
    let stays = percent(1.0 / view.size() as f64);
    let balance = settings
        .balance
        .as_ref()
        .filter(|(choice, _)| choice.needs_http());
    let balance = balance.map(|(choice, place)| {
        let name = choice.name();
        (
            *place,
            format!("`balance {name}` is replaced by roundrobin: a key"),
        )
    });
    let cookie = settings.cookie.as_ref().map(|cookie| {
        let what = "`cookie` is ignored: a session";
        (cookie.name.place, what.to_owned())
    });
    for (place, what) in balance.into_iter().chain(cookie) {
        let message = format!("in mode tcp {what} finds its server in {stays} of all cases");
        report
            .add(
                &WRONG_MODE,
                place,
                message,
                "write `mode http`, or choose by what a connection has: `source`",
            )
            .pool(&view.pool.name);
    }
}
