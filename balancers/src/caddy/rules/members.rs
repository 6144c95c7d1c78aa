//! Which upstreams there are: CAD-007, CAD-012.

use std::collections::BTreeMap;

use super::{ONE_NAME, TWICE};
use crate::caddy::policy::Policy;
use crate::caddy::pools::View;
use crate::finding::Report;
use crate::text::percent;

/// CAD-007: the same address again.
pub(super) fn twice(view: &View<'_>, report: &mut Report) {
    let upstreams = &view.proxy.upstreams;
    let mut seen = BTreeMap::new();
    let mut parts: BTreeMap<String, f64> = BTreeMap::new();
    for (server, share) in view.pool.members() {
        *parts.entry(server.address.key()).or_default() += share.low();
    }
    let fair = 1.0 / parts.len() as f64;
    for upstream in upstreams {
        let key = upstream.address.key();
        let Some(first) = seen.get(&key).copied() else {
            seen.insert(key, upstream.place);
            continue;
        };
        let message = if view.proxy.policy.is_hash() {
            format!(
                "{} is here a second time: keys go to where it stands first, and this entry gets none",
                upstream.dial
            )
        } else {
            format!(
                "{} is here a second time: it will get {} of {} instead of {}",
                upstream.dial,
                percent(parts.get(&key).copied().unwrap_or_default()),
                view.pool.units(),
                percent(fair)
            )
        };
        view.add(
            report,
            &TWICE,
            upstream.place,
            message,
            "remove one of the two; `weighted_round_robin` gives weights",
        )
        .subject(&key)
        .related(first, "the first time");
    }
}

/// CAD-012: a name that DNS may answer with several addresses.
pub(super) fn one_name(view: &View<'_>, report: &mut Report) {
    let upstreams = &view.proxy.upstreams;
    let mut named = upstreams
        .iter()
        .filter(|upstream| upstream.address.is_name() && !is_here(upstream.dial));
    let Some(upstream) = named.next().filter(|_| view.proxy.sources.is_empty()) else {
        return;
    };
    let share = view
        .pool
        .members()
        .find(|(server, _)| server.place == upstream.place)
        .map_or(0.0, |(_, share)| share.low());
    let others = match named.count() {
        0 => String::new(),
        more => format!(" ({more} more likewise)"),
    };
    let policy = match view.proxy.policy {
        Policy::First if share <= 0.0 => "what it gets".to_owned(),
        _ => format!("its {} of {}", percent(share), view.pool.units()),
    };
    view.add(
        report,
        &ONE_NAME,
        upstream.place,
        format!(
            "`{}` is one upstream{others}: if the name has several addresses, {policy} go to the one that is tried first when a connection is opened, and are not balanced",
            upstream.dial
        ),
        "use `dynamic_upstreams` with the source `a`, which makes each address an upstream",
    )
    .subject(upstream.dial);
}

/// Whether a name is this host's own.
fn is_here(dial: &str) -> bool {
    dial.starts_with("localhost:") || dial.starts_with(':')
}
