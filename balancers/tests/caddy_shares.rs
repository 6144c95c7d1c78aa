//! Expected shares against Caddy itself: the same configuration is read here and run there, requests are sent through each
//! of its handlers, and who answered is counted.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on must fail"
)]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use evenkeel_balancers::shares::caddy_weighted;
use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{Options, Product, read};
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::parts::caddy;
use evenkeel_lab::process::Process;
use evenkeel_lab::wait::wait_for;
use twox_hash::XxHash64;

/// How many requests are sent through each handler.
const REQUESTS: u64 = 2000;
/// How many backends answer; nothing listens where one more would be.
const BACKENDS: usize = 4;

/// A handler: the backends in its list, its policy, and other fields.
struct Case {
    backends: &'static [usize],
    policy: &'static str,
    more: &'static str,
}

const fn case(backends: &'static [usize], policy: &'static str) -> Case {
    Case {
        backends,
        policy,
        more: "",
    }
}

fn dial(backend: usize) -> String {
    format!("127.0.0.1:{}", 8000 + backend)
}

/// A server per handler, from port 9000 on, and one per backend, which answers with its number.
fn config(cases: &[Case]) -> String {
    let mut servers = String::new();
    for (index, case) in cases.iter().enumerate() {
        let upstreams: Vec<String> = case
            .backends
            .iter()
            .map(|backend| format!(r#"{{"dial": "{}"}}"#, dial(*backend)))
            .collect();
        let (policy, more, upstreams) = (case.policy, case.more, upstreams.join(", "));
        writeln!(
            servers,
            r#""case-{index}": {{"listen": ["127.0.0.1:{}"], "automatic_https": {{"disable": true}}, "routes": [{{"handle": [
                {{"handler": "reverse_proxy", {more} "load_balancing": {{"selection_policy": {{{policy}}}}}, "upstreams": [{upstreams}]}}]}}]}},"#,
            9000 + index
        )
        .unwrap();
    }
    let backends: Vec<String> = (0..BACKENDS)
        .map(|backend| {
            format!(
                r#""backend-{backend}": {{"listen": ["{}"], "automatic_https": {{"disable": true}}, "routes": [{{"handle": [{{"handler": "static_response", "body": "{backend}"}}]}}]}}"#,
                dial(backend)
            )
        })
        .collect();
    format!(
        r#"{{"admin": {{"disabled": true}}, "logging": {{"logs": {{"default": {{"level": "PANIC"}}}}}}, "apps": {{"http": {{"servers": {{{servers}{}}}}}}}}}"#,
        backends.join(",\n")
    )
}

/// What was expected of each entry of the list, and which backend gave each answer; `None` where none did.
struct Seen {
    backends: &'static [usize],
    expected: Vec<f64>,
    answers: Vec<Option<usize>>,
}

/// Reads a configuration, runs Caddy with it, and sends requests through each handler.
fn run(cases: &[Case]) -> Vec<Seen> {
    let text = config(cases);
    let files = MemoryFiles::new().with("caddy.json", text.clone());
    let read = read(
        Product::Caddy,
        &files,
        Path::new("caddy.json"),
        &Options::default(),
    )
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("caddy.json");
    std::fs::write(&path, text).unwrap();
    let namespace = Namespace::create("caddy-shares").unwrap();
    let mut command = Command::new(caddy().unwrap());
    command
        .env("HOME", folder.path())
        .arg("run")
        .arg("--config")
        .arg(&path);
    let mut caddy = Process::spawn(&namespace, "caddy", &mut command).unwrap();
    let seen = namespace.enter(|| {
        for port in (9000..9000 + cases.len()).chain(8000..8000 + BACKENDS) {
            wait_for(Duration::from_secs(60), "Caddy to listen", || {
                caddy.check()?;
                Ok(TcpStream::connect(format!("127.0.0.1:{port}")).ok())
            })
            .unwrap();
        }
        let each = cases.iter().zip(&read.pools).enumerate();
        each.map(|(index, (case, pool))| Seen {
            backends: case.backends,
            expected: pool.shares.exact().unwrap(),
            answers: ask(9000 + index),
        })
        .collect()
    });
    seen.unwrap()
}

/// Sends all requests over one connection, and over another when Caddy ends it.
fn ask(port: usize) -> Vec<Option<usize>> {
    let connect = || {
        let stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream.set_nodelay(true).unwrap();
        BufReader::new(stream)
    };
    let mut stream = connect();
    let request = |number: u64| {
        let request = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Key: key-{number}\r\n\r\n");
        stream.get_mut().write_all(request.as_bytes()).unwrap();
        let answer = answer(&mut stream);
        if answer.is_none() {
            stream = connect();
        }
        answer.and_then(|body| body.parse().ok())
    };
    (0..REQUESTS).map(request).collect()
}

