//! How many requests an upstream takes: CAD-013.

use super::LIMITS;
use crate::caddy::pools::View;
use crate::caddy::proxy::Upstream;
use crate::finding::Report;
use crate::text::percent;
use crate::yaml::Value;

/// CAD-013: limits that differ, or that only some have.
pub(super) fn unequal(view: &View<'_>, report: &mut Report) {
    let upstreams = &view.proxy.upstreams;
    let all = view
        .proxy
        .passive("unhealthy_request_count")
        .and_then(Value::whole)
        .filter(|limit| *limit > 0);
    let limit = |upstream: &Upstream<'_>| upstream.max_requests.map(|(limit, _)| limit).or(all);
    let least = upstreams
        .iter()
        .filter_map(|upstream| Some((limit(upstream)?, upstream)))
        .min_by_key(|(limit, _)| *limit);
    let Some((lowest, upstream)) = least else {
        return;
    };
    if upstreams
        .iter()
        .all(|upstream| limit(upstream) == Some(lowest))
    {
        return;
    }
    let sum = upstreams.iter().try_fold(0_u64, |sum, upstream| {
        Some(sum.saturating_add(limit(upstream)?))
    });
    let told = match sum {
        Some(sum) => format!(
            "when all are full it has {} of the requests in progress instead of {}",
            percent(lowest as f64 / sum as f64),
            percent(1.0 / upstreams.len() as f64)
        ),
        None => "what is more goes to the others, some of which have no limit".to_owned(),
    };
    let place = upstream
        .max_requests
        .map_or(upstream.place, |(_, place)| place);
    view.add(
        report,
        &LIMITS,
        place,
        format!("{} takes at most {lowest} requests at once: {told}", upstream.dial),
        "give all upstreams the same `max_requests`, or set `health_checks.passive.unhealthy_request_count` for all",
    )
    .subject(upstream.dial);
}
