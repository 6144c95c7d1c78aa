//! Expected shares against `HAProxy` itself: the same configuration is read here and run there, thousands of keys are sent
//! through it, and who answered is counted.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use evenkeel_balancers::model::{Basis, Share, Shares};
use evenkeel_balancers::shares::{HaproxyRing, Slot, haproxy_full_hash, haproxy_sdbm};
use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{Options, Product, read};
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::parts::require;
use evenkeel_lab::process::Process;
use evenkeel_lab::wait::wait_for;

/// How many requests are sent; eight divides it.
const REQUESTS: u64 = 6000;

/// The configuration: a backend, and servers that answer with their number.
fn config(method: &str, servers: &[&str]) -> String {
    let mut text = String::from(
        "global\n nbthread 1\ndefaults\n mode http\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n",
    );
    text.push_str("frontend web\n bind 127.0.0.1:80\n http-request set-src req.hdr(x-client)\n default_backend pool\n");
    writeln!(text, "backend pool\n {method}").unwrap();
    for (index, server) in servers.iter().enumerate() {
        writeln!(text, " server s{index} 127.0.0.1:{} {server}", 8000 + index).unwrap();
    }
    for index in 0..servers.len() {
        let port = 8000 + index;
        writeln!(text, "frontend f{index}\n bind 127.0.0.1:{port}\n http-request return status 200 content-type text/plain string {index}").unwrap();
    }
    text
}

/// A key of the request with this number: its path's argument, and its client's address. Mixed by `splitmix64`.
fn key(number: u64) -> (String, Ipv4Addr) {
    let mut mixed = number
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(0x1234_5678);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    let [.., a, b, c, d] = mixed.to_be_bytes();
    (format!("{mixed:x}"), Ipv4Addr::new(a, b, c, d))
}

/// What was expected, and who answered each request.
struct Seen {
    expected: Shares,
    answers: Vec<usize>,
}

/// Reads a configuration, runs `HAProxy` with it, and sends requests.
fn run(method: &str, servers: &[&str]) -> Seen {
    let text = config(method, servers);
    let files = MemoryFiles::new().with("haproxy.cfg", text.clone());
    let path = Path::new("haproxy.cfg");
    let read = read(Product::Haproxy, &files, path, &Options::default()).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("haproxy.cfg");
    std::fs::write(&path, text).unwrap();
    let namespace = Namespace::create("shares").unwrap();
    let mut command = Command::new(require("haproxy").unwrap());
    command.args(["-db", "-f"]).arg(&path);
    let mut haproxy = Process::spawn(&namespace, "haproxy", &mut command).unwrap();
    let answers = namespace.enter(|| {
        let stream = wait_for(Duration::from_secs(20), "HAProxy to listen", || {
            haproxy.check()?;
            Ok(TcpStream::connect("127.0.0.1:80").ok())
        });
        ask(stream.unwrap())
    });
    Seen {
        expected: read.pools[0].shares.clone(),
        answers: answers.unwrap(),
    }
}

/// Sends all requests over one connection.
fn ask(stream: TcpStream) -> Vec<usize> {
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    let request = |number: u64| {
        let (key, client) = key(number);
        let request = format!("GET /?k={key} HTTP/1.1\r\nHost: x\r\nX-Client: {client}\r\n\r\n");
        writer.write_all(request.as_bytes()).unwrap();
        answer(&mut reader)
    };
    (0..REQUESTS).map(request).collect()
}

fn answer(reader: &mut BufReader<TcpStream>) -> usize {
    let (mut length, mut status) = (0, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if status.is_empty() {
            status.clone_from(&line);
        }
        let header = line.to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    let number = body.parse();
    assert!(number.is_ok(), "{status}{body}");
    number.unwrap()
}

impl Seen {
    fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.expected.servers.len()];
        for answer in &self.answers {
            counts[*answer] += 1;
        }
        counts
    }

    /// Every server got what was expected, up to `most` requests.
    fn is_within(&self, most: f64) {
        let shares = self.expected.exact().unwrap();
        for (count, share) in self.counts().into_iter().zip(&shares) {
            let off = (count as f64 - share * REQUESTS as f64).abs();
            assert!(off <= most, "{:?} {shares:?}", self.counts());
        }
    }

    /// Every server got what was expected within seven standard deviations of chance: wrong once in 10^11 times. What is
    /// expected to get nothing got nothing.
    fn fits(&self) {
        for (count, share) in self.counts().into_iter().zip(&self.expected.servers) {
            let (low, high) = bounds(*share);
            let count = count as f64;
            assert!(
                low <= count && count <= high,
                "{:?} {:?}",
                self.counts(),
                self.expected
            );
        }
    }
}

