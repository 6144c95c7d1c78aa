//! Upstreams that fail: CAD-008, CAD-009.

use super::{LONG_TIMEOUT, NO_CHECKS};
use crate::caddy::policy::Policy;
use crate::caddy::pools::View;
use crate::finding::{Report, Severity};
use crate::text::{percent, seconds};
use crate::yaml::Value;

/// CAD-008: neither active nor passive checks.
pub(super) fn no_checks(view: &View<'_>, report: &mut Report) {
    let proxy = view.proxy;
    let breaker = proxy.value.get("circuit_breaker").is_some();
    let checked = proxy.is_checked() || proxy.fail_duration().is_some() || breaker;
    if checked || view.distinct() < 2 || !proxy.sources.is_empty() {
        return;
    }
    let shares = view.pool.shares.servers.iter().map(|share| share.low());
    let most = percent(shares.fold(0.0, f64::max));
    let told = match proxy.policy {
        Policy::LeastConn | Policy::RandomChoose(_) => format!(
            "one that refuses requests has few of them in progress, and gets more than the {most} that are its part"
        ),
        _ => format!(
            "one that fails keeps its share, up to {most} of {}",
            view.pool.units()
        ),
    };
    let retries = ["retries", "try_duration"]
        .iter()
        .find_map(|key| proxy.value.at(&["load_balancing", key]));
    let severity = if retries.is_some() {
        Severity::Note
    } else {
        Severity::Warning
    };
    view.add(
        report,
        &NO_CHECKS,
        proxy.place,
        format!("neither active health checks nor `fail_duration` are set, so that all upstreams count as healthy: {told}"),
        "set `health_checks.passive.fail_duration`, like 30s, or `health_checks.active.uri`",
    )
    .severity(severity)
    .related_if(retries.map(Value::place), "requests are tried again elsewhere");
}

/// CAD-009: failures that are remembered for long.
pub(super) fn long_timeout(view: &View<'_>, report: &mut Report) {
    const LONG: f64 = 300.0;
    let Some((time, place)) = view.proxy.fail_duration().filter(|(time, _)| *time > LONG) else {
        return;
    };
    let servers = view.distinct();
    if servers < 2 || !view.proxy.sources.is_empty() {
        return;
    }
    let fails = view.proxy.passive("max_fails").and_then(Value::whole);
    let fails = match fails.filter(|fails| *fails > 1) {
        Some(fails) => format!("{fails} failures"),
        None => "a single failure".to_owned(),
    };
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates"
    )]
    let told = seconds(time as u64);
    view.add(
        report,
        &LONG_TIMEOUT,
        place,
        format!(
            "after {fails} an upstream is out until {told} have passed: meanwhile each of the others carries {:.2} times its part; nothing keeps all from being out, and then requests fail",
            servers as f64 / (servers - 1) as f64
        ),
        "use 10s to 30s and `max_fails` of 3 or more, or active checks, which end with the failure",
    );
}
