//! What a server is chosen by: NGX-009, NGX-012, NGX-013.

use std::net::{IpAddr, SocketAddr};

use super::{CLIENT_ADDRESS, FEW_KEYS, REMAPPED};
use crate::finding::{Report, Severity};
use crate::nginx::config::Scope;
use crate::nginx::pools::View;
use crate::nginx::splits::variables;
use crate::nginx::upstream::Choice;
use crate::text::percent;

/// Whose address nginx sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// The client's own: a proxy before nginx tells it.
    Client,
    /// That of a proxy: it tells the client's, and nginx does not take it.
    Proxy,
    /// That of a private network or of this host, since nothing else is listened to.
    Private,
    /// That of whatever connects.
    Peer,
}

/// NGX-009: the address of whatever connects.
pub(super) fn client_address(view: &View<'_>, report: &mut Report) {
    let network = match view.upstream.choice() {
        Choice::IpHash => true,
        Choice::Hash { key, .. } if is_address(&key.text) => false,
        _ => return,
    };
    let (servers, seen) = (view.live().count(), seen(view));
    let severity = match seen {
        // The whole address of the client is as good a key as there is.
        Seen::Client if !network => return,
        Seen::Client => Severity::Note,
        Seen::Proxy | Seen::Private => Severity::Error,
        Seen::Peer => Severity::Warning,
    };
    if servers < 2 {
        return;
    }
    let methods = &view.upstream.methods;
    let place = methods
        .last()
        .map_or(view.pool.place, |method| method.place);
    let help = if goes_by_peer(view.upstream.choice()) {
        "use `$remote_addr`, with `set_real_ip_from` and `real_ip_header`: `$realip_remote_addr` is the proxy's address"
    } else if seen == Seen::Client {
        "use `hash $remote_addr consistent`, which takes the whole address, or a cookie"
    } else {
        "behind a proxy set `set_real_ip_from` and `real_ip_header`; else use `hash` with a key that tells clients apart"
    };
    view.add(
        report,
        &CLIENT_ADDRESS,
        place,
        shared_key(network, seen, servers),
        help,
    )
    .severity(severity);
}

/// Variables that are the address of whatever connects; `realip_` is what it was before a proxy's word was taken for it.
const ADDRESSES: [&str; 3] = ["remote_addr", "binary_remote_addr", "realip_remote_addr"];

/// Whether all that differs between the values of a key is an address.
fn is_address(key: &str) -> bool {
    let mut addresses = 0;
    for name in variables(key) {
        let name = name.to_ascii_lowercase();
        if ADDRESSES.contains(&name.as_str()) {
            addresses += 1;
        } else if !ONE.contains(&name.as_str()) {
            return false;
        }
    }
    addresses > 0
}

/// Whether a method takes the address from before `set_real_ip_from`.
fn goes_by_peer(choice: &Choice) -> bool {
    matches!(choice, Choice::Hash { key, .. }
        if variables(&key.text).any(|name| name.eq_ignore_ascii_case("realip_remote_addr")))
}

fn seen(view: &View<'_>) -> Seen {
    let scopes = || view.users.iter().map(|pass| &pass.scope);
    let private = |scope: &Scope| {
        let listens = &scope.listens;
        !scope.real_ip && !listens.is_empty() && listens.iter().all(|listen| is_private(listen))
    };
    let by_peer = goes_by_peer(view.upstream.choice());
    if !by_peer && !view.users.is_empty() && scopes().all(|scope| scope.real_ip) {
        Seen::Client
    } else if scopes().any(|scope| scope.proxied && (by_peer || !scope.real_ip)) {
        Seen::Proxy
    } else if scopes().any(private) {
        Seen::Private
    } else {
        Seen::Peer
    }
}

/// What comes of it that clients share a key.
fn shared_key(network: bool, seen: Seen, servers: usize) -> String {
    let key = if network {
        "the first three octets of the client's address, so that a /24 network is one key"
    } else {
        "the client's address"
    };
    let proxied = match seen {
        Seen::Client => "",
        Seen::Proxy => {
            ", which is that of the proxy that speaks the PROXY protocol to nginx: without `set_real_ip_from` nginx goes on taking its address for the client's"
        }
        Seen::Private => {
            ", and the only listening addresses are private: clients come through a proxy, or are few networks"
        }
        Seen::Peer => ", that of the proxy or NAT if they come through one",
    };
    // The share of a server that k keys of equal weight fall to varies by sqrt((n - 1) / k) of itself.
    let spread = 100.0 * ((servers - 1) as f64 / 20.0).sqrt();
    format!(
        "the key is {key}{proxied}: one key sends 100 % to 1 of {servers} servers, and with 20 busy keys a server's share still varies by about {spread:.0} % of itself"
    )
}

