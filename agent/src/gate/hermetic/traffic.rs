//! Traffic of the gate's own: requests that differ in all that a balancer may choose by.

use std::fmt::Write as _;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio::task::JoinSet;

/// Requests under way at once.
const AT_ONCE: u64 = 16;
/// How long one may take: no backend is slow here.
const PATIENCE: Duration = Duration::from_secs(10);

/// What each request carries.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    /// Arguments, cookies and headers whose values differ from request to request, by the names in variables.
    pub(super) arguments: Vec<String>,
    pub(super) cookies: Vec<String>,
    pub(super) headers: Vec<String>,
    /// Whether the host that they ask for differs as well.
    pub(super) hosts: bool,
}

impl Keys {
    /// Takes in others; each name stands once.
    pub(super) fn add(&mut self, other: Self) {
        for (all, more) in [
            (&mut self.arguments, other.arguments),
            (&mut self.cookies, other.cookies),
            (&mut self.headers, other.headers),
        ] {
            all.extend(more);
            all.sort();
            all.dedup();
        }
        self.hosts |= other.hosts;
    }
}

/// What came of a number of requests.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent {
    pub(super) answered: u64,
    /// Those that were not answered with 200, and what one of them got.
    pub(super) failed: u64,
    pub(super) example: Option<String>,
}

impl Sent {
    pub(super) fn add(&mut self, other: Self) {
        self.answered += other.answered;
        self.failed += other.failed;
        self.example = self.example.take().or(other.example);
    }
}

/// Sends the requests of these numbers to `entry`, each over a connection of its own.
pub(super) async fn send(
    entry: SocketAddr,
    numbers: std::ops::Range<u64>,
    keys: &Arc<Keys>,
) -> Sent {
    let next = Arc::new(AtomicU64::new(numbers.start));
    let mut tasks = JoinSet::new();
    for _ in 0..AT_ONCE.min(numbers.end - numbers.start) {
        let (next, keys, end) = (Arc::clone(&next), Arc::clone(keys), numbers.end);
        tasks.spawn(async move {
            let mut sent = Sent::default();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= end {
                    return sent;
                }
                sent.add(one(entry, number, &keys).await);
            }
        });
    }
    let mut all = Sent::default();
    while let Some(sent) = tasks.join_next().await {
        all.add(sent.unwrap_or_default());
    }
    all
}

async fn one(entry: SocketAddr, number: u64, keys: &Keys) -> Sent {
    let answer = tokio::time::timeout(PATIENCE, ask(entry, number, keys)).await;
    let example = match answer {
        Ok(Ok(answer)) if answer.contains(" 200 ") => {
            return Sent {
                answered: 1,
                ..Sent::default()
            };
        }
        Ok(Ok(answer)) if answer.is_empty() => {
            "the connection was closed without an answer".to_owned()
        }
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
    };
    Sent {
        failed: 1,
        example: Some(example),
        ..Sent::default()
    }
}

/// Gives the first line of the answer.
async fn ask(entry: SocketAddr, number: u64, keys: &Keys) -> io::Result<String> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(source(number))?;
    let mut stream = socket.connect(entry).await?;
    stream.write_all(request(number, keys).as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let text = String::from_utf8_lossy(&answer);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// A client's address in 127.0.0.0/8. nginx' `ip_hash` takes of it `(113 * second + third) % 6271`, and a constant: the second
/// and third octets are such that each of its values is as frequent as any other.
fn source(number: u64) -> SocketAddr {
    let bits = mixed(number);
    let value = bits % (4 * 6271);
    let octet = |value: u64| u8::try_from(value).unwrap_or(u8::MAX);
    let ip = Ipv4Addr::new(
        127,
        octet(1 + value / 113),
        octet(value % 113),
        octet(1 + (bits >> 32) % 254),
    );
    SocketAddr::from((ip, 0))
}

fn request(number: u64, keys: &Keys) -> String {
    let value = mixed(number ^ 0x5bd1_e995);
    let mut text = format!("GET /{value:x}");
    let mut separator = '?';
    // A String takes anything.
    let mut put = |arguments: std::fmt::Arguments<'_>| {
        let written = text.write_fmt(arguments);
        debug_assert!(written.is_ok());
    };
    for name in &keys.arguments {
        put(format_args!("{separator}{name}={value:x}"));
        separator = '&';
    }
    put(format_args!(" HTTP/1.1\r\nHost: "));
    if keys.hosts {
        put(format_args!("{value:x}."));
    }
    put(format_args!("gate.invalid\r\nConnection: close\r\n"));
    for (index, name) in keys.cookies.iter().enumerate() {
        let begin = if index == 0 { "Cookie: " } else { "; " };
        put(format_args!("{begin}{name}={value:x}"));
    }
    if !keys.cookies.is_empty() {
        put(format_args!("\r\n"));
    }
    for name in &keys.headers {
        put(format_args!("{}: {value:x}\r\n", name.replace('_', "-")));
    }
    put(format_args!("\r\n"));
    text
}

/// Numbers that look random and are the same each time. (Steele, Lea, Flood, "Fast splittable pseudorandom number
/// generators", 2014.)
fn mixed(number: u64) -> u64 {
    let mut z = number
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_differ_in_all_that_is_chosen_by() {
        let keys = Keys {
            arguments: vec!["user".to_owned(), "id".to_owned()],
            cookies: vec!["session".to_owned()],
            headers: vec!["x_tenant".to_owned()],
            hosts: true,
        };
        let (one, two) = (request(1, &keys), request(2, &keys));
        for (one, two) in one.lines().zip(two.lines()) {
            let differs = ["GET", "Host", "Cookie", "x-tenant"]
                .iter()
                .any(|begin| one.starts_with(begin));
            assert_eq!(one != two, differs, "{one}");
        }
        assert!(one.contains("?user=") && one.contains("&id=") && one.ends_with("\r\n\r\n"));
        let sources: std::collections::BTreeSet<SocketAddr> = (0..1000).map(source).collect();
        assert!(sources.len() > 990);
        assert!(sources.iter().all(|address| address.ip().is_loopback()));
        // Of ip_hash' values, all quarters are met equally.
        let mut quarters = [0.0; 4];
        for number in 0..10_000 {
            let SocketAddr::V4(address) = source(number) else {
                panic!("{number}");
            };
            let [_, second, third, _] = address.ip().octets();
            let value = (113 * usize::from(second) + usize::from(third)) % 6271;
            quarters[value * 4 / 6271] += 1.0;
        }
        let even = |count: &f64| (count / 2500.0 - 1.0).abs() < 0.07;
        assert!(quarters.iter().all(even), "{quarters:?}");
    }
}
