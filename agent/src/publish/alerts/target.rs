//! The address of a receiver.

use axum::http::Uri;
use axum::http::uri::PathAndQuery;

use super::{ReceiverKind, alertmanager};
use crate::http_client::Origin;

/// Where requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) origin: Origin,
    pub(super) path: PathAndQuery,
    /// For people and metrics: what may be a secret is left out.
    pub(super) name: String,
}

impl Target {
    /// Parses the address of a receiver as it is configured. The error says what is wrong with it, without repeating it.
    pub(super) fn parse(url: &str, kind: ReceiverKind) -> Result<Self, &'static str> {
        let uri: Uri = url
            .parse()
            .or(Err("is not an address of the form http://HOST:PORT/PATH"))?;
        Ok(Self {
            origin: Origin::of(&uri)?,
            path: path(&uri, kind).ok_or("has a path that cannot be requested")?,
            name: name(&uri, kind),
        })
    }
}

fn path(uri: &Uri, kind: ReceiverKind) -> Option<PathAndQuery> {
    let path = match kind {
        ReceiverKind::Alertmanager => {
            format!("{}{}", uri.path().trim_end_matches('/'), alertmanager::PATH)
        }
        ReceiverKind::Webhook => uri.path_and_query()?.as_str().to_owned(),
    };
    path.parse().ok()
}

/// An Alertmanager's path says where it is; the path of a webhook is often all that protects it.
fn name(uri: &Uri, kind: ReceiverKind) -> String {
    let scheme = uri.scheme_str().unwrap_or("http");
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let path = match (kind, uri.path().trim_end_matches('/')) {
        (_, "") => "",
        (ReceiverKind::Alertmanager, path) => path,
        (ReceiverKind::Webhook, _) => "/...",
    };
    format!("{scheme}://{authority}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        use ReceiverKind::{Alertmanager, Webhook};
        for (url, kind, parts, path, name) in [
            (
                "http://192.0.2.1:9093",
                Alertmanager,
                (false, "192.0.2.1", 9093),
                "/api/v2/alerts",
                "http://192.0.2.1:9093",
            ),
            (
                "https://am.example/prefix/?x=secret",
                Alertmanager,
                (true, "am.example", 443),
                "/prefix/api/v2/alerts",
                "https://am.example/prefix",
            ),
            (
                "http://[2001:db8::1]/hook/secret?token=secret",
                Webhook,
                (false, "2001:db8::1", 80),
                "/hook/secret?token=secret",
                "http://[2001:db8::1]/...",
            ),
        ] {
            let target = Target::parse(url, kind).unwrap();
            let (https, host, port) = parts;
            assert_eq!(
                (target.origin.https, target.origin.host.as_str()),
                (https, host),
                "{url}"
            );
            assert_eq!(
                (target.origin.port, target.path.as_str()),
                (port, path),
                "{url}"
            );
            assert_eq!(target.name, name, "{url}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_showing_secrets() {
        for url in [
            "",
            "192.0.2.1:9093",
            "ftp://192.0.2.1",
            "http://",
            "http://host:99999",
            "http://host:0",
            "http://user:secret@host",
            "/secret",
            "http://ho st/secret",
        ] {
            let error = Target::parse(url, ReceiverKind::Webhook).unwrap_err();
            assert!(!error.contains("secret"), "{url}: {error}");
        }
    }
}