/// Whether a `listen` takes connections from private networks or this host alone.
fn is_private(listen: &str) -> bool {
    if listen.starts_with("unix:") {
        return true;
    }
    let socket = listen.parse().map(|address: SocketAddr| address.ip());
    let bare = listen.trim_start_matches('[').trim_end_matches(']');
    match socket.or_else(|_| bare.parse()) {
        Ok(IpAddr::V4(ip)) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => {
            ip.is_unique_local() || ip.is_loopback() || ip.is_unicast_link_local()
        }
        Err(_) => false,
    }
}

/// NGX-012: a hash by remainder.
pub(super) fn remapped(view: &View<'_>, report: &mut Report) {
    let Choice::Hash {
        key,
        consistent: false,
    } = view.upstream.choice()
    else {
        return;
    };
    let weights = || view.live().map(|(_, server)| server.weight as f64);
    if weights().count() < 2 || values(&key.text) == Values::One {
        return;
    }
    // For weights of 1 exactly: the remainders by neighbouring numbers are independent.
    let (sum, servers) = (weights().sum::<f64>(), weights().count() as f64);
    let with_one_more = sum * (1.0 + 1.0 / servers);
    let stays: f64 = weights().map(|weight| weight * weight).sum::<f64>() / (sum * with_one_more);
    let message = format!(
        "one server more moves about {} of the keys to another server, and each misses its cache or session there; with `consistent` it moves about {}",
        percent(1.0 - stays),
        percent(1.0 / (servers + 1.0)),
    );
    view.add(
        report,
        &REMAPPED,
        key.place,
        message,
        format!("write `hash {} consistent;`", key.text),
    );
}

/// How many values a key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Values {
    One,
    Few,
    Many,
}

/// Variables that are the same for all requests to a server.
const ONE: [&str; 10] = [
    "server_name",
    "server_addr",
    "server_port",
    "hostname",
    "nginx_version",
    "pid",
    "proxy_host",
    "proxy_port",
    "document_root",
    "realpath_root",
];

/// Variables with few values, or few that most requests have.
const FEW: [&str; 21] = [
    "host",
    "http_host",
    "scheme",
    "https",
    "request_method",
    "server_protocol",
    "http_user_agent",
    "ssl_protocol",
    "ssl_cipher",
    "ssl_server_name",
    "ssl_preread_server_name",
    "ssl_preread_protocol",
    "http_x_forwarded_proto",
    "protocol",
    "http_accept",
    "http_accept_encoding",
    "http_accept_language",
    "http_connection",
    "content_type",
    "is_args",
    "geoip_country_code",
];

/// The most that any variable of a key has.
fn values(key: &str) -> Values {
    let mut most = Values::One;
    for name in variables(key) {
        let these = match name.to_ascii_lowercase().as_str() {
            name if ONE.contains(&name) => Values::One,
            name if FEW.contains(&name) => Values::Few,
            _ => Values::Many,
        };
        most = most.max(these);
    }
    most
}

/// NGX-013: keys that cannot spread.
pub(super) fn few(view: &View<'_>, report: &mut Report) {
    let Choice::Hash { key, .. } = view.upstream.choice() else {
        return;
    };
    let servers = view.live().count();
    if servers < 2 {
        return;
    }
    let (severity, message) = match values(&key.text) {
        Values::Many => return,
        Values::One => {
            let text = format!(
                "the key `{}` is the same for all requests: 1 of {servers} servers will get 100 % of them",
                key.text
            );
            (Severity::Error, text)
        }
        Values::Few => {
            let text = format!(
                "the key `{}` has few values: each sends all its requests to 1 of {servers} servers, so that the most frequent one decides who is busiest",
                key.text,
            );
            (Severity::Warning, text)
        }
    };
    report
        .add(
            &FEW_KEYS,
            key.place,
            message,
            "hash what differs between requests: `$request_uri`, a session cookie, `$remote_addr`",
        )
        .severity(severity)
        .pool(&view.pool.name);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_as_varied_as_their_most_varied_part() {
        assert_eq!(values("fixed"), Values::One);
        assert_eq!(values("${server_name}x"), Values::One);
        assert_eq!(values("$scheme$host"), Values::Few);
        assert_eq!(values("$host$request_uri"), Values::Many);
        assert_eq!(values("$cookie_session"), Values::Many);
    }

    #[test]
    fn addresses_are_told_however_they_are_written() {
        for key in [
            "$remote_addr",
            "${binary_remote_addr}",
            "$Remote_Addr",
            "$server_name$remote_addr",
            "$realip_remote_addr",
        ] {
            assert!(is_address(key), "{key}");
        }
        for key in [
            "$remote_addr$request_uri",
            "$server_name",
            "fixed",
            "$proxy_protocol_addr",
        ] {
            assert!(!is_address(key), "{key}");
        }
    }

    #[test]
    fn private_addresses() {
        for listen in [
            "127.0.0.1:80",
            "10.1.2.3",
            "[fd00::1]:443",
            "[::1]",
            "unix:/run/x",
        ] {
            assert!(is_private(listen), "{listen}");
        }
        for listen in ["80", "*:80", "[::]:80", "198.51.100.1:80", "example.com:80"] {
            assert!(!is_private(listen), "{listen}");
        }
    }
}
