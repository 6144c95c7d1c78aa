//! Servers that fail their checks together.

use std::collections::BTreeMap;

use super::rules::CHECKS_FAIL;
use super::{Condition, Pool};
use crate::finding::Report;
use crate::model;
use crate::text::count;

/// Finds a check that most servers fail for one reason, which is then hardly theirs.
pub(super) fn check(written: &model::Pool, running: &Pool, report: &mut Report) {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for server in &running.servers {
        if server.condition == Condition::Down
            && let Some(reason) = server.reason.as_deref()
        {
            *reasons.entry(reason).or_default() += 1;
        }
    }
    let most = reasons.into_iter().max_by_key(|(_, count)| *count);
    let Some((reason, failing)) = most else {
        return;
    };
    let all = running.servers.len();
    // One half may have failed with a rack or a zone.
    if failing < 2 || failing * 2 <= all {
        return;
    }
    let message = format!(
        "{failing} of {} fail their health check for the same reason ({reason}): the check asks for what they do not serve, \
         or what all of them need is away",
        count(all, "server")
    );
    let help = "compare the check's path, port and expected answer with what a server gives; then look at what they share";
    report
        .add(&CHECKS_FAIL, written.place, message, help)
        .pool(&written.name);
}