fn bounds(share: Share) -> (f64, f64) {
    let requests = REQUESTS as f64;
    let chance = |share: f64| 7.0 * (requests * share * (1.0 - share)).sqrt();
    let (low, high) = (share.low(), share.high());
    (
        requests * low - chance(low) - 1e-6,
        requests * high + chance(high) + 1e-6,
    )
}

#[test]
fn rotation_is_by_weight_to_the_request() {
    let servers = ["weight 5", "", "weight 2", "disabled", "weight 0", "backup"];
    for method in ["balance roundrobin", "balance static-rr", ""] {
        run(method, &servers).is_within(1.0);
    }
}

#[test]
fn backups_take_over_one_or_all() {
    let servers = ["disabled", "backup weight 3", "backup"];
    let one = run("balance roundrobin", &servers);
    assert_eq!(one.counts(), [0, REQUESTS, 0]);
    one.is_within(0.0);
    run("balance roundrobin\n option allbackups", &servers).is_within(1.0);
}

#[test]
fn the_first_takes_all() {
    let servers = ["id 3", "id 1 disabled", "id 2", "id 4"];
    let seen = run("balance first", &servers);
    assert_eq!(seen.counts(), [0, 0, REQUESTS, 0]);
    seen.is_within(0.0);
}

#[test]
fn maps_are_by_weight() {
    let servers = ["weight 4", "disabled weight 9", "weight 2", "weight 10"];
    for function in [
        "",
        "hash-type map-based wt6",
        "hash-type map-based djb2 avalanche",
    ] {
        run(&format!("balance url_param k\n {function}"), &servers).fits();
    }
    run("balance source", &servers).fits();
}

/// The servers of the next tests, and their ring.
const RINGED: [&str; 5] = ["", "", "weight 2 id 40", "disabled weight 3", "weight 10"];

fn ring() -> HaproxyRing {
    let slot = |weight, live| Slot { weight, live };
    let servers = [
        (1, slot(1, true)),
        (2, slot(1, true)),
        (40, slot(2, true)),
        (4, slot(3, false)),
        (5, slot(10, true)),
    ];
    HaproxyRing::new(&servers, 1 << 20).unwrap()
}

#[test]
fn consistent_hashes_are_a_ring() {
    let seen = run("balance url_param k\n hash-type consistent", &RINGED);
    seen.fits();
    assert_eq!(seen.expected.exact().unwrap(), ring().shares());
    for (number, answer) in (0..).zip(&seen.answers) {
        let hash = haproxy_full_hash(haproxy_sdbm(key(number).0.as_bytes()));
        assert_eq!(ring().server_of(hash), Some(*answer), "request {number}");
    }
}

#[test]
fn addresses_are_on_the_ring_too() {
    let seen = run("balance source\n hash-type consistent", &RINGED);
    seen.fits();
    for (number, answer) in (0..).zip(&seen.answers) {
        let hash = haproxy_full_hash(key(number).1.to_bits());
        assert_eq!(ring().server_of(hash), Some(*answer), "request {number}");
    }
}

#[test]
fn random_draws_on_the_ring() {
    let one = run("balance random(1)", &RINGED);
    assert_eq!(one.expected.exact().unwrap(), ring().shares());
    one.fits();
    // While servers are idle the ring decides; the bounds have room for the weights.
    let two = run("balance random", &RINGED);
    two.fits();
    let idle = Seen {
        expected: one.expected,
        ..two
    };
    idle.fits();
}

/// Among servers without connections leastconn goes in turn, whatever their weights.
#[test]
fn leastconn_ignores_weights_while_servers_are_idle() {
    let seen = run("balance leastconn", &["weight 10", "weight 10", ""]);
    let counts = seen.counts();
    let third = REQUESTS / 3;
    assert!(
        counts.iter().all(|count| count.abs_diff(third) <= 1),
        "{counts:?}"
    );
    // What is expected is the part of requests in progress.
    assert_eq!(seen.expected.of, Basis::InProgress);
}
