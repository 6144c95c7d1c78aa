//! What an upstream is selected by: CAD-004, CAD-010, CAD-011.

use super::{FEW_KEYS, PROXY_ADDRESS, STICKY};
use crate::caddy::policy::Policy;
use crate::caddy::pools::View;
use crate::finding::{Report, Severity};
use crate::text::percent;
use crate::yaml::Value;

/// CAD-004: the address of whatever connects.
pub(super) fn proxy_address(view: &View<'_>, report: &mut Report) {
    let servers = view.distinct();
    let trusts = view
        .proxy
        .server
        .and_then(|server| server.get("trusted_proxies"));
    let (severity, told, help) = match (&view.proxy.policy, trusts) {
        (Policy::IpHash, Some(_)) => (
            Severity::Warning,
            "`trusted_proxies` says that requests come through proxies, and `ip_hash` takes the address of the proxy",
            "use `client_ip_hash`, which takes the address that the proxy tells",
        ),
        (Policy::IpHash, None) => (
            Severity::Note,
            "`ip_hash` takes the address of whatever connects, which behind a proxy or NAT many clients share",
            "behind a proxy set `trusted_proxies` and use `client_ip_hash`; else a cookie tells clients apart",
        ),
        (Policy::ClientIpHash, None) if view.proxy.server.is_some() => (
            Severity::Note,
            "without `trusted_proxies` no proxy is believed, and `client_ip_hash` takes the address of whatever connects",
            "set `trusted_proxies` of the server to the addresses of the proxies before it",
        ),
        _ => return,
    };
    if servers < 2 {
        return;
    }
    // The share of a server that k keys of equal weight fall to varies by sqrt((n - 1) / k) of itself.
    let spread = 100.0 * ((servers - 1) as f64 / 20.0).sqrt();
    let message = format!(
        "{told}: one key sends 100 % to 1 of {servers} upstreams, and with 20 busy keys an upstream's share still varies by about {spread:.0} % of itself"
    );
    view.add(
        report,
        &PROXY_ADDRESS,
        view.proxy.policy_place,
        message,
        help,
    )
    .severity(severity)
    .related_if(trusts.map(Value::place), "the proxies");
}

/// Headers with few values, or few that most requests have; in lower case.
const FEW: [&str; 14] = [
    "host",
    "user-agent",
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "content-type",
    "origin",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-requested-with",
    "cf-ipcountry",
];

/// CAD-010: keys that cannot spread.
pub(super) fn few(view: &View<'_>, report: &mut Report) {
    let Policy::Header(key) = view.proxy.policy else {
        return;
    };
    let servers = view.distinct();
    if servers < 2 || !FEW.contains(&key.name.to_ascii_lowercase().as_str()) {
        return;
    }
    view.add(
        report,
        &FEW_KEYS,
        key.place.unwrap_or(view.proxy.policy_place),
        format!(
            "the header `{}` has few values: each sends all its requests to 1 of {servers} upstreams, so that the most frequent one decides who is busiest",
            key.name
        ),
        "hash what differs between clients: `client_ip_hash`, `uri_hash`, a header with a session",
    );
}

/// CAD-011: sessions without end.
pub(super) fn sticky(view: &View<'_>, report: &mut Report) {
    let Policy::Cookie {
        name,
        expires: false,
    } = view.proxy.policy
    else {
        return;
    };
    let servers = view.distinct();
    if servers < 2 {
        return;
    }
    view.add(
        report,
        &STICKY,
        view.proxy.policy_place,
        format!(
            "the cookie `{name}` binds a client until its browser is closed: an upstream that joins these {servers} gets only new sessions, 0 % at first instead of {}",
            percent(1.0 / (servers + 1) as f64)
        ),
        "set `max_age` to as long as a session needs, or keep sessions where all upstreams find them",
    );
}
