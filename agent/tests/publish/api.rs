//! The JSON API as recorded.

use std::sync::Arc;
use std::time::Duration;

use evenkeel::model::{Canary, PoolState, Signal, Verdict, View, explanation};
use evenkeel::publish::api::{
    FindingsAnswer, IncidentsAnswer, IncidentsQuery, PoolAnswer, PoolsAnswer, StatusAnswer,
};
use serde_json::Value;

use crate::findings::{judge, judged};
use crate::fixtures::{discovery, reloaded, small};
use crate::http::{Running, wait_for};

/// All pools as JSON.
pub(crate) fn pools() -> Value {
    serde_json::to_value(PoolsAnswer::new(&judged())).unwrap()
}

/// One pool as JSON.
pub(crate) fn one_pool() -> Value {
    serde_json::to_value(PoolAnswer::find(&judged(), "checkout")).unwrap()
}

/// The shares of a pool's last hour as JSON.
pub(crate) fn history() -> Value {
    let server = Running::start(small());
    server.states.send_replace(Arc::new(small()));
    wait_for("the first point", || {
        let answer = server.get("/api/v1/pools/checkout/history");
        (answer.status == 200).then(|| answer.json())
    })
}

/// All incidents as JSON.
pub(crate) fn incidents() -> Value {
    serde_json::to_value(IncidentsAnswer::new(&judged(), &IncidentsQuery::default())).unwrap()
}

/// All findings as JSON.
pub(crate) fn findings() -> Value {
    serde_json::to_value(FindingsAnswer::new(&discovery())).unwrap()
}

/// The status of an agent that works.
pub(crate) fn status() -> Value {
    serde_json::to_value(StatusAnswer::new(&small(), &reloaded(), &discovery())).unwrap()
}

#[test]
fn pools_are_as_recorded() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&PoolsAnswer::new(&judged())).unwrap());
}

#[test]
fn why_nothing_can_be_told_is_said() {
    let said = |change: &dyn Fn(&mut PoolState)| {
        let mut pool = small().pools.swap_remove(0);
        judge(&mut pool, Signal::Opened, Verdict::Unknown);
        change(&mut pool);
        explanation(&pool)
    };
    assert_eq!(said(&|_| ()), "Too little traffic yet to tell.");
    assert_eq!(
        said(&|pool| pool.detection_time = Some(Duration::from_secs(1200))),
        "Too little traffic yet to tell. At the present rate it takes 20m to see a doubling."
    );
    assert_eq!(
        said(&|pool| pool.signals.opened.judgement = None),
        "There is traffic, but nothing to compare its shares with yet: they are still being learned."
    );
    assert_eq!(
        said(&|pool| pool.backends.truncate(1)),
        "A pool of one backend has nothing to be uneven about."
    );
    let idle = small().pools.swap_remove(1);
    assert_eq!(explanation(&idle), "No traffic to judge by.");
}

#[test]
fn failing_connects_are_not_called_skewed_shares() {
    let mut pool = small().pools.swap_remove(0);
    judge(&mut pool, Signal::Opened, Verdict::Even);
    for (verdict, wanted) in [
        (Verdict::Skewed, "Connections to a backend fail."),
        (
            Verdict::Suspect,
            "There is some evidence that connections to a backend fail, not enough to alarm.",
        ),
    ] {
        judge(&mut pool, Signal::Failed, verdict);
        pool.verdict = verdict;
        assert_eq!(explanation(&pool), wanted);
    }
}

#[test]
fn incidents_are_as_recorded() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&incidents()).unwrap());
}

#[test]
fn incidents_are_those_that_were_asked_for() {
    let mut state = judged();
    let mut other = (*state.incidents[0]).clone();
    other.pool = "a b&c".to_owned();
    state.incidents = state
        .incidents
        .iter()
        .cloned()
        .chain([other.into()])
        .collect();
    let server = Running::start(state);
    let found = |query: &str| -> Vec<String> {
        let answer = server.get(&format!("/api/v1/incidents{query}"));
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        let json: Value = serde_json::from_str(&answer.body).unwrap();
        let found = json["incidents"].as_array().unwrap().iter();
        let name = |one: &Value| format!("{} {}", one["pool"], one["signal"]).replace('"', "");
        found.map(name).collect()
    };
    let (opened, failed, active) = ("checkout opened", "checkout failed", "checkout active");
    assert_eq!(found(""), [opened, failed, active, "a b&c opened"]);
    assert_eq!(found("?open=true"), [opened, failed, "a b&c opened"]);
    assert_eq!(found("?open=false"), [active]);
    assert_eq!(found("?pool=checkout&open=true&limit=1"), [opened]);
    assert_eq!(found("?pool=a%20b%26c"), ["a b&c opened"]);
    assert_eq!(found("?pool=nobody"), [""; 0]);
    assert_eq!(found("?limit=0"), [""; 0]);
}

#[test]
fn a_query_that_cannot_be_answered_is_refused_with_what_is_wrong() {
    let server = Running::start(judged());
    for (query, said) in [
        ("?open=maybe", "open"),
        ("?limit=-1", "limit"),
        ("?limit=many", "limit"),
        ("?limit=99999999999999999999", "limit"),
        ("?pol=checkout", "pol"),
        ("?open=true&open=false", "open"),
    ] {
        let answer = server.get(&format!("/api/v1/incidents{query}"));
        assert_eq!(answer.status, 400, "{query}: {}", answer.body);
        let json: Value = serde_json::from_str(&answer.body).unwrap();
        let error = json["error"].as_str().unwrap();
        assert!(error.contains(said), "{query}: {error}");
    }
}

#[test]
fn status_is_as_recorded() {
    let status =
        serde_json::to_string_pretty(&StatusAnswer::new(&small(), &reloaded(), &discovery()))
            .unwrap();
    insta::assert_snapshot!(status.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[test]
fn status_tells_what_is_wrong() {
    let mut state = small();
    state.kernel.canary = Canary::Missed {
        reason: "nothing came".to_owned(),
    };
    state.kernel.view = View::AtClose {
        reason: "kernel 5.4 has no socket iterator".to_owned(),
    };
    let mut reload = reloaded();
    reload.successful = false;
    reload.error = Some("line 2: no such key".to_owned());
    let status = serde_json::to_value(StatusAnswer::new(&state, &reload, &discovery())).unwrap();
    assert_eq!(status["ready"], false);
    assert!(status["reason"].as_str().unwrap().contains("nothing came"));
    assert_eq!(status["kernel"]["canary"]["state"], "missed");
    assert_eq!(status["kernel"]["view"]["kind"], "at_close");
    assert_eq!(status["kernel"]["view"]["interval_seconds"], Value::Null);
    assert_eq!(status["reload"]["error"], "line 2: no such key");
}

#[test]
fn one_pool_is_the_same_in_both_answers() {
    assert_eq!(one_pool()["pool"], pools()["pools"][0]);
    assert_eq!(one_pool()["taken"], "2023-11-14T22:13:20.250Z");
    assert!(PoolAnswer::find(&judged(), "checkou").is_none());
}

#[test]
fn without_traffic_there_are_no_measures() {
    let pools = pools();
    let idle = &pools["pools"][1];
    assert_eq!(idle["measures"]["opened"], Value::Null);
    assert_eq!(idle["backends"][0]["share"]["opened"], Value::Null);
    assert_eq!(
        idle["backends"][0]["handshake"]["mean_seconds"],
        Value::Null
    );
    assert_eq!(idle["backends"][0]["connections"]["opened"], 0);
}
