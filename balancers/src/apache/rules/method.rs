//! How members are chosen: APA-004, APA-019.

use super::{BY_TRAFFIC, PERSIST};
use crate::apache::balancer::Method;
use crate::apache::config::Config;
use crate::apache::pools::View;
use crate::finding::Report;
use crate::text::percent;

/// APA-004: bytraffic.
pub(super) fn by_traffic(view: &View<'_>, report: &mut Report) {
    let live = view.live().count();
    if view.method != Method::ByTraffic || live < 2 {
        return;
    }
    let written = view.settings.method.as_ref();
    let place = written.map_or(view.balancer.place, |(_, place)| *place);
    let message = format!(
        "bytes are evened out, not requests, and over all the time since the start: a member that comes back after a failure gets up to 100 % of the requests instead of {} until it has as many bytes as the other {}",
        percent(1.0 / live as f64),
        live - 1,
    );
    let help = "use `lbmethod=byrequests`, or `bybusyness` if requests differ much";
    view.add(report, &BY_TRAFFIC, place, message, help);
}

/// APA-019: `BalancerPersist On`.
pub(super) fn persist(config: &Config, report: &mut Report) {
    let Some(place) = config.persist else { return };
    report.add(
        &PERSIST,
        place,
        "load factors, states and routes that were changed by balancer-manager hold after a restart too: shares may not be those of this file",
        "look at balancer-manager, or leave `BalancerPersist` out",
    );
}
