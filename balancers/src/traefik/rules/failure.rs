//! Servers that fail: TRF-007.

use super::NO_CHECKS;
use crate::finding::Report;
use crate::text::percent;
use crate::traefik::field;
use crate::traefik::pools::View;
use crate::traefik::service::{Protocol, Strategy};

/// TRF-007: neither active nor passive checks. Of UDP Traefik has none.
pub(super) fn no_checks(view: &View<'_>, report: &mut Report) {
    let passive = field(view.service.value, "passiveHealthCheck").is_some();
    let checked = view.service.health.is_some() || passive;
    if checked || view.live() < 2 || view.service.protocol == Protocol::Udp || !view.pool.used {
        return;
    }
    let most = percent(view.nominal.iter().copied().fold(0.0, f64::max));
    let told = match view.balancer.strategy {
        Strategy::P2c | Strategy::LeastTime => format!(
            "one that refuses requests answers fast and has few of them in progress, and gets more than the {most} that are its part"
        ),
        _ => format!(
            "one that fails keeps its share, up to {most} of {}",
            view.pool.units()
        ),
    };
    let help = match view.service.protocol {
        Protocol::Http => {
            "add `healthCheck` with a `path`, or `passiveHealthCheck` with `maxFailedAttempts`"
        }
        _ => "add `healthCheck: {}`, if this version has it for TCP",
    };
    view.add(
        report,
        &NO_CHECKS,
        view.service.place,
        format!(
            "`{}` has no health checks, so that all servers count as up: {told}",
            view.service.name
        ),
        help,
    );
}
