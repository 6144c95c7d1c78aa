//! Clients that send garbage, too much, too slowly, or do not read.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use evenkeel::publish::Limits;

use crate::fixtures::{large, small};
use crate::http::{DEADLINE, Running, read_answer, wait_for};
use crate::openmetrics::Exposition;

#[test]
fn garbage_is_refused_and_the_server_lives_on() {
    let server = Running::start(small());
    for garbage in [
        "\u{0}\u{1}\u{2}\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET /\r\n\r\n",
        "hello\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
    ] {
        let mut stream = server.connect();
        stream.write_all(garbage.as_bytes()).unwrap();
        let answer = read_answer(&mut stream);
        assert_eq!(answer.status, 400, "{garbage:?}: {answer:?}");
    }
    // HTTP/2 is told by silence: an answer in HTTP/1 would be garbage to its client.
    let mut stream = server.connect();
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    assert_eq!(server.get("/-/ready").status, 200);
}

#[test]
fn a_head_without_end_is_refused() {
    let server = Running::start(small());
    let long = "x".repeat(100_000);
    let many = "a: b\r\n".repeat(100);
    for head in [
        format!("GET / HTTP/1.1\r\nhost: x\r\nlong: {long}"),
        format!("GET / HTTP/1.1\r\n{many}\r\n"),
        format!("GET /{long}"),
    ] {
        let mut stream = server.connect();
        // The server may close before it has read everything.
        let _cut_short = stream.write_all(head.as_bytes());
        let answer = read_answer(&mut stream);
        assert!([414, 431].contains(&answer.status), "{answer:?}");
    }
    assert_eq!(server.get("/-/ready").status, 200);
}

#[test]
fn a_head_that_does_not_come_ends_its_connection() {
    let limits = Limits {
        head_time: Duration::from_millis(200),
        connections: 2,
        ..Limits::default()
    };
    let server = Running::start_with(small(), limits);
    // They take all places that there are.
    let mut silent = server.connect();
    let mut slow = server.connect();
    slow.write_all(b"GET / HTTP/1.1\r\nhost: ").unwrap();
    let began = Instant::now();
    assert_eq!(server.get("/-/ready").status, 200);
    assert!(began.elapsed() < DEADLINE / 2, "took {:?}", began.elapsed());
    for stream in [&mut silent, &mut slow] {
        let mut rest = Vec::new();
        let ended = stream.read_to_end(&mut rest);
        assert!(ended.is_ok(), "{ended:?}");
    }
}

/// Begins a scrape and reads the first bytes of it, no more.
fn begin_scrape(server: &Running) -> TcpStream {
    let mut stream = server.connect();
    let host = server.address;
    write!(stream, "GET /metrics HTTP/1.1\r\nhost: {host}\r\n\r\n").unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).unwrap();
    stream
}

/// An exposition that the buffers of a connection, and the chunks that wait for it, cannot hold: about 17 MB.
fn too_large_to_buffer() -> evenkeel::model::State {
    large(100, 100)
}

/// Limits under which a reader that takes nothing outlives every test.
fn patient() -> Limits {
    Limits {
        stall: DEADLINE * 2,
        ..Limits::default()
    }
}

#[test]
fn slow_readers_do_not_keep_scrapes_out() {
    let server = Running::start_with(too_large_to_buffer(), patient());
    let slow: Vec<TcpStream> = (0..7).map(|_| begin_scrape(&server)).collect();
    server.states.send_replace(Arc::new(small()));
    // On a busy host the slow ones may take the processor for a while, until their buffers are full.
    wait_for("a scrape within a second", || {
        let began = Instant::now();
        let answer = server.get("/metrics");
        assert_eq!((answer.status, answer.complete), (200, true));
        (began.elapsed() < Duration::from_secs(1)).then_some(())
    });
    drop(slow);
}

#[test]
fn scrapes_beyond_the_limit_are_told_to_come_back() {
    let limits = patient();
    let server = Running::start_with(too_large_to_buffer(), limits);
    let slow: Vec<TcpStream> = (0..limits.scrapes).map(|_| begin_scrape(&server)).collect();
    let busy = server.get("/metrics");
    assert_eq!(
        (busy.status, busy.header("retry-after")),
        (503, "1"),
        "{busy:?}"
    );
    // The page, the API and the probes have places of their own.
    for path in ["/", "/api/v1/status", "/-/ready"] {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
    drop(slow);
    wait_for("a free place", || {
        (server.get("/metrics").status == 200).then_some(())
    });
}

#[test]
fn a_reader_that_takes_nothing_loses_its_place() {
    let limits = Limits {
        scrapes: 1,
        stall: Duration::from_millis(300),
        ..Limits::default()
    };
    let server = Running::start_with(too_large_to_buffer(), limits);
    let mut slow = begin_scrape(&server);
    wait_for("a free place", || {
        (server.get("/metrics").status == 200).then_some(())
    });
    let mut rest = Vec::new();
    let _reset = slow.read_to_end(&mut rest);
    assert!(!rest.ends_with(b"0\r\n\r\n"), "a part looks like the whole");
}

#[test]
fn a_client_that_leaves_frees_its_place() {
    let server = Running::start(too_large_to_buffer());
    for _ in 0..40 {
        drop(begin_scrape(&server));
    }
    let accept = ["accept: application/openmetrics-text"];
    let answer = wait_for("a free place", || {
        let answer = server.ask("GET", "/metrics", &accept);
        (answer.status == 200).then_some(answer)
    });
    let metrics = Exposition::parse(&answer.body).unwrap();
    wait_for("the end of all connections but one", || {
        let answer = server.ask("GET", "/metrics", &accept);
        let metrics = Exposition::parse(&answer.body).ok()?;
        (metrics.value("evenkeel_http_connections", &[]) < 1.5).then_some(())
    });
    assert_eq!(metrics.samples("evenkeel_pool_backends").len(), 100);
}
