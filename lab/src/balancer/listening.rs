//! Who listens on an address, found without a connection that would be balanced and counted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Context as _, Result};

use crate::netns::Namespace;

/// The state `TCP_LISTEN` as the kernel's tables have it.
const LISTEN: &str = "0A";

/// How many listeners the kernel's socket tables of the namespace have for an address.
pub(super) fn listeners(namespace: &Namespace, address: SocketAddr) -> Result<usize> {
    let table = if address.is_ipv4() {
        "/proc/thread-self/net/tcp"
    } else {
        "/proc/thread-self/net/tcp6"
    };
    let text = namespace
        .enter(|| std::fs::read_to_string(table))?
        .with_context(|| format!("cannot read {table}"))?;
    Ok(text
        .lines()
        .skip(1)
        .filter(|line| listener(line) == Some(address))
        .count())
}

/// The local address in a line of `/proc/net/tcp`, if it is a listener's.
fn listener(line: &str) -> Option<SocketAddr> {
    let mut columns = line.split_whitespace().skip(1);
    let (ip, port) = columns.next()?.split_once(':')?;
    (columns.nth(1)? == LISTEN).then_some(())?;
    // Each word of 32 bits is printed as a number of this machine, although it is in network order.
    let words = (0..ip.len())
        .step_by(8)
        .map(|at| u32::from_str_radix(ip.get(at..at + 8)?, 16).ok());
    let bytes: Vec<u8> = words
        .collect::<Option<Vec<_>>>()?
        .into_iter()
        .flat_map(u32::to_ne_bytes)
        .collect();
    let v4 = <[u8; 4]>::try_from(&bytes[..]).map(|bytes| IpAddr::V4(Ipv4Addr::from(bytes)));
    let ip = v4
        .or_else(|_| {
            <[u8; 16]>::try_from(&bytes[..]).map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes)))
        })
        .ok()?;
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::listeners;
    use crate::netns::Namespace;

    #[test]
    fn listeners_are_seen_while_they_listen() {
        for any in ["127.0.0.1:0", "[::1]:0"] {
            let listener = TcpListener::bind(any).unwrap();
            let address = listener.local_addr().unwrap();
            assert_eq!(listeners(&Namespace::current(), address).unwrap(), 1);
            drop(listener);
            assert_eq!(listeners(&Namespace::current(), address).unwrap(), 0);
        }
    }
}
