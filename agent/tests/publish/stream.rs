//! What a reader of the event stream is told.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use evenkeel::model::{Role, Signal, Source, State, Verdict};
use evenkeel::publish::Limits;
use serde_json::Value;

use crate::findings::{incident, judge, judged};
use crate::fixtures::{Member, large, pool, small, state};
use crate::http::{DEADLINE, Running, wait_for};

/// A reader that stays.
struct Reader(BufReader<TcpStream>);

impl Reader {
    fn open(server: &Running, path: &str) -> Self {
        let mut stream = server.connect();
        let host = server.address;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n").unwrap();
        let mut reader = Self(BufReader::new(stream));
        let head: Vec<String> = std::iter::from_fn(|| Some(reader.line()?.to_ascii_lowercase()))
            .take_while(|line| !line.is_empty())
            .collect();
        assert!(head[0].ends_with("200 ok"), "{head:?}");
        assert!(
            head.contains(&"content-type: text/event-stream".to_owned()),
            "{head:?}"
        );
        reader
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).unwrap();
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// The next event called `name`; `None` when the stream ends before.
    fn next(&mut self, name: &str) -> Option<Value> {
        let wanted = format!("event: {name}");
        let began = Instant::now();
        while self.line()? != wanted {
            assert!(began.elapsed() < DEADLINE, "no {wanted} in time");
        }
        let data = self.line()?;
        Some(serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap())
    }
}

fn names(event: &Value) -> Vec<&str> {
    let pools = event["pools"].as_array().unwrap();
    pools
        .iter()
        .map(|pool| pool["name"].as_str().unwrap())
        .collect()
}

/// The state of the next tick, with these pools.
fn after(before: &State, pools: Vec<evenkeel::model::PoolState>) -> Arc<State> {
    let mut next = before.clone();
    next.tick += 1;
    next.taken += Duration::from_secs(1);
    next.pools = pools;
    Arc::new(next)
}

#[test]
fn all_pools_come_first_and_then_those_that_changed() {
    let server = Running::start(judged());
    let mut reader = Reader::open(&server, "/api/v1/stream");
    assert_eq!(reader.next("status").unwrap()["ready"], true);
    let all = reader.next("pools").unwrap();
    assert_eq!(names(&all), ["checkout", "search"]);
    assert_eq!((&all["total"], &all["complete"]), (&2.into(), &true.into()));
    let checkout = &all["pools"][0];
    assert_eq!(checkout["verdict"], "skewed");
    assert_eq!(checkout["worst"]["address"], "192.0.2.3:8080");
    assert_eq!(checkout["bars"][0], serde_json::json!([750, 500, 1]));
    let incidents = reader.next("incidents").unwrap();
    assert_eq!(incidents["incidents"].as_array().unwrap().len(), 3);

    // Nothing changes but the time; then one pool gets traffic, and one is gone.
    let mut state = judged();
    server
        .states
        .send_replace(after(&state, state.pools.clone()));
    assert!(names(&reader.next("pools").unwrap()).is_empty());
    let busy = [Member::new("192.0.2.9:80", 60, 0)];
    state.pools[1] = pool("search", Role::Local, Source::Auto, &busy);
    server
        .states
        .send_replace(after(&state, vec![state.pools[1].clone()]));
    let changed = reader.next("pools").unwrap();
    assert_eq!(names(&changed), ["search"]);
    assert_eq!(changed["gone"], serde_json::json!(["checkout"]));
    assert!((changed["pools"][0]["rate"].as_f64().unwrap() - 1.0).abs() < 1e-9);
}

#[test]
fn new_verdicts_do_not_wait_for_figures() {
    let mut state = large(2000, 4);
    let server = Running::start(state.clone());
    let mut reader = Reader::open(&server, "/api/v1/stream");
    let mut known = 0;
    loop {
        let event = reader.next("pools").unwrap();
        known += names(&event).len();
        if event["complete"] == true {
            break;
        }
    }
    assert_eq!(known, 2000);
    // All figures change, and one verdict at the end of the list.
    let mut other = large(2001, 4);
    other.pools.remove(0);
    for (pool, other) in state.pools.iter_mut().zip(&other.pools) {
        pool.signals = other.signals;
        pool.backends.clone_from(&other.backends);
    }
    state.pools[1999].verdict = Verdict::Skewed;
    server
        .states
        .send_replace(after(&state, state.pools.clone()));
    let event = reader.next("pools").unwrap();
    let last = &state.pools[1999].pool.spec.name;
    assert!(
        names(&event).contains(&last.as_str()),
        "the new verdict waits"
    );
    assert!(
        names(&event).len() < 1000,
        "one event has {} pools",
        names(&event).len()
    );
}

#[test]
fn a_pool_comes_in_full_with_its_hour() {
    let server = Running::start(small());
    let mut reader = Reader::open(&server, "/api/v1/stream?pool=checkout");
    let event = reader.next("pool").unwrap();
    assert_eq!(event["pool"]["backends"][0]["address"], "192.0.2.1:8080");
    let mut next = small();
    judge(&mut next.pools[0], Signal::Opened, Verdict::Skewed);
    next.incidents = [Arc::new(incident(
        "1",
        Signal::Opened,
        &[("192.0.2.1:8080", 0.75, 0.5)],
    ))]
    .into();
    server.states.send_replace(after(&next, next.pools.clone()));
    // The first point is taken at the second state.
    let history = reader.next("history").unwrap();
    assert_eq!(history["step_seconds"], 10);
    assert_eq!(history["backends"][0]["opened"], serde_json::json!([0.75]));
    let incidents = reader.next("incidents").unwrap();
    assert_eq!(incidents["incidents"][0]["pool"], "checkout");
    let asked = server.get("/api/v1/pools/checkout/history").json();
    assert_eq!(asked, history);

    let mut nobody = Reader::open(&server, "/api/v1/stream?pool=nobody");
    assert_eq!(nobody.next("pool").unwrap()["pool"], Value::Null);
}

#[test]
fn a_late_tick_is_told() {
    let limits = Limits {
        late: Duration::from_millis(100),
        ..Limits::default()
    };
    let mut quick = small();
    quick.interval = Duration::from_millis(10);
    let server = Running::start_with(quick, limits);
    let mut reader = Reader::open(&server, "/api/v1/stream");
    let late = reader.next("late").unwrap();
    assert!(late["age_seconds"].as_f64().unwrap() >= 0.1, "{late}");
}

#[test]
fn a_stream_ends_with_the_server_and_holds_nothing_up() {
    let mut server = Running::start(small());
    let mut reader = Reader::open(&server, "/api/v1/stream");
    assert!(reader.next("pools").is_some());
    let began = Instant::now();
    server.begin_stop();
    assert!(reader.next("pools").is_none(), "the stream goes on");
    server.join();
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "took {:?}",
        began.elapsed()
    );
}

#[test]
fn readers_that_stay_are_limited_and_leave_their_place() {
    let limits = Limits {
        streams: 1,
        ..Limits::default()
    };
    let server = Running::start_with(state(Vec::new()), limits);
    let first = Reader::open(&server, "/api/v1/stream");
    assert_eq!(server.get("/api/v1/stream").status, 503);
    assert_eq!(server.get("/api/v1/stream?pol=x").status, 400);
    drop(first);
    let mut tick = small();
    wait_for("a free place", || {
        tick.tick += 1;
        server.states.send_replace(Arc::new(tick.clone()));
        let mut stream = server.connect();
        let host = server.address;
        write!(
            stream,
            "GET /api/v1/stream HTTP/1.1\r\nhost: {host}\r\n\r\n"
        )
        .unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line.contains("200").then_some(())
    });
}
