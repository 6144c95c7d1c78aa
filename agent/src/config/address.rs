//! Addresses as users write them, and what is wrong with those that are none.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::problems::quote;
use crate::model::canonical;

/// Why an address cannot be used, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) help: String,
}

impl Fault {
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: help.into(),
        }
    }
}

/// An address to listen on; port 0 lets the kernel choose.
pub(super) fn listen(text: &str) -> Result<SocketAddr, Fault> {
    text.parse().map_err(|_unparsed| {
        let port = text.trim_start_matches(|char: char| !char.is_ascii_digit());
        let port = port.parse::<u16>().unwrap_or(9797);
        let message = if text.starts_with(':') || text.parse::<u16>().is_ok() {
            format!("{} has no address", quote(text))
        } else {
            format!("{} is not an IP address and a port", quote(text))
        };
        Fault::new(
            message,
            format!("write `127.0.0.1:{port}` for this host alone, or \"[::]:{port}\" with quotes for all addresses"),
        )
    })
}

/// The address and port of a backend, in canonical form.
pub(super) fn backend(text: &str) -> Result<SocketAddr, Fault> {
    let address: SocketAddr = text.parse().map_err(|_unparsed| diagnose(text))?;
    if address.port() == 0 {
        return Err(Fault::new(
            "no backend serves on port 0",
            "write the port that the backend listens on",
        ));
    }
    if matches!(address, SocketAddr::V6(v6) if v6.scope_id() != 0) {
        return Err(Fault::new(
            format!("{} names an interface", quote(text)),
            format!(
                "connections are counted by address alone: write `\"{}\"`",
                canonical(address)
            ),
        ));
    }
    let address = canonical(address);
    match address.ip() {
        ip if ip.is_unspecified() => Err(Fault::new(
            format!(
                "{ip} stands for every address of a host, so no connection is ever seen with it"
            ),
            "write the address that clients connect to",
        )),
        ip if ip.is_multicast() || ip == IpAddr::from([255; 4]) => Err(Fault::new(
            format!("{ip} is a group of hosts, and a TCP connection has one"),
            "write the address of each backend",
        )),
        _ => Ok(address),
    }
}

/// Why `text` is no `IP:port`.
fn diagnose(text: &str) -> Fault {
    if text.contains("://") {
        let rest = text.split_once("://").map_or("", |(_, rest)| rest);
        let bare = rest.split('/').next().unwrap_or_default();
        return Fault::new(
            format!("{} is a URL, not an IP address and a port", quote(text)),
            format!("leave out the scheme and the path: {}", quote(bare)),
        );
    }
    if let Ok(ip) = unbracketed(text).parse::<Ipv6Addr>() {
        return Fault::new(
            format!("{} has no port", quote(text)),
            format!(
                "put the address in brackets, the port behind it, and quotes around both: `\"[{ip}]:8080\"`"
            ),
        );
    }
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    let is_address = unbracketed(host).parse::<IpAddr>().is_ok();
    if is_address && port.is_empty() {
        return Fault::new(
            format!("{} has no port", quote(text)),
            format!("add the port that the backend listens on: `{host}:8080`"),
        );
    }
    if is_address {
        return Fault::new(
            format!("{} is not a port", quote(port)),
            "a port is a number from 1 to 65535",
        );
    }
    if is_host_name(host) && port.chars().all(|char| char.is_ascii_digit()) {
        return Fault::new(
            format!(
                "{} is a host name, and an IP address is needed",
                quote(host)
            ),
            "write the addresses that it stands for, one backend each: the balancer may resolve the name differently",
        );
    }
    Fault::new(
        format!("{} is not an IP address and a port", quote(text)),
        "write `10.0.0.11:8080`, or \"[2001:db8::11]:8080\" with quotes",
    )
}

/// The text without the brackets of an IPv6 address.
fn unbracketed(text: &str) -> &str {
    text.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text)
}

/// Whether it could be a name in DNS rather than a slip in an IP address.
pub(super) fn is_host_name(host: &str) -> bool {
    let allowed = |char: char| char.is_ascii_alphanumeric() || "-._".contains(char);
    host.chars().all(allowed) && host.chars().any(|char| char.is_ascii_alphabetic())
}
