//! The JSON API as recorded.

use evenkeel::model::{Canary, View};
use evenkeel::publish::api::{PoolAnswer, PoolsAnswer, StatusAnswer};
use serde_json::Value;

use crate::fixtures::{reloaded, small};

/// All pools as JSON.
pub(crate) fn pools() -> Value {
    serde_json::to_value(PoolsAnswer::new(&small())).unwrap()
}

/// One pool as JSON.
pub(crate) fn one_pool() -> Value {
    serde_json::to_value(PoolAnswer::find(&small(), "checkout")).unwrap()
}

/// The status of an agent that works.
pub(crate) fn status() -> Value {
    serde_json::to_value(StatusAnswer::new(&small(), &reloaded())).unwrap()
}

#[test]
fn pools_are_as_recorded() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&PoolsAnswer::new(&small())).unwrap());
}

#[test]
fn status_is_as_recorded() {
    let status = serde_json::to_string_pretty(&StatusAnswer::new(&small(), &reloaded())).unwrap();
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
    let status = serde_json::to_value(StatusAnswer::new(&state, &reload)).unwrap();
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
    assert!(PoolAnswer::find(&small(), "checkou").is_none());
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
