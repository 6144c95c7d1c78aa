//! Circuit breakers and slow start: ENV-019, ENV-020.

use super::{NO_HOST_LIMIT, SLOW_START};
use crate::envoy::duration;
use crate::envoy::pools::View;
use crate::finding::Report;
use crate::text::percent;
use crate::yaml::Value;

/// The defaults of `CircuitBreakers.Thresholds`.
const DEFAULT: u64 = 1024;

/// ENV-019: thresholds for the cluster that one host may use up.
pub(super) fn per_host(view: &View<'_>, report: &mut Report) {
    let hosts = view.live().len();
    let Some(breakers) = view
        .cluster
        .value
        .entry("circuit_breakers")
        .filter(|_| hosts > 1)
    else {
        return;
    };
    if breakers.value.list("per_host_thresholds").next().is_some() {
        return;
    }
    let first = breakers.value.list("thresholds").next();
    let most = first
        .and_then(|threshold| threshold.get("max_connections"))
        .and_then(Value::whole)
        .unwrap_or(DEFAULT);
    report
        .add(
            &NO_HOST_LIMIT,
            breakers.key.place(),
            format!("{most} connections are allowed to all {hosts} hosts together: one of them may have all of these, instead of {}", most / hosts as u64),
            "add `per_host_thresholds` with `max_connections`",
        )
        .pool(view.name());
}

/// ENV-020: what hosts get that have just come.
pub(super) fn slow_start(view: &View<'_>, report: &mut Report) {
    let hosts = view.live().len();
    let Some(config) = view.cluster.policy.slow_start.filter(|_| hosts > 1) else {
        return;
    };
    let window = config.get("slow_start_window");
    let Some((window, time)) = window
        .and_then(|window| Some((window, duration(window)?)))
        .filter(|(_, time)| *time > 0.0)
    else {
        return;
    };
    let least = config
        .get("min_weight_percent")
        .and_then(crate::envoy::percent)
        .unwrap_or(10.0)
        .clamp(0.0, 100.0)
        / 100.0;
    let first = least / (least + (hosts - 1) as f64);
    report
        .add(
            &SLOW_START,
            window.place(),
            format!(
                "for {time} s a host that joins gets less, {} at first instead of {}; hosts that start together share as before",
                percent(first),
                percent(1.0 / hosts as f64),
            ),
            "leave it out unless hosts must warm up; with little traffic a window passes before it has an effect",
        )
        .pool(view.name());
}
