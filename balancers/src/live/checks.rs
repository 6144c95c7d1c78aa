//! What servers of a pool have in common that they should not: the failure of a check, an address.

use std::collections::BTreeMap;

use super::rules::{CHECKS_FAIL, ONE_ADDRESS};
use super::{Condition, Pool, Server};
use crate::finding::Report;
use crate::model;
use crate::text::{count, list, percent};

/// Both.
pub(super) fn check(written: &model::Pool, running: &Pool, report: &mut Report) {
    failures(written, running, report);
    addresses(written, running, report);
}

/// Finds servers that are written as names and are at one address.
fn addresses(written: &model::Pool, running: &Pool, report: &mut Report) {
    let mut at: BTreeMap<&str, Vec<&Server>> = BTreeMap::new();
    let usable = |server: &&Server| server.is_in_rotation() && !server.backup;
    for server in running.servers.iter().filter(usable) {
        if let (Some(address), Some(_)) = (&server.address, &server.host) {
            at.entry(address).or_default().push(server);
        }
    }
    for (address, servers) in at.into_iter().filter(|(_, servers)| servers.len() > 1) {
        let parts = servers.iter();
        let part: f64 = parts
            .filter_map(|server| running.part(server, server.weight))
            .sum();
        let names = servers.iter().map(|server| server.title().to_owned());
        let message = format!(
            "{} have names that lead to {address}, which gets {} of the weight in rotation; what else the names may stand for \
             gets nothing",
            list(names.collect()),
            percent(part)
        );
        let help = "write the addresses; or add `resolvers`, by which each server of a name gets another of its addresses";
        report
            .add(&ONE_ADDRESS, written.place, message, help)
            .pool(&written.name)
            .subject(address);
    }
}

/// Finds a check that most servers fail for one reason, which is then hardly theirs.
fn failures(written: &model::Pool, running: &Pool, report: &mut Report) {
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
