//! What each path answers.

use std::time::{Duration, SystemTime};

use evenkeel::model::{Canary, Role, Source};
use evenkeel::reload::ReloadStatus;

use crate::fixtures::{Member, pool, small, state};
use crate::http::{Running, wait_for};
use crate::openmetrics::Exposition;

#[test]
fn metrics_come_in_the_format_that_was_asked_for() {
    let server = Running::start(small());
    let classic = server.get("/metrics");
    assert_eq!(classic.status, 200);
    assert_eq!(
        classic.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    assert!(
        classic
            .body
            .contains("# TYPE evenkeel_backend_connections_opened_total counter")
    );
    assert!(!classic.body.contains("# EOF"));

    let accept =
        "accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2";
    let openmetrics = server.ask("GET", "/metrics", &[accept]);
    assert_eq!(
        openmetrics.header("content-type"),
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    let metrics = Exposition::parse(&openmetrics.body).unwrap();
    // This very connection; the first one may not have been noticed to be closed yet.
    assert!(metrics.value("evenkeel_http_connections", &[]) >= 1.0);
    assert!(metrics.value("evenkeel_http_responses_total", &[("code", "2xx")]) >= 1.0);
    assert!(metrics.value("process_resident_memory_bytes", &[]) > 1e5);
}

#[test]
fn a_connection_serves_one_request_after_the_other() {
    let server = Running::start(small());
    let host = server.address;
    let one = format!("GET /-/ready HTTP/1.1\r\nhost: {host}\r\n\r\n");
    let last = server.head("HEAD", "/metrics", &[]);
    let first = server.send(&format!("{one}{one}{last}"));
    assert_eq!(first.status, 200);
    // What follows the first head: its body and the other two answers.
    let rest = first.body;
    assert_eq!(rest.matches("ready\n").count(), 2, "{rest}");
    assert_eq!(rest.matches("HTTP/1.1 200 OK").count(), 2, "{rest}");
    assert!(!rest.contains("# TYPE"), "HEAD has no body: {rest}");
}

#[test]
fn unknown_paths_and_wrong_methods_are_named_as_such() {
    let server = Running::start(small());
    let missing = server.get("/nothing");
    assert_eq!(
        (missing.status, missing.header("content-type")),
        (404, "text/plain; charset=utf-8")
    );
    for (method, path, allow) in [
        ("POST", "/metrics", "GET,HEAD"),
        ("DELETE", "/", "GET,HEAD"),
        ("GET", "/-/reload", "POST"),
    ] {
        let answer = server.ask(method, path, &[]);
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, allow),
            "{method} {path}"
        );
        assert!(answer.body.contains(method), "{answer:?}");
    }
    for (method, path, status) in [
        ("GET", "/api/v2/pools", 404),
        ("GET", "/api/v1/pools/unknown", 404),
        ("GET", "/api/v1/pools/%ff", 400),
        ("POST", "/api/v1/pools", 405),
        ("PUT", "/api/v1/status", 405),
    ] {
        let answer = server.ask(method, path, &[]);
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.header("content-type"), "application/json");
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(!error.is_empty(), "{answer:?}");
    }
}

#[test]
fn a_pool_is_found_by_its_encoded_name() {
    let name = "shop/check out+ü%";
    let members = [Member::new("192.0.2.1:80", 5, 1)];
    let server = Running::start(state(vec![pool(
        name,
        Role::Upstream,
        Source::Config,
        &members,
    )]));
    let answer = server.get("/api/v1/pools/shop%2Fcheck%20out+%C3%BC%25");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.json()["pool"]["name"], name);
    // A slash may be written as it is, as in names of Services of Kubernetes.
    let plain = server.get("/api/v1/pools/shop/check%20out+%C3%BC%25");
    assert_eq!(plain.json()["pool"]["name"], name);
    let history = server.get("/api/v1/pools/shop/check%20out+%C3%BC%25/history");
    assert_eq!(history.status, 200, "{history:?}");
    // The link of the page leads there, too.
    let page = server.get("/").body;
    let (_, link) = page.split_once("href=\"api/v1/pools/").unwrap();
    let (link, _) = link.split_once('"').unwrap();
    let followed = server.get(&format!("/api/v1/pools/{link}"));
    assert_eq!(followed.json()["pool"]["name"], name);
}

#[test]
fn ready_means_that_traffic_is_proven_to_be_counted() {
    let mut state = small();
    state.tick = 0;
    let server = Running::start(state.clone());
    let mut expect = |tick, canary, status, text: &str| {
        state.tick = tick;
        state.kernel.canary = canary;
        server
            .states
            .send_replace(std::sync::Arc::new(state.clone()));
        let answer = server.get("/-/ready");
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.body.contains(text), "{answer:?}");
    };
    let reason = "saw nothing on port 4711".to_owned();
    expect(0, Canary::Counted, 503, "no tick yet");
    expect(1, Canary::Pending, 503, "no canary connection");
    expect(
        2,
        Canary::Missed { reason },
        503,
        "saw nothing on port 4711",
    );
    expect(3, Canary::Counted, 200, "ready");
}

#[test]
fn healthy_means_that_ticks_advance() {
    let mut state = small();
    state.interval = Duration::from_millis(10);
    let limits = evenkeel::publish::Limits {
        tick_grace: Duration::from_millis(400),
        ..Default::default()
    };
    let server = Running::start_with(state.clone(), limits);
    let sick = wait_for("sickness", || {
        let answer = server.get("/-/healthy");
        (answer.status != 200).then_some(answer)
    });
    assert_eq!(sick.status, 503);
    assert!(sick.body.contains("expected every 0.01 s"), "{sick:?}");
    wait_for("recovery", || {
        state.tick += 1;
        server
            .states
            .send_replace(std::sync::Arc::new(state.clone()));
        (server.get("/-/healthy").status == 200).then_some(())
    });
}

#[test]
fn a_failed_reload_is_told_everywhere() {
    let server = Running::start(small());
    server.reload_status.send_replace(ReloadStatus {
        successful: false,
        last_success: SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000),
        error: Some("line 3: <unknown key>".to_owned()),
    });
    let metrics = server.get("/metrics").body;
    assert!(metrics.contains("\nevenkeel_config_last_reload_successful 0\n"));
    assert!(
        metrics.contains("\nevenkeel_config_last_reload_success_timestamp_seconds 1600000000.0\n")
    );
    let status = server.get("/api/v1/status").json();
    assert_eq!(status["reload"]["error"], "line 3: <unknown key>");
    assert_eq!(status["reload"]["last_success"], "2020-09-13T12:26:40.000Z");
    let page = server.get("/").body;
    assert!(page.contains("line 3: &lt;unknown key&gt;"), "{page}");
}
