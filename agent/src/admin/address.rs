//! Where a balancer can be asked.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a balancer can be asked. Written as `/run/haproxy.sock`, `unix:/run/haproxy.sock`, `127.0.0.1:9901`,
/// `[::1]:9901`, `tcp://lb-1:9999` or `http://127.0.0.1:9901`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// A Unix domain socket.
    Unix(PathBuf),
    /// A TCP port.
    Tcp {
        /// A name, or an IP address without brackets.
        host: String,
        /// From 1 on.
        port: u16,
    },
}

/// Text that is no [`Address`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address of a balancer's admin interface: write /PATH/OF/SOCKET or HOST:PORT")]
pub struct NoAddress(String);

impl Address {
    /// A TCP port.
    pub fn tcp(host: impl Into<String>, port: u16) -> Self {
        let host = host.into();
        Self::Tcp { host, port }
    }
}

impl FromStr for Address {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let wrong = || NoAddress(text.to_owned());
        let path = text.strip_prefix("unix:").unwrap_or(text);
        let path = path
            .strip_prefix("//")
            .filter(|path| path.starts_with('/'))
            .unwrap_or(path);
        if path.starts_with('/') {
            return Ok(Self::Unix(PathBuf::from(path)));
        }
        let schemes = ["tcp://", "http://"];
        let rest = schemes.iter().find_map(|scheme| text.strip_prefix(scheme));
        let rest = rest.map_or(text, |rest| rest.trim_end_matches('/'));
        let (host, port) = rest.rsplit_once(':').ok_or_else(wrong)?;
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let plain = |host: &str| !host.is_empty() && !host.contains([':', '/', '[', ']', '@', ' ']);
        let port: u16 = port.parse().or(Err(wrong()))?;
        match bare {
            Some(bare) if bare.parse::<std::net::Ipv6Addr>().is_ok() && port > 0 => {
                Ok(Self::tcp(bare, port))
            }
            None if plain(host) && port > 0 => Ok(Self::tcp(host, port)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "{}", path.display()),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        let unix = || Ok(Address::Unix("/run/a.sock".into()));
        for (text, expected) in [
            ("/run/a.sock", unix()),
            ("unix:/run/a.sock", unix()),
            ("unix:///run/a.sock", unix()),
            ("127.0.0.1:9901", Ok(Address::tcp("127.0.0.1", 9901))),
            ("tcp://lb-1:9999", Ok(Address::tcp("lb-1", 9999))),
            ("http://[::1]:9901/", Ok(Address::tcp("::1", 9901))),
        ] {
            assert_eq!(text.parse(), expected, "{text}");
        }
        for wrong in [
            "",
            "lb-1",
            "lb-1:0",
            ":80",
            "::1:80",
            "https://a:1",
            "a:1/stats",
            "[x]:1",
            "run/a.sock",
        ] {
            assert_eq!(
                wrong.parse::<Address>(),
                Err(NoAddress(wrong.to_owned())),
                "{wrong}"
            );
        }
        assert_eq!(Address::tcp("::1", 80).to_string(), "[::1]:80");
    }
}
