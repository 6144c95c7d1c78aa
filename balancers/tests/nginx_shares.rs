//! Expected shares against nginx itself: the same configuration is read here and run there, thousands of keys are sent
//! through it, and who answered is counted.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on must fail"
)]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use evenkeel_balancers::shares::{NginxRing, Slot, crc32, nginx_ip_hash_of};
use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{Options, Product, read};
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::parts::require;
use evenkeel_lab::process::Process;
use evenkeel_lab::wait::wait_for;

/// How many requests are sent.
const REQUESTS: u64 = 6000;

/// The configuration: an upstream, and servers that answer with their number.
fn config(method: &str, servers: &[&str], folder: &Path) -> String {
    let mut text = String::from("worker_processes 1;\ndaemon off;\n");
    let folder = folder.display();
    writeln!(
        text,
        "pid {folder}/pid;\nevents {{}}\nhttp {{\naccess_log off;\nkeepalive_requests 1000000;"
    )
    .unwrap();
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        writeln!(text, "{kind}_temp_path {folder}/{kind};").unwrap();
    }
    writeln!(text, "upstream pool {{\n{method}").unwrap();
    for (index, server) in servers.iter().enumerate() {
        writeln!(text, "server 127.0.0.1:{} {server};", 8000 + index).unwrap();
    }
    writeln!(text, "}}").unwrap();
    for index in 0..servers.len() {
        writeln!(
            text,
            "server {{ listen 127.0.0.1:{}; return 200 {index}; }}",
            8000 + index
        )
        .unwrap();
    }
    text.push_str(
        "server { listen 127.0.0.1:80; set_real_ip_from 127.0.0.1; real_ip_header X-Client;\n",
    );
    text.push_str("location / { proxy_pass http://pool; } }\n}\n");
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
    expected: Vec<f64>,
    answers: Vec<usize>,
}

/// Reads a configuration, runs nginx with it, and sends requests.
fn run(method: &str, servers: &[&str]) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    let text = config(method, servers, folder.path());
    let files = MemoryFiles::new().with("nginx.conf", text.clone());
    let read = read(
        Product::Nginx,
        &files,
        Path::new("nginx.conf"),
        &Options::default(),
    )
    .unwrap();
    let expected = read.pools[0].shares.exact().unwrap();

    let path = folder.path().join("nginx.conf");
    std::fs::write(&path, text).unwrap();
    let namespace = Namespace::create("shares").unwrap();
    let mut command = Command::new(require("nginx").unwrap());
    command.args(["-e", "stderr", "-c"]).arg(&path);
    let mut nginx = Process::spawn(&namespace, "nginx", &mut command).unwrap();
    let answers = namespace.enter(|| {
        let stream = wait_for(Duration::from_secs(20), "nginx to listen", || {
            nginx.check()?;
            Ok(TcpStream::connect("127.0.0.1:80").ok())
        });
        ask(stream.unwrap())
    });
    Seen {
        expected,
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
    body.parse().unwrap_or_else(|_| panic!("{status}{body}"))
}

impl Seen {
    fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.expected.len()];
        for answer in &self.answers {
            counts[*answer] += 1;
        }
        counts
    }

    /// Pearson's statistic against its mean (the degrees of freedom) and five standard deviations more. Servers that are
    /// expected to get nothing must have got nothing.
    fn fits(&self) {
        let mut statistic = 0.0;
        let mut classes = 0.0;
        for (count, share) in self.counts().into_iter().zip(&self.expected) {
            let expected = share * REQUESTS as f64;
            if expected < 1e-6 {
                assert_eq!(count, 0, "{:?} {:?}", self.counts(), self.expected);
                continue;
            }
            classes += 1.0;
            statistic += (count as f64 - expected).powi(2) / expected;
        }
        let freedom: f64 = classes - 1.0;
        let most = freedom + 5.0 * (2.0 * freedom).sqrt();
        assert!(
            statistic <= most,
            "{statistic} > {most}: {:?} {:?}",
            self.counts(),
            self.expected
        );
    }
}

#[test]
fn rotation_is_by_weight_to_the_request() {
    let seen = run("", &["weight=5", "", "weight=2", "down", "backup"]);
    for (count, share) in seen.counts().into_iter().zip(&seen.expected) {
        assert!(
            (count as f64 - share * REQUESTS as f64).abs() <= 1.0,
            "{:?}",
            seen.counts()
        );
    }
}

#[test]
fn random_is_by_weight() {
    run("random;", &["weight=5", "", "weight=2", "down"]).fits();
}

#[test]
fn ip_hash_has_slots() {
    let weights = [5000, 3000, 2000];
    let seen = run("ip_hash;", &["weight=5000", "weight=3000", "weight=2000"]);
    seen.fits();
    for (number, answer) in (0..).zip(&seen.answers) {
        let [a, b, c, _] = key(number).1.octets();
        let mut slot = nginx_ip_hash_of([a, b, c]) % 10_000;
        let server = weights.iter().position(|weight| {
            let here = slot < *weight;
            slot = slot.saturating_sub(*weight);
            here
        });
        assert_eq!(server, Some(*answer), "request {number}");
    }
}

#[test]
fn ip_hash_passes_on_what_falls_to_a_server_that_is_down() {
    run("ip_hash;", &["weight=2", "down weight=3", "", "weight=2"]).fits();
}

#[test]
fn hash_has_slots() {
    let seen = run("hash $arg_k;", &["weight=3", "", "weight=2"]);
    seen.fits();
    for (number, answer) in (0..).zip(&seen.answers) {
        let slot = ((crc32(key(number).0.as_bytes()) >> 16) & 0x7fff) % 6;
        assert_eq!(
            *answer,
            [0, 0, 0, 1, 2, 2][slot as usize],
            "request {number}"
        );
    }
    run("hash $arg_k;", &["weight=20000", "weight=20000"]).fits();
    run("hash $arg_k;", &["weight=3", "down weight=4", "weight=2"]).fits();
}

#[test]
fn consistent_hash_is_a_ring() {
    let seen = run(
        "hash $arg_k consistent;",
        &["", "", "weight=2", "weight=10"],
    );
    seen.fits();
    let names: Vec<String> = (8000..8004)
        .map(|port| format!("127.0.0.1:{port}"))
        .collect();
    let slot = |weight| Slot { weight, live: true };
    let servers = names
        .iter()
        .map(String::as_str)
        .zip([1, 1, 2, 10].map(slot));
    let ring = NginxRing::new(&servers.collect::<Vec<_>>(), 1 << 20).unwrap();
    for (number, answer) in (0..).zip(&seen.answers) {
        let server = ring.server_of(key(number).0.as_bytes());
        assert_eq!(server, Some(*answer), "request {number}");
    }
    run(
        "hash $arg_k consistent;",
        &["", "down weight=3", "weight=2"],
    )
    .fits();
}
