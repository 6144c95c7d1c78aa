//! Expected shares against Traefik itself: the same configuration is read here and run there, requests are sent to each
//! service, and who answered is counted.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on must fail"
)]

#[path = "common/traefik.rs"]
mod traefik;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use evenkeel_balancers::model::{Pool, Share};
use evenkeel_balancers::shares::traefik_hrw_of;
use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{Options, Product, read};
use evenkeel_lab::backend::{Backend, Options as Serving, Protocol};
use traefik::{Running, WEB};

/// How many requests are sent to each service.
const REQUESTS: u64 = 800;

/// The address of a backend.
fn backend(number: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8000 + number))
}

/// A server with a weight, whose URL ends with the same letters for all.
fn server(number: u16, weight: i64) -> String {
    format!(
        "{{ url: 'http://{}/path', weight: {weight} }}",
        backend(number)
    )
}

fn balancer(fields: &str, servers: &[(u16, i64)]) -> String {
    let servers: Vec<String> = servers
        .iter()
        .map(|(number, weight)| server(*number, *weight))
        .collect();
    format!(
        "loadBalancer: {{ {fields} servers: [{}] }}",
        servers.join(", ")
    )
}

/// A service for each name, with a router by host.
fn configuration(services: &[(&str, String)]) -> String {
    let mut text = String::from("http:\n  routers:\n");
    for (name, _) in services {
        writeln!(
            text,
            "    {name}: {{ rule: 'Host(`{name}`)', service: {name} }}"
        )
        .unwrap();
    }
    text.push_str("  services:\n");
    for (name, service) in services {
        writeln!(text, "    {name}: {{ {service} }}").unwrap();
    }
    text
}

fn pools(text: &str) -> Vec<Pool> {
    let files = MemoryFiles::new().with("traefik.yaml", text);
    let path = Path::new("traefik.yaml");
    read(Product::Traefik, &files, path, &Options::default())
        .unwrap()
        .pools
}

fn pool<'a>(pools: &'a [Pool], name: &str) -> &'a Pool {
    pools.iter().find(|pool| pool.name == name).unwrap()
}

/// The share of each address, through compositions.
fn shares(pools: &[Pool], name: &str) -> BTreeMap<String, f64> {
    let mut shares = BTreeMap::new();
    for (server, share) in pool(pools, name).members() {
        let share = share.exact().unwrap();
        match &server.name {
            Some(inner) => {
                for (address, part) in self::shares(pools, inner) {
                    *shares.entry(address).or_default() += part * share;
                }
            }
            None => *shares.entry(server.address.key()).or_default() += share,
        }
    }
    shares
}

/// One request on a connection of its own, as from an address; the backend that answered, by its address.
fn ask(host: &str, from: &str) -> String {
    let mut stream = TcpStream::connect(WEB).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let text = format!(
        "PROXY TCP4 {from} 127.0.0.1 1000 80\r\nGET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    body.trim().to_owned()
}

/// The address of a client: one of each of the blocks for documentation, in turn.
fn client(number: u64) -> String {
    let block = ["192.0.2", "198.51.100", "203.0.113"][(number % 3) as usize];
    format!("{block}.{}", number / 3 % 256)
}

fn counts(host: &str) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for number in 0..REQUESTS {
        *counts.entry(ask(host, &client(number))).or_default() += 1;
    }
    counts
}

struct Bed {
    /// Before Traefik's namespace, in which they are.
    _backends: Vec<Backend>,
    traefik: Running,
}

impl Bed {
    fn start(name: &str, delays: &[u64]) -> Self {
        let traefik = Running::start(name);
        let backends = (0..)
            .zip(delays)
            .map(|(number, delay)| {
                let options = Serving {
                    delay: Duration::from_millis(*delay),
                    threads: 1,
                    ..Serving::new(Protocol::Http)
                };
                let places = [(&traefik.namespace, vec![backend(number)])];
                Backend::start(&places, &options).unwrap()
            })
            .collect();
        Self {
            _backends: backends,
            traefik,
        }
    }

    fn counts(&mut self, host: &str) -> BTreeMap<String, u64> {
        self.traefik.namespace.enter(|| counts(host)).unwrap()
    }
}

