//! Hosts that fail: ENV-005, ENV-006, ENV-018.

use super::{EJECTED, NO_CHECKS, PANIC};
use crate::envoy::cluster::Discovery;
use crate::envoy::duration;
use crate::envoy::pools::View;
use crate::finding::{Report, Severity};
use crate::shares::{EnvoyLevel, envoy_priorities};
use crate::text::{percent, seconds};
use crate::yaml::Value;

fn is_checked(view: &View<'_>) -> bool {
    view.cluster.value.list("health_checks").next().is_some()
}

/// ENV-005: a panic threshold that nobody chose, and nowhere else to go.
pub(super) fn panic(view: &View<'_>, report: &mut Report) {
    let cluster = view.cluster;
    let hosts = cluster.endpoints.len();
    let levels = cluster
        .localities
        .iter()
        .any(|locality| locality.priority > 0);
    let (threshold, written) = cluster.panic;
    if view.panic && hosts > 1 {
        report
            .add(
                &PANIC,
                written.unwrap_or(cluster.name.place),
                format!("fewer than {threshold:.0} % of the hosts are healthy as configured: Envoy is in panic mode, and hosts that are not healthy get traffic"),
                "restore hosts, or set `healthy_panic_threshold` to 0 if errors are better than failing hosts",
            )
            .severity(Severity::Error)
            .pool(view.name());
        return;
    }
    if hosts < 2 || levels || (written.is_some() && threshold <= 50.0) || !is_reachable(view) {
        return;
    }
    let Some(healthy) = (0..hosts).rev().find(|healthy| is_panic(view, *healthy)) else {
        return;
    };
    let back = (hosts - healthy) as f64 / hosts as f64;
    let severity = if threshold > 50.0 {
        Severity::Warning
    } else {
        Severity::Note
    };
    report
        .add(
            &PANIC,
            written.unwrap_or(cluster.name.place),
            format!(
                "with {healthy} of {hosts} hosts healthy, below the panic threshold of {threshold:.0} %, health is ignored: {} of the requests go to hosts that fail",
                percent(back),
            ),
            "choose `common_lb_config.healthy_panic_threshold` (0 turns it off), or add a priority level; watch the counter `lb_healthy_panic`",
        )
        .severity(severity)
        .pool(view.name());
}

/// Whether so few healthy hosts are too few.
fn is_panic(view: &View<'_>, healthy: usize) -> bool {
    let level = EnvoyLevel {
        healthy: healthy as u64,
        degraded: 0,
        total: view.cluster.endpoints.len() as u64,
    };
    let loads = envoy_priorities(
        &[level],
        view.cluster.overprovisioning,
        view.cluster.panic.0,
    );
    loads.iter().any(|load| load.panic)
}

/// Whether enough hosts can be unhealthy: outlier detection alone ejects only some.
fn is_reachable(view: &View<'_>) -> bool {
    let most = view
        .cluster
        .value
        .at(&["outlier_detection", "max_ejection_percent"]);
    is_checked(view)
        || most
            .and_then(Value::number)
            .is_some_and(|most| 100.0 - most < view.cluster.panic.0)
}

/// ENV-006: ejection of many, or for long.
pub(super) fn ejected(view: &View<'_>, report: &mut Report) {
    if let Some(outlier) = view.cluster.value.get("outlier_detection") {
        ejects_many(view, outlier, report);
        ejects_for_long(view, outlier, report);
    }
}

fn ejects_many(view: &View<'_>, outlier: Value<'_>, report: &mut Report) {
    if let Some(most) = outlier.get("max_ejection_percent")
        && let Some(number) = most.number().filter(|number| *number >= 50.0)
    {
        let left = 100.0 - number.min(100.0);
        let load = if left > 0.0 {
            format!("the others then get {:.1} times their share", 100.0 / left)
        } else {
            "none may be left".to_owned()
        };
        report
            .add(
                &EJECTED,
                most.place(),
                format!("up to {number:.0} % of the hosts may be ejected at once: {load}"),
                "set `max_ejection_percent` to 10 to 30",
            )
            .pool(view.name())
            .subject("max_ejection_percent");
    }
}

fn ejects_for_long(view: &View<'_>, outlier: Value<'_>, report: &mut Report) {
    let hosts = view.cluster.endpoints.len();
    let base = outlier.get("base_ejection_time");
    if let Some((base, time)) = base
        .and_then(|base| Some((base, duration(base)?)))
        .filter(|(_, time)| *time > 300.0)
    {
        let rest = if hosts > 1 {
            format!(
                "meanwhile each of the others gets {} instead of {}",
                percent(1.0 / (hosts - 1) as f64),
                percent(1.0 / hosts as f64)
            )
        } else {
            "meanwhile the others get its share".to_owned()
        };
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates"
        )]
        let told = seconds(time as u64);
        report
            .add(
                &EJECTED,
                base.place(),
                format!(
                    "a host is ejected for {told} at first, and longer each further time: {rest}"
                ),
                "use the default of 30 s",
            )
            .pool(view.name())
            .subject("base_ejection_time");
    }
}

/// ENV-018: neither active nor passive checks.
pub(super) fn no_checks(view: &View<'_>, report: &mut Report) {
    let cluster = view.cluster;
    let passive = cluster.value.get("outlier_detection").is_some();
    let several =
        cluster.endpoints.len() > 1 || cluster.endpoints.iter().any(|host| host.address.is_name());
    let found = matches!(cluster.discovery, Discovery::Static | Discovery::StrictDns);
    if is_checked(view) || passive || !several || !found || !view.pool.used {
        return;
    }
    let told = match &view.nominal {
        Some(shares) if cluster.endpoints.len() > 1 => {
            let most = shares.iter().copied().fold(0.0, f64::max);
            format!(
                "one that fails keeps its share, up to {} of {}",
                percent(most),
                view.pool.units()
            )
        }
        _ => "one that fails keeps its share".to_owned(),
    };
    // A single name may be a single host.
    let severity = if cluster.endpoints.len() > 1 {
        Severity::Warning
    } else {
        Severity::Note
    };
    report
        .add(
            &NO_CHECKS,
            cluster.name.place,
            format!("`{}` has neither `health_checks` nor `outlier_detection`, so that all hosts count as healthy: {told}", view.name()),
            "add `health_checks`, or `outlier_detection: {}` for its defaults",
        )
        .severity(severity)
        .pool(view.name());
}
