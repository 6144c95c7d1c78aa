//! Requests through a real balancer in a network namespace of its own, and who answered them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;
use std::time::Duration;

use evenkeel_balancers::model::{Share, Shares};
use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{Configuration, Options, Product, read};
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::process::Process;
use evenkeel_lab::wait::wait_for;
use tempfile::TempDir;

/// How many requests are sent; eight divides it.
pub(crate) const REQUESTS: u64 = 6000;

/// A configuration that is read here and run by its product.
pub(crate) struct Written {
    pub(crate) text: String,
    pub(crate) folder: TempDir,
    pub(crate) name: &'static str,
}

impl Written {
    /// Writes a text into a folder.
    pub(crate) fn new(folder: TempDir, name: &'static str, text: String) -> Self {
        std::fs::write(folder.path().join(name), &text).unwrap();
        Self { text, folder, name }
    }

    /// What it means.
    pub(crate) fn read(&self, product: Product) -> Configuration {
        let files = MemoryFiles::new().with(self.name, self.text.clone());
        let read = read(product, &files, self.name.as_ref(), &Options::default());
        read.unwrap_or_else(|error| panic!("{error}\n{}", self.text))
    }

    /// Sends all requests through the balancer that `command` starts with this file as its last argument, over one connection
    /// to a port of 127.0.0.1.
    pub(crate) fn ask(&self, mut command: Command, port: u16) -> Vec<usize> {
        command.arg(self.folder.path().join(self.name));
        let namespace = Namespace::create("shares").unwrap();
        let mut balancer = Process::spawn(&namespace, "balancer", &mut command).unwrap();
        let answers = namespace.enter(|| {
            let stream = wait_for(Duration::from_secs(60), "the balancer to listen", || {
                balancer.check()?;
                Ok(TcpStream::connect(("127.0.0.1", port)).ok())
            });
            ask(stream.unwrap())
        });
        answers.unwrap()
    }
}

/// What the first pool's servers should get, and which of them answered each request.
pub(crate) struct Seen {
    pub(crate) expected: Shares,
    pub(crate) answers: Vec<usize>,
}

impl Seen {
    /// How often each server answered.
    pub(crate) fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.expected.servers.len()];
        for answer in &self.answers {
            counts[*answer] += 1;
        }
        counts
    }

    /// What is expected, where all is known.
    pub(crate) fn exact(&self) -> Vec<f64> {
        self.expected.exact().unwrap()
    }

    /// Every server got what was expected, up to `most` requests.
    pub(crate) fn is_within(&self, most: f64) {
        let shares = self.exact();
        for (count, share) in self.counts().into_iter().zip(&shares) {
            let off = (count as f64 - share * REQUESTS as f64).abs();
            assert!(off <= most, "{:?} {shares:?}", self.counts());
        }
    }

    /// Every server got what was expected within five standard deviations of chance: wrong once in two million times. What is
    /// expected to get nothing got nothing.
    pub(crate) fn fits(&self) {
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

    /// Every request was answered by the server that is computed for its number.
    pub(crate) fn each(&self, server_of: impl Fn(u64) -> Option<usize>) {
        for (number, answer) in (0..).zip(&self.answers) {
            assert_eq!(server_of(number), Some(*answer), "request {number}");
        }
    }
}

fn bounds(share: Share) -> (f64, f64) {
    let requests = REQUESTS as f64;
    let chance = |share: f64| 5.0 * (requests * share * (1.0 - share)).sqrt();
    let (low, high) = (share.low(), share.high());
    (
        requests * low - chance(low) - 1e-6,
        requests * high + chance(high) + 1e-6,
    )
}

/// The key of the request with this number: argument `k` of its path and header `X-Key`.
pub(crate) fn key(number: u64) -> String {
    format!("{:x}", mixed(number))
}

/// The client of the request with this number, in the header `X-Client`.
pub(crate) fn client(number: u64) -> Ipv4Addr {
    let [.., a, b, c, d] = mixed(number).to_be_bytes();
    Ipv4Addr::new(a, b, c, d)
}

/// A number, mixed by `splitmix64`.
fn mixed(number: u64) -> u64 {
    let mut mixed = number
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(0x1234_5678);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn ask(stream: TcpStream) -> Vec<usize> {
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    let request = |number: u64| {
        let (key, client) = (key(number), client(number));
        let request = format!(
            "GET /?k={key} HTTP/1.1\r\nHost: x\r\nX-Key: {key}\r\nX-Client: {client}\r\n\r\n"
        );
        writer.write_all(request.as_bytes()).unwrap();
        answer(&mut reader)
    };
    (0..REQUESTS).map(request).collect()
}

/// The number that a server answers with: its own.
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
