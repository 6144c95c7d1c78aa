//! What real balancers tell of themselves, and what is said when they do not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

use std::future::Future;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use evenkeel::admin::{Address, AdminError, Reason, envoy, haproxy};
use evenkeel_balancers::model::State;
use evenkeel_lab::balancer::{Balancer, Mode, Product, Server, Setup};
use evenkeel_lab::netns::Namespace;
use tempfile::tempdir;

const LIMIT: Duration = Duration::from_secs(10);

/// Runs a request to its end, on a thread that may be in a namespace.
fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

fn setup() -> Setup {
    let at = |text: &str| -> SocketAddr { text.parse().unwrap() };
    let addresses = [at("127.0.0.1:8001"), at("127.0.0.1:8002")];
    let mut setup = Setup::new(Mode::Http, at("127.0.0.1:8080"), addresses);
    setup.servers[1] = Server {
        weight: 40,
        ..Server::new(addresses[1])
    };
    setup
}

#[test]
fn haproxy_tells_its_weights() {
    let namespace = Namespace::create("admin").unwrap();
    let mut balancer = Balancer::start(Product::Haproxy, &namespace, setup()).unwrap();
    let address = Address::Unix(balancer.stats_socket().unwrap());
    balancer.set_weight(setup().servers[1].address, 10).unwrap();

    let state = wait(haproxy::ask(&address, LIMIT)).unwrap();
    assert_eq!(state.info.pid, balancer.pid());
    let server = state.server("lab", "s1").unwrap();
    assert_eq!((server.file_weight, server.weight), (40, 10));
    assert_eq!(server.address, Some(setup().servers[1].address));
    assert!(server.is_in_rotation() && !server.is_backup());
    assert_eq!(state.proxies[0].algorithm.as_deref(), Some("roundrobin"));
}

#[test]
fn envoy_tells_its_hosts_and_its_configuration() {
    let namespace = Namespace::create("admin").unwrap();
    let balancer = Balancer::start(Product::Envoy, &namespace, setup()).unwrap();
    let admin = balancer.admin().unwrap();
    let address = Address::tcp(admin.ip().to_string(), admin.port());
    let (state, configuration) = namespace
        .enter(|| {
            let state = wait(envoy::ask(&address, LIMIT)).unwrap();
            let configuration = wait(envoy::configuration(&address, "dump", LIMIT)).unwrap();
            (state, configuration)
        })
        .unwrap();

    assert_eq!(state.info.state, "LIVE");
    let config = balancer.config_path();
    assert_eq!(state.info.config_path.as_deref(), config.to_str());
    let [cluster] = &state.clusters[..] else {
        panic!("{state:?}")
    };
    let hosts: Vec<_> = cluster
        .hosts
        .iter()
        .map(|host| (host.socket, host.weight, host.health.is_in_rotation()))
        .collect();
    let expected = setup()
        .servers
        .iter()
        .map(|server| (Some(server.address), server.weight, true))
        .collect::<Vec<_>>();
    assert_eq!((cluster.name.as_str(), hosts), ("pool", expected));

    let [pool] = &configuration.pools[..] else {
        panic!("{:?}", configuration.pools)
    };
    let shares = pool.shares.exact().unwrap();
    assert!((shares[1] - 40.0 / 41.0).abs() < 1e-9, "{shares:?}");
    assert!(
        pool.servers
            .iter()
            .all(|server| server.state == State::InRotation)
    );
}

/// Who is asked over a Unix domain socket and answers this, once.
fn answering(answer: &'static str) -> (tempfile::TempDir, Address) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        assert!(stream.read(&mut request).unwrap() > 0);
        // The other side may have had enough.
        let _ = stream.write_all(answer.as_bytes());
    });
    (folder, Address::Unix(path))
}

#[test]
fn envoy_is_asked_over_a_socket_too() {
    let answer = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}";
    let (_folder, address) = answering(answer);
    let error = wait(envoy::ask(&address, LIMIT)).unwrap_err().to_string();
    let expected = format!("Envoy at {address}: the answer to /server_info is not understood");
    assert!(error.starts_with(&expected), "{error}");

    let (_folder, address) = answering("HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\nno");
    let error = wait(envoy::ask(&address, LIMIT)).unwrap_err().to_string();
    assert!(error.contains("404 Not Found no"), "{error}");
    assert!(error.contains("name the `admin` address"), "{error}");
}

#[test]
fn a_refusal_says_what_to_do() {
    let (_folder, address) = answering("Permission denied\n\n");
    let error = wait(haproxy::ask(&address, LIMIT)).unwrap_err().to_string();
    assert!(error.contains(&address.to_string()), "{error}");
    assert!(error.contains("not the master's socket"), "{error}");

    let (_folder, address) = answering("220 mail ready\r\n");
    let error = wait(haproxy::ask(&address, LIMIT)).unwrap_err().to_string();
    assert!(error.contains("is it HAProxy?"), "{error}");
}

#[test]
fn nobody_there_says_what_to_do() {
    let missing = Address::Unix("/nowhere/socket".into());
    let error = wait(haproxy::ask(&missing, LIMIT)).unwrap_err().to_string();
    assert!(
        error.starts_with("HAProxy at /nowhere/socket: cannot connect"),
        "{error}"
    );
    assert!(error.contains("write a `stats socket`"), "{error}");

    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let address = Address::tcp("127.0.0.1", port);
    let error = wait(haproxy::ask(&address, LIMIT)).unwrap_err().to_string();
    assert!(error.contains("nobody listens there"), "{error}");
    let error = wait(envoy::ask(&address, LIMIT)).unwrap_err().to_string();
    assert!(
        error.contains(&address.to_string()) && error.contains("`admin`"),
        "{error}"
    );
}

#[test]
fn who_does_not_answer_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let address = Address::tcp("127.0.0.1", port);
    let (limit, start) = (Duration::from_millis(200), Instant::now());
    let late =
        |result: Result<(), AdminError>| matches!(result.unwrap_err().reason, Reason::Late(_));
    assert!(late(wait(haproxy::ask(&address, limit)).map(drop)));
    assert!(late(wait(envoy::ask(&address, limit)).map(drop)));
    assert!(start.elapsed() < LIMIT);
}
