//! Where a proxied request goes: `http://host:port/path`, `balancer://name/`, `unix:/path|http://host/`.

use crate::model::{Address, Target};

/// A URL, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    /// In lower case.
    pub(super) scheme: String,
    pub(super) address: Address,
    /// What httpd knows its worker by: scheme and host in lower case, without the scheme's own port.
    pub(super) worker: String,
    /// The URL as written, scheme and host in lower case; and how much of it is not the path.
    pub(super) lower: String,
    pub(super) authority: usize,
}

/// The name of a balancer, in lower case, if a URL is one.
pub(super) fn balancer(text: &str) -> Option<String> {
    const PREFIX: &str = "balancer://";
    let text = text.strip_prefix("proxy:").unwrap_or(text);
    let start = text.get(..PREFIX.len())?;
    let name = text[PREFIX.len()..].split(['/', '?']).next()?;
    let is = start.eq_ignore_ascii_case(PREFIX) && !name.is_empty();
    is.then(|| name.to_ascii_lowercase())
}

impl Url {
    /// Takes a URL apart; `None` if it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some((path, rest)) = text
            .strip_prefix("unix:")
            .and_then(|rest| rest.split_once('|'))
        {
            let mut url = Self::parse(rest)?;
            url.address = Address {
                written: text.to_owned(),
                target: Target::Unix(path.to_owned()),
            };
            url.worker = format!("unix:{path}|{}", url.worker);
            url.lower = format!("unix:{path}|{}", url.lower);
            url.authority += "unix:|".len() + path.len();
            return Some(url);
        }
        let (scheme, rest) = text.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let host = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        let lower = host.to_ascii_lowercase();
        let port = default_port(&scheme);
        let own = port.and_then(|port| lower.strip_suffix(&format!(":{port}")));
        Some(Self {
            worker: format!("{scheme}://{}{path}", own.unwrap_or(&lower)),
            lower: format!("{scheme}://{lower}{path}"),
            authority: scheme.len() + "://".len() + lower.len(),
            address: Address {
                written: text.to_owned(),
                target: Address::parse(host, port).target,
            },
            scheme,
        })
    }
}

/// `ap_proxy_port_of_scheme` in httpd's `modules/proxy/proxy_util.c`.
fn default_port(scheme: &str) -> Option<u16> {
    Some(match scheme {
        "http" | "ws" | "h2c" => 80,
        "https" | "wss" | "h2" => 443,
        "ajp" => 8009,
        "fcgi" => 8000,
        "scgi" => 4000,
        "uwsgi" => 3031,
        "ftp" => 21,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let target = |text| Url::parse(text).unwrap().address.target;
        let ip = |text: &str| Target::Ip(text.parse().unwrap());
        assert_eq!(target("http://192.0.2.1"), ip("192.0.2.1:80"));
        assert_eq!(target("ajp://192.0.2.1/app"), ip("192.0.2.1:8009"));
        assert_eq!(target("HTTPS://[2001:db8::1]"), ip("[2001:db8::1]:443"));
        assert_eq!(
            target("unix:/run/app.sock|http://app/"),
            Target::Unix("/run/app.sock".to_owned())
        );
        assert_eq!(target("http://${HOST}:80"), Target::Unknown);
        assert_eq!(Url::parse("192.0.2.1:80"), None);
        assert_eq!(balancer("Balancer://Shop/x").as_deref(), Some("shop"));
        assert_eq!(balancer("balancer://"), None);
    }
}
