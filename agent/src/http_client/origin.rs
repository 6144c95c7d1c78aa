//! The part of a URL that says which server is meant.

use axum::http::Uri;
use axum::http::uri::Scheme;

/// A server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) https: bool,
    /// Without the brackets of an IPv6 address.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// For the header `Host`.
    pub(crate) authority: String,
}

impl Origin {
    /// The server of a URL. The error says what is wrong with it, without repeating it.
    pub(crate) fn of(uri: &Uri) -> Result<Self, &'static str> {
        let scheme = uri
            .scheme()
            .cloned()
            .ok_or("is not an address of the form http://HOST:PORT/PATH")?;
        let https = scheme == Scheme::HTTPS;
        if !https && scheme != Scheme::HTTP {
            return Err("is neither http nor https");
        }
        let authority = uri.authority().ok_or("names no host")?;
        if authority.as_str().contains('@') {
            return Err("holds a user name: write the credentials into basic_auth instead");
        }
        let host = authority.host();
        let wrong = "names no host, or no port between 1 and 65535";
        let usual = if https { 443 } else { 80 };
        let port = match authority.as_str().strip_prefix(host) {
            Some("") => Some(usual),
            Some(rest) => rest.strip_prefix(':').and_then(|port| port.parse().ok()),
            None => None,
        };
        let port = port
            .filter(|port| *port > 0 && !host.is_empty())
            .ok_or(wrong)?;
        Ok(Self {
            https,
            host: host
                .trim_start_matches('[')
                .trim_end_matches(']')
                .to_owned(),
            port,
            authority: authority.as_str().to_owned(),
        })
    }
}
