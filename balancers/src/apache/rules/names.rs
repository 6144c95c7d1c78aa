//! DNS names: APA-010.

use std::collections::BTreeSet;

use super::{RESOLVED_ONCE, likewise};
use crate::apache::config::Config;
use crate::apache::member::Member;
use crate::apache::pass::Target;
use crate::apache::pools::View;
use crate::finding::Report;
use crate::model;

const HELP: &str = "write one member per address, or set `disablereuse=On` (each request asks DNS) or `addressttl` (httpd 2.4.59 and later)";

/// Whether it is a name that leaves the host and is asked for once.
fn is_fixed(member: &Member) -> bool {
    let remote = match &member.url.address.target {
        model::Target::Name { host, .. } => host != "localhost" && !host.ends_with(".localhost"),
        _ => false,
    };
    remote && member.disable_reuse != Some(true) && !member.address_ttl
}

/// APA-010, in balancers.
pub(super) fn members(view: &View<'_>, report: &mut Report) {
    let mut fixed = view
        .balancer
        .members
        .iter()
        .filter(|member| is_fixed(member) && member.status.out().is_none());
    let Some(first) = fixed.next() else { return };
    let message = format!(
        "{}{} counts as one member however many addresses it has: each process resolves it once and sends 100 % of its part to the first address, others get 0 %, and one that DNS drops keeps its part",
        first.title(),
        likewise(fixed.count()),
    );
    view.add(report, &RESOLVED_ONCE, first.word.place, message, HELP)
        .subject(&first.title());
}

/// APA-010, where a URL stands in the place of a balancer's.
pub(super) fn passes(config: &Config, report: &mut Report) {
    let mut seen = BTreeSet::new();
    for pass in &config.passes {
        let Target::Server(url) = &pass.target else {
            continue;
        };
        let member = Member::new(&pass.url, url.clone(), &pass.params);
        let key = url.address.key();
        if !is_fixed(&member) || !seen.insert(key.clone()) {
            continue;
        }
        let message = format!(
            "each process resolves {key} once and sends all requests to its first address: others get 0 %, also those that DNS adds later"
        );
        report
            .add(&RESOLVED_ONCE, pass.url.place, message, HELP)
            .pool(&key)
            .subject(&key);
    }
}
