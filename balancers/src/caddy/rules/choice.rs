//! Policies that prefer the first upstream: CAD-003, CAD-005.

use super::{FIRST, FIRST_CHOSEN};
use crate::caddy::policy::Policy;
use crate::caddy::pools::View;
use crate::configuration::Options;
use crate::finding::{Report, Severity};
use crate::text::percent;
use crate::version::Version;

/// Versions below draw the sample otherwise: 2.6.2 and 2.11.4 do, 2.11.7 does not.
const SINCE: Version = Version(2, 11, 5);

/// CAD-003: of the sample, which keeps the pool's order, the first upstream without requests is taken.
pub(super) fn random_choose(view: &View<'_>, options: &Options, report: &mut Report) {
    let Policy::RandomChoose(choose) = view.proxy.policy else {
        return;
    };
    let upstreams = &view.proxy.upstreams;
    let Some(first) = upstreams.first().filter(|_| view.distinct() > 1) else {
        return;
    };
    if options.version.is_some_and(|version| version < SINCE) {
        return;
    }
    let many = upstreams.len();
    let sample = usize::try_from(choose).unwrap_or(many).min(many);
    // Caddy refuses a sample of one.
    if sample < 2 {
        return;
    }
    let rest = match many - sample {
        0 => "all others get none".to_owned(),
        _ if sample == 2 => format!("{} gets none", upstreams[1].dial),
        _ => format!(
            "{} and the {} after it get none",
            upstreams[1].dial,
            sample - 2
        ),
    };
    view.add(
        report,
        &FIRST_CHOSEN,
        view.proxy.policy_place,
        format!(
            "while no requests are in progress, {} gets {} of the requests (in Caddy 2.11.7), and {rest}: of the {sample} that are drawn the first idle one is taken, in the order of the list",
            first.dial,
            percent(sample as f64 / many as f64),
        ),
        "use `least_conn`, which draws among all that have the fewest requests",
    )
    .subject(first.dial);
}

/// CAD-005: one does the work.
pub(super) fn first(view: &View<'_>, report: &mut Report) {
    let upstreams = &view.proxy.upstreams;
    if view.proxy.policy != Policy::First || view.distinct() < 2 || !view.proxy.sources.is_empty() {
        return;
    }
    let limit = view.proxy.passive("unhealthy_request_count").is_some();
    let severity = if limit || upstreams[0].max_requests.is_some() {
        Severity::Note
    } else {
        Severity::Warning
    };
    view.add(
        report,
        &FIRST,
        view.proxy.policy_place,
        format!(
            "{} gets 100 % of the requests while it is available, and {} idle; then the next gets 100 %",
            upstreams[0].dial,
            match upstreams.len() {
                2 => "the other is".to_owned(),
                many => format!("the {} others are", many - 1),
            }
        ),
        "use `least_conn` or `round_robin`, unless the others are spares",
    )
    .severity(severity)
    .subject(upstreams[0].dial);
}