#[test]
fn shares_are_those_of_traefik() {
    let weighted = "weighted: { services: [{ name: rotation, weight: 3 }, { name: equal }] }";
    let nested = "weighted: { services: [{ name: composed }, { name: equal }] }";
    let services = [
        ("rotation", balancer("", &[(0, 8), (1, 1), (2, 1)])),
        ("equal", balancer("", &[(1, 1), (2, 1)])),
        ("out", balancer("", &[(0, 3), (1, 0), (2, 1), (3, -1)])),
        ("twice", balancer("", &[(0, 1), (0, 1), (1, 1)])),
        (
            "choices",
            balancer("strategy: p2c,", &[(0, 8), (1, 1), (2, 0)]),
        ),
        ("hashed", balancer("strategy: hrw,", &[(0, 3), (1, 1)])),
        (
            "again",
            balancer("strategy: hrw,", &[(0, 1), (1, 1), (0, 1)]),
        ),
        ("composed", weighted.to_owned()),
        ("nested", nested.to_owned()),
    ];
    let text = configuration(&services);
    let mut bed = Bed::start("traefik-shares", &[0, 0, 0, 0]);
    bed.traefik.load(&text);
    let pools = pools(&text);
    for (name, _) in &services {
        let counts = bed.counts(name);
        // In turn all but a round or two fits; draws and keys vary by chance.
        let by_chance = ["choices", "hashed", "again"].contains(name);
        for (address, share) in shares(&pools, name) {
            let expected = share * REQUESTS as f64;
            let spread = 5.0 * (expected * (1.0 - share)).sqrt();
            let most = if by_chance { spread } else { 12.0 };
            let count = counts.get(&address).copied().unwrap_or_default();
            assert!(
                (count as f64 - expected).abs() <= most,
                "{name}: {address} {count} instead of {expected}: {counts:?}"
            );
            assert!(share > 0.0 || count == 0, "{name}: {address} {counts:?}");
        }
    }
}

/// Before 2.9 each load began with the first server, which then got most of what little traffic there was. Now it is any.
#[test]
fn each_load_lets_rotations_begin_with_any_server() {
    let text = configuration(&[("rotation", balancer("", &[(0, 1), (1, 1), (2, 1)]))]);
    let mut bed = Bed::start("traefik-anew", &[0, 0, 0]);
    let mut first = || {
        bed.traefik.load(&text);
        let first = bed.traefik.namespace.enter(|| ask("rotation", &client(0)));
        first.unwrap()
    };
    // One of three is the first of 30 loads each time by a chance of 1 in 10^14.
    let once = first();
    assert!((0..30).any(|_| first() != once));
}

/// TRF-016: names that end differently; and each address goes to the server that is computed for it.
#[test]
fn hrw_is_computed_for_each_address() {
    let url = |number: u16| format!("http://{}", backend(number));
    let cases: [(&str, &[(u16, u32)]); 3] = [
        ("uneven", &[(0, 3), (1, 1)]),
        ("three", &[(0, 1), (1, 1), (2, 1)]),
        ("ends", &[(0, 2), (1, 1), (3, 1)]),
    ];
    let services = cases.map(|(name, servers)| {
        let servers: Vec<String> = servers
            .iter()
            .map(|(number, weight)| format!("{{ url: '{}', weight: {weight} }}", url(*number)))
            .collect();
        let balancer = format!(
            "loadBalancer: {{ strategy: hrw, servers: [{}] }}",
            servers.join(", ")
        );
        (name, balancer)
    });
    let text = configuration(&services);
    let mut bed = Bed::start("traefik-hrw", &[0, 0, 0, 0]);
    bed.traefik.load(&text);
    let pools = pools(&text);
    for (name, servers) in cases {
        let urls: Vec<String> = servers.iter().map(|(number, _)| url(*number)).collect();
        let named: Vec<(&str, f64)> = urls
            .iter()
            .map(String::as_str)
            .zip(servers.iter().map(|(_, weight)| f64::from(*weight)))
            .collect();
        let answers = bed.traefik.namespace.enter(|| {
            let each = (0..REQUESTS).map(|number| ask(name, &client(number)));
            each.collect::<Vec<_>>()
        });
        let mut counts = vec![0.0; servers.len()];
        for (number, answer) in (0..).zip(answers.unwrap()) {
            let index = traefik_hrw_of(&client(number), &named).unwrap();
            counts[index] += 1.0;
            assert_eq!(
                answer,
                backend(servers[index].0).to_string(),
                "{name} {number}"
            );
        }
        // The addresses here are in three blocks, so that their shares are those of all addresses only roughly.
        for (share, count) in pool(&pools, name)
            .shares
            .exact()
            .unwrap()
            .iter()
            .zip(counts)
        {
            assert!(
                (share - count / REQUESTS as f64).abs() < 0.1,
                "{name}: {count} {share}"
            );
        }
    }
}

/// TRF-005: of two servers the faster gets nearly all, and of others nobody knows the shares.
#[test]
fn the_fastest_gets_nearly_all() {
    let text = configuration(&[("fast", balancer("strategy: leasttime,", &[(0, 1), (1, 1)]))]);
    let pools = pools(&text);
    assert_eq!(pools[0].shares.servers, [Share::UNKNOWN; 2]);
    let mut bed = Bed::start("traefik-fast", &[3, 9]);
    bed.traefik.load(&text);
    let counts = bed.counts("fast");
    let first = counts.get(&backend(0).to_string()).copied();
    assert!(first > Some(REQUESTS * 9 / 10), "{counts:?}");
}
