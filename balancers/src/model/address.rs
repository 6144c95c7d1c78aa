//! Where a server is, as written and as meant.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use serde::Serialize;

/// A server's address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Address {
    /// As it stands in the configuration.
    pub written: String,
    /// What it means.
    pub target: Target,
}

/// What an address means.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// One address and port.
    Ip(SocketAddr),
    /// A Unix domain socket.
    Unix(String),
    /// A name, of which only DNS knows how many addresses it stands for.
    Name {
        /// In lower case.
        host: String,
        /// `None` if the product takes it from elsewhere (an SRV record, a range of ports).
        port: Option<u16>,
    },
    /// Something that is known when a request arrives, or that is no address.
    Unknown,
}

impl Address {
    /// Reads `host`, `host:port`, `[v6]`, `[v6]:port`; `default_port` holds where none is written.
    ///
    /// Text with a `$` is unresolved, and so is text that is none of these.
    pub fn parse(written: &str, default_port: Option<u16>) -> Self {
        Self {
            written: written.to_owned(),
            target: target(written, default_port),
        }
    }

    /// The key by which servers are found to be the same: the resolved form, else what is written.
    pub fn key(&self) -> String {
        match &self.target {
            Target::Ip(address) => address.to_string(),
            Target::Unix(path) => format!("unix:{path}"),
            Target::Name { host, port } => {
                port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"))
            }
            Target::Unknown => self.written.clone(),
        }
    }

    /// Whether only DNS knows how many addresses it stands for.
    pub fn is_name(&self) -> bool {
        matches!(self.target, Target::Name { .. })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

fn target(written: &str, default_port: Option<u16>) -> Target {
    if written.contains('$') {
        return Target::Unknown;
    }
    if let Ok(address) = written.parse::<SocketAddr>() {
        return Target::Ip(address);
    }
    let (host, port) = match split_port(written) {
        Some((host, port)) => (host, Some(port)),
        None => (written, default_port),
    };
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    match (bare.unwrap_or(host).parse::<IpAddr>(), port) {
        (Ok(ip), Some(port)) => Target::Ip(SocketAddr::new(ip, port)),
        (Err(_), _) if is_host(host) => Target::Name {
            host: host.to_ascii_lowercase(),
            port,
        },
        _ => Target::Unknown,
    }
}

/// Splits off a port, unless the colon belongs to an IPv6 address.
fn split_port(written: &str) -> Option<(&str, u16)> {
    let (host, port) = written.rsplit_once(':')?;
    let whole = !host.contains(':') || host.ends_with(']');
    let port = port.parse().ok()?;
    whole.then_some((host, port))
}

fn is_host(text: &str) -> bool {
    let allowed = |char: char| char.is_alphanumeric() || matches!(char, '.' | '-' | '_');
    !text.is_empty() && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart() {
        let target = |text| Address::parse(text, Some(80)).target;
        let ip = |text: &str| Target::Ip(text.parse().unwrap());
        let name = |host: &str, port| Target::Name {
            host: host.to_owned(),
            port: Some(port),
        };
        assert_eq!(target("192.0.2.1"), ip("192.0.2.1:80"));
        assert_eq!(target("192.0.2.1:8080"), ip("192.0.2.1:8080"));
        assert_eq!(target("[2001:db8::1]:8080"), ip("[2001:db8::1]:8080"));
        assert_eq!(target("[2001:db8::1]"), ip("[2001:db8::1]:80"));
        assert_eq!(target("App-1.Example"), name("app-1.example", 80));
        assert_eq!(target("app_1:8080"), name("app_1", 8080));
        for odd in [
            "$backend",
            "a:b:c",
            "",
            "http://x",
            "x:99999",
            "{{ host }}:80",
        ] {
            assert_eq!(target(odd), Target::Unknown, "{odd}");
        }
    }
}
