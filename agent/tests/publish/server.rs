//! Starting, reloading and stopping.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use evenkeel::publish::{BindError, Limits, Server};
use evenkeel::reload::ReloadHandle;
use tokio::sync::watch;

use crate::fixtures::small;
use crate::http::{DEADLINE, Running, read_answer, wait_for};

fn bind(listen: SocketAddr) -> Result<Server, BindError> {
    let (_states, receiver) = watch::channel(Arc::new(small()));
    let (handle, _reloads, _status) = ReloadHandle::channel();
    Server::bind(listen, receiver, handle)
}

#[test]
fn an_address_that_cannot_be_had_is_an_error_with_a_way_out() {
    let first = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let taken = first.local_addr();
    let error = bind(taken).unwrap_err();
    assert!(matches!(error, BindError::InUse { listen } if listen == taken));
    let text = error.to_string();
    assert!(
        text.contains("web.listen") && text.contains(&taken.to_string()),
        "{text}"
    );

    let elsewhere = bind("192.0.2.77:9797".parse().unwrap()).unwrap_err();
    assert!(
        matches!(elsewhere, BindError::NotLocal { .. }),
        "{elsewhere}"
    );
    assert!(elsewhere.to_string().contains("web.listen"));
}

/// Answers the next reload with `outcome` while `ask` waits for it.
fn reload(
    server: &mut Running,
    outcome: Result<(), String>,
    headers: &[&str],
) -> crate::http::Answer {
    let mut stream = server.connect();
    send_reload(server, &mut stream, headers);
    let request = server.reloads.blocking_recv().unwrap();
    request.send(outcome).unwrap();
    read_answer(&mut stream)
}

fn send_reload(server: &Running, stream: &mut TcpStream, headers: &[&str]) {
    let head = server.head("POST", "/-/reload", headers);
    stream.write_all(head.as_bytes()).unwrap();
}

#[test]
fn a_reload_answers_with_what_came_of_it() {
    let mut server = Running::start(small());
    let good = reload(&mut server, Ok(()), &[]);
    assert_eq!((good.status, good.body.as_str()), (200, "reloaded\n"));

    let why = "evenkeel.yaml:3: unknown key `pool`, did you mean `pools`?\n  3 | pool:\n";
    let bad = reload(&mut server, Err(why.to_owned()), &[]);
    assert_eq!(bad.status, 500);
    assert!(bad.body.contains(why), "{bad:?}");
    assert!(
        bad.body.contains("the old configuration stays in force"),
        "{bad:?}"
    );

    let own = format!("origin: http://{}", server.address);
    let same_page = reload(&mut server, Ok(()), &[&own, "sec-fetch-site: same-origin"]);
    assert_eq!(same_page.status, 200);
}

#[test]
fn a_foreign_page_cannot_reload() {
    let mut server = Running::start(small());
    for foreign in [
        "origin: http://evil.example",
        "origin: null",
        "sec-fetch-site: cross-site",
    ] {
        let answer = server.ask("POST", "/-/reload", &[foreign]);
        assert_eq!(answer.status, 403, "{foreign}");
    }
    assert!(server.reloads.try_recv().is_err(), "a reload was asked for");
}

#[test]
fn a_request_that_runs_is_answered_before_the_server_stops() {
    let mut server = Running::start(small());
    let mut stream = server.connect();
    send_reload(&server, &mut stream, &[]);
    let running = server.reloads.blocking_recv().unwrap();
    let mut idle = server.connect();
    idle.write_all(b"GET / HT").unwrap();

    server.begin_stop();
    wait_for("refusal of connections", || {
        TcpStream::connect(server.address).is_err().then_some(())
    });
    running.send(Ok(())).unwrap();
    let answer = read_answer(&mut stream);
    assert_eq!((answer.status, answer.body.as_str()), (200, "reloaded\n"));
    server.join();
}

#[test]
fn a_request_that_hangs_delays_the_stop_only_to_the_deadline() {
    let limits = Limits {
        drain: Duration::from_millis(300),
        ..Limits::default()
    };
    let mut server = Running::start_with(small(), limits);
    let mut stream = server.connect();
    send_reload(&server, &mut stream, &[]);
    let hanging = server.reloads.blocking_recv().unwrap();
    let began = Instant::now();
    server.begin_stop();
    server.join();
    assert!(
        began.elapsed() >= limits.drain,
        "stopped before the deadline"
    );
    assert!(began.elapsed() < DEADLINE / 2, "took {:?}", began.elapsed());
    drop(hanging);
}
