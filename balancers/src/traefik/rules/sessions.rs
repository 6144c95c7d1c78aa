//! Clients that are bound to servers: TRF-009.

use super::STICKY;
use crate::finding::Report;
use crate::text::percent;
use crate::traefik::compose::Split;
use crate::traefik::pools::{View, pool_name};
use crate::traefik::service::Service;

/// TRF-009: a cookie without end.
pub(super) fn sticky(view: &View<'_>, report: &mut Report) {
    told(view.service, view.live(), "server", report);
}

/// The same of compositions.
pub(super) fn sticky_split(split: &Split<'_>, report: &mut Report) {
    let live = split.pool.in_rotation().count();
    told(split.service, live, "service", report);
}

fn told(service: &Service<'_>, live: usize, thing: &str, report: &mut Report) {
    let Some((place, false)) = service.cookie() else {
        return;
    };
    if live < 2 {
        return;
    }
    report
        .add(
            &STICKY,
            place,
            format!(
                "the cookie binds a client until its browser is closed: a {thing} that joins these {live} gets only new sessions, 0 % at first instead of {}",
                percent(1.0 / (live + 1) as f64)
            ),
            "set `maxAge` to as long as a session needs, in seconds, or keep sessions where all servers find them",
        )
        .pool(&pool_name(service));
}
