//! Lines that undo each other: NGX-017, NGX-018, and sessions: NGX-019.

use super::{KEEPALIVE_FIRST, METHODS, STICKY};
use crate::configuration::Options;
use crate::finding::Report;
use crate::nginx::pools::{KEPT_BY_DEFAULT, View};
use crate::text::{percent, seconds};

/// NGX-017: several methods.
pub(super) fn several(view: &View<'_>, report: &mut Report) {
    let [first, .., last] = view.upstream.methods.as_slice() else {
        return;
    };
    let message = format!(
        "`{}` replaces `{}`: only the last method counts, and nginx merely warns",
        last.choice.name(),
        first.choice.name(),
    );
    view.add(report, &METHODS, last.place, message, "keep one method")
        .related(first.place, "this has no effect");
}

/// NGX-018: `keepalive` before the method.
pub(super) fn keepalive_first(view: &View<'_>, options: &Options, report: &mut Report) {
    let new = options
        .version
        .is_some_and(|version| version >= KEPT_BY_DEFAULT);
    let (Some(keepalive), Some(method)) = (view.upstream.keepalive, view.upstream.methods.last())
    else {
        return;
    };
    if new || !keepalive.before_method {
        return;
    }
    let message = format!(
        "before nginx {KEPT_BY_DEFAULT} `{}`, which comes after `keepalive`, replaces it: no connection of the {} is kept",
        method.choice.name(),
        keepalive.connections,
    );
    view.add(
        report,
        &KEEPALIVE_FIRST,
        keepalive.place,
        message,
        "write `keepalive` after the method",
    )
    .related(method.place, "the method");
}

/// NGX-019: sessions that outlive a change of servers.
pub(super) fn sticky(view: &View<'_>, report: &mut Report) {
    const LONG: u64 = 3600;
    let Some(sticky) = &view.upstream.sticky else {
        return;
    };
    let duration = match (sticky.kind.as_str(), sticky.timeout) {
        ("cookie", _) if !sticky.expires => "until the browser is closed".to_owned(),
        ("learn", Some(timeout)) if timeout > LONG => {
            format!("for {} after its last request", seconds(timeout))
        }
        _ => return,
    };
    let servers = view.live().count();
    let message = format!(
        "a session stays with its server {duration}: a server that joins these {servers} gets new sessions only, and takes long to reach its {}",
        percent(1.0 / (servers + 1) as f64),
    );
    let help = match sticky.kind.as_str() {
        "cookie" => "add `expires=1h`, or what the session needs",
        _ => "use a shorter `timeout`; the default is 10 min",
    };
    view.add(report, &STICKY, sticky.place, message, help);
}
