//! `/-/healthy`, `/-/ready` and `/-/reload`: what process managers and operators use.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::health;
use super::shared::Shared;

/// The other end of a request's connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    /// Whether it has proven who it is, by a password or a certificate.
    pub(super) authenticated: bool,
}

/// `GET /-/healthy`
pub(super) async fn healthy(State(shared): State<Arc<Shared>>) -> Response {
    let interval = shared.state().interval;
    let verdict = health::alive(shared.pulse.age(), interval, shared.limits.tick_grace);
    answer(verdict, "healthy")
}

/// `GET /-/ready`
pub(super) async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    answer(health::ready(&shared.state()), "ready")
}

fn answer(verdict: Result<(), String>, fine: &str) -> Response {
    match verdict {
        Ok(()) => format!("{fine}\n").into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason + "\n").into_response(),
    }
}

/// `POST /-/reload`
pub(super) async fn reload(
    State(shared): State<Arc<Shared>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Response {
    if let Some(message) = refusal(peer, &headers) {
        return (StatusCode::FORBIDDEN, message).into_response();
    }
    match shared.reload.reload().await {
        Ok(()) => "reloaded\n".into_response(),
        Err(error) => {
            let message = format!("reload failed, the old configuration stays in force: {error}\n");
            (StatusCode::INTERNAL_SERVER_ERROR, message).into_response()
        }
    }
}

/// Why a reload that `peer` asks for is refused, if it is.
fn refusal(peer: Peer, headers: &HeaderMap) -> Option<&'static str> {
    if !peer.authenticated && !peer.address.ip().to_canonical().is_loopback() {
        Some(
            "reloads are accepted from this host alone, or with authentication (web.config_file); send SIGHUP or ask from a \
             loopback address\n",
        )
    } else if is_foreign(headers, peer.authenticated) {
        Some("a page of another origin must not reload the agent\n")
    } else {
        None
    }
}

/// Whether a browser sent the request on behalf of a page that is not the agent's own.
///
/// Programs such as curl send neither header, browsers send `Origin` with every POST. An origin that equals the host
/// is not enough: a foreign name that was made to resolve to a loopback address has both alike, so the host must be
/// one that no foreign name server can answer for; or the request `authenticated`, because a browser has the password for
/// the real name alone.
fn is_foreign(headers: &HeaderMap, authenticated: bool) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    if let Some(site) = text("sec-fetch-site")
        && site != "same-origin"
        && site != "none"
    {
        return true;
    }
    let Some(origin) = text(header::ORIGIN.as_str()) else {
        return false;
    };
    let host = text(header::HOST.as_str()).unwrap_or("");
    let own = ["http://", "https://"]
        .iter()
        .any(|scheme| origin.strip_prefix(scheme) == Some(host));
    !(own && (authenticated || is_loopback_name(host)))
}

/// Whether `host`, with or without a port, names this host without the help of a name server.
fn is_loopback_name(host: &str) -> bool {
    let Ok(uri) = host.parse::<Uri>() else {
        return false;
    };
    let name = uri.host().unwrap_or("");
    let ip = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost"
        || ip
            .parse()
            .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_host_may_reload_without_authentication() {
        for (peer, fine) in [
            ("127.0.0.1:5000", true),
            ("[::1]:5000", true),
            ("[::ffff:127.0.0.1]:5000", true),
            ("192.0.2.1:5000", false),
            ("[2001:db8::1]:5000", false),
            ("[::ffff:192.0.2.1]:5000", false),
        ] {
            let address = peer.parse().unwrap();
            for (authenticated, fine) in [(false, fine), (true, true)] {
                let peer = Peer {
                    address,
                    authenticated,
                };
                let refusal = refusal(peer, &HeaderMap::new());
                assert_eq!(refusal.is_none(), fine, "{peer:?}");
            }
        }
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn requests_of_programs_and_of_the_own_page_are_not_foreign() {
        for own in [
            &[("host", "127.0.0.1:9797")][..],
            &[("host", "node7:9797")],
            &[
                ("host", "localhost:9797"),
                ("origin", "http://localhost:9797"),
            ],
            &[("host", "[::1]:9797"), ("origin", "http://[::1]:9797")],
            &[("host", "127.0.0.1"), ("origin", "https://127.0.0.1")],
            &[("host", "localhost:9797"), ("sec-fetch-site", "none")],
        ] {
            assert!(!is_foreign(&headers(own), false), "{own:?}");
        }
    }

    #[test]
    fn requests_of_other_pages_are_foreign() {
        for foreign in [
            &[
                ("host", "127.0.0.1:9797"),
                ("origin", "http://evil.example"),
            ][..],
            &[("host", "127.0.0.1:9797"), ("origin", "null")],
            &[
                ("host", "127.0.0.1:9797"),
                ("origin", "http://127.0.0.1:8080"),
            ],
            &[("host", "127.0.0.1:9797"), ("sec-fetch-site", "cross-site")],
            &[("host", "127.0.0.1:9797"), ("sec-fetch-site", "same-site")],
            // A name that its owner made to resolve to 127.0.0.1.
            &[
                ("host", "rebound.example:9797"),
                ("origin", "http://rebound.example:9797"),
                ("sec-fetch-site", "same-origin"),
            ],
            &[("origin", "http://")],
        ] {
            assert!(is_foreign(&headers(foreign), false), "{foreign:?}");
        }
    }

    #[test]
    fn with_a_password_the_page_may_have_any_name_but_must_be_the_agents() {
        let host = ("host", "node7.example:9797");
        let own = headers(&[host, ("origin", "https://node7.example:9797")]);
        assert!(!is_foreign(&own, true));
        assert!(is_foreign(&own, false));
        let other = headers(&[host, ("origin", "https://evil.example")]);
        assert!(is_foreign(&other, true));
    }
}