/// The body of an answer, which is a number unless it is an error; `None` if there is no answer.
fn answer(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        if line.is_empty() {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    Some(String::from_utf8(body).unwrap())
}

impl Seen {
    fn counts(&self) -> [u64; BACKENDS] {
        let mut counts = [0; BACKENDS];
        for answer in self.answers.iter().flatten() {
            counts[*answer] += 1;
        }
        counts
    }

    /// The share of each backend, of which the list may hold one several times.
    fn shares(&self) -> [f64; BACKENDS] {
        let mut shares = [0.0; BACKENDS];
        for (backend, share) in self.backends.iter().zip(&self.expected) {
            shares[*backend] += share;
        }
        shares
    }

    /// In turn: all but the last round are whole, and no round here is longer than 20 requests.
    fn fits_exactly(&self) {
        for (count, share) in self.counts().iter().zip(self.shares()) {
            let expected = share * REQUESTS as f64;
            assert!(
                (*count as f64 - expected).abs() <= 20.0,
                "{:?} {:?}",
                self.counts(),
                self.shares()
            );
            assert!(
                expected > 0.0 || *count == 0,
                "{:?} {:?}",
                self.counts(),
                self.shares()
            );
        }
    }

    /// Pearson's statistic against its mean (the degrees of freedom) and five standard deviations more. Backends that are
    /// expected to get nothing must have got nothing.
    fn fits(&self) {
        let (mut statistic, mut classes) = (0.0, 0.0);
        for (count, share) in self.counts().iter().zip(self.shares()) {
            let expected = share * REQUESTS as f64;
            if expected < 1e-6 {
                assert_eq!(*count, 0, "{:?} {:?}", self.counts(), self.shares());
                continue;
            }
            classes += 1.0;
            statistic += (*count as f64 - expected).powi(2) / expected;
        }
        let freedom: f64 = classes - 1.0;
        let most = freedom + 5.0 * (2.0 * freedom).sqrt();
        assert!(
            statistic <= most,
            "{statistic} > {most}: {:?} {:?}",
            self.counts(),
            self.shares()
        );
    }

    /// Every answer came from the entry whose address with the key hashes highest.
    fn each_by_hash(&self) {
        for (number, answer) in self.answers.iter().enumerate() {
            let hash = |backend: &usize| {
                let text = format!("{}key-{number}", dial(*backend));
                XxHash64::oneshot(0, text.as_bytes())
            };
            let highest = self.backends.iter().copied().max_by_key(hash);
            assert_eq!(*answer, highest, "request {number}");
        }
    }
}

#[test]
fn shares_are_those_of_caddy() {
    let seen = run(&[
        case(&[0, 1, 2, 3], r#""policy": "round_robin""#),
        case(&[0, 1, 0], r#""policy": "round_robin""#),
        case(
            &[0, 1, 2],
            r#""policy": "weighted_round_robin", "weights": [8, 1, 1]"#,
        ),
        case(
            &[0, 1, 2],
            r#""policy": "weighted_round_robin", "weights": [8, 1]"#,
        ),
        case(
            &[0, 1, 2],
            r#""policy": "weighted_round_robin", "weights": [3]"#,
        ),
        case(
            &[0, 1, 2],
            r#""policy": "weighted_round_robin", "weights": [1, 0, 1, 2]"#,
        ),
        case(&[2, 1, 0], r#""policy": "first""#),
    ]);
    seen.iter().for_each(Seen::fits_exactly);
    let seen = run(&[
        case(&[0, 1, 2, 3], r#""policy": "random""#),
        case(&[0, 1, 0, 2], r#""policy": "random""#),
        case(&[0, 1, 2], r#""policy": "least_conn""#),
        case(&[0, 1, 2, 3], r#""policy": "header", "field": "X-Key""#),
        case(&[0, 1, 0], r#""policy": "header", "field": "X-Key""#),
        // Without the key the fallback decides, which is random.
        case(&[0, 1, 2], r#""policy": "query", "key": "id""#),
    ]);
    seen.iter().for_each(Seen::fits);
    seen[3].each_by_hash();
    seen[4].each_by_hash();
    // One client: one key.
    let [one] = &run(&[case(&[0, 1, 2], r#""policy": "ip_hash""#)])[..] else {
        panic!("one case")
    };
    assert_eq!(one.counts().iter().max(), Some(&REQUESTS));
}

/// CAD-003: the first idle upstream of a sample that keeps the list's order.
#[test]
fn random_choose_prefers_the_first() {
    let seen = run(&[
        case(&[0, 1], r#""policy": "random_choose", "choose": 2"#),
        case(&[0, 1, 2, 3], r#""policy": "random_choose", "choose": 2"#),
    ]);
    assert_eq!(seen[0].counts(), [REQUESTS, 0, 0, 0]);
    let idle = Seen {
        backends: seen[1].backends,
        expected: vec![0.5, 0.0, 0.25, 0.25],
        answers: seen[1].answers.clone(),
    };
    idle.fits();
}

/// CAD-001 and CAD-002: the first upstream refuses connections, so that Caddy takes it for down after one request.
#[test]
fn weights_shift_when_an_upstream_is_down() {
    const DOWN: usize = BACKENDS;
    let passive = r#""health_checks": {"passive": {"fail_duration": "10m"}},"#;
    let down = |policy: &'static str| Case {
        backends: &[DOWN, 1, 2],
        policy,
        more: passive,
    };
    let weights: [&[u64]; 3] = [&[8, 1, 1], &[1, 1, 1], &[8, 1]];
    let seen = run(&[
        down(r#""policy": "weighted_round_robin", "weights": [8, 1, 1]"#),
        down(r#""policy": "weighted_round_robin", "weights": [1, 1, 1]"#),
        down(r#""policy": "weighted_round_robin", "weights": [8, 1]"#),
    ]);
    for (seen, weights) in seen.iter().zip(weights) {
        let counts = seen.counts();
        let Some(shares) = caddy_weighted(weights, &[false, true, true]) else {
            assert_eq!(counts.iter().sum::<u64>(), 0, "{counts:?}");
            continue;
        };
        for (index, share) in shares.iter().enumerate().skip(1) {
            let expected = share * REQUESTS as f64;
            let differs = (counts[index] as f64 - expected).abs();
            assert!(differs <= 20.0, "{weights:?}: {counts:?} {shares:?}");
        }
    }
}
