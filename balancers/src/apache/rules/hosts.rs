//! Balancers of the main server in virtual hosts: APA-012, APA-013, APA-014.

use std::collections::HashMap;

use super::{MEMBERS_LOST, METHOD_LOST, NOBODY};
use crate::apache::balancer::{Balancer, Method};
use crate::apache::config::Config;
use crate::apache::pools::{View, method_in};
use crate::finding::Report;
use crate::text::count;

/// APA-012: `ProxyPass` in a virtual host, to a balancer with a method of its own.
pub(super) fn method_lost(config: &Config, view: &View<'_>, report: &mut Report) {
    let balancer = view.balancer;
    let Some((method, there)) = &balancer.settings.method else {
        return;
    };
    if *method == Method::ByRequests {
        return;
    }
    let own = |host: usize| {
        config
            .own(host, &balancer.name)
            .filter(|_| host != balancer.host)
    };
    let mut lost = view.users.iter().filter(|user| {
        user.defines
            && own(user.host).is_some_and(|own| own.settings.method.is_none())
            && method_in(config, balancer, user.host) != *method
    });
    let Some(first) = lost.next() else { return };
    let others = lost.filter(|user| user.host != first.host).count();
    let name = method.name();
    let message = format!(
        "a `ProxyPass` in a virtual host makes a copy of the balancer there, whose method is byrequests: requests of {} follow load factors, not {name}",
        count(others + 1, "virtual host"),
    );
    let help = format!(
        "add `lbmethod={name}` to this ProxyPass, or move the balancer into the virtual host"
    );
    view.add(report, &METHOD_LOST, first.url.place, message, help)
        .related(*there, "the method that is lost");
}

/// APA-013: members in a virtual host, of a balancer that the main server has as well.
pub(super) fn members_lost(config: &Config, report: &mut Report) {
    for balancer in &config.balancers {
        let Some(member) = balancer.members.first() else {
            continue;
        };
        let meant = config.meant(balancer.host, &balancer.name);
        let meant = meant.and_then(|index| config.balancers.get(index));
        let Some(main) = meant.filter(|meant| meant.host != balancer.host) else {
            continue;
        };
        let message = format!(
            "the main server has a balancer of this name, whose {} replace the {} here: {} gets 0 % of the requests",
            count(main.members.len(), "member"),
            balancer.members.len(),
            member.title(),
        );
        report
            .add(
                &MEMBERS_LOST,
                member.word.place,
                message,
                "give the balancer in the virtual host a name of its own",
            )
            .pool(&balancer.name)
            .subject(&member.title())
            .related(main.place, "the one that is used");
    }
}

/// APA-014: balancers without members that requests are sent to.
pub(super) fn empty(config: &Config, report: &mut Report) {
    let with_members = config
        .balancers
        .iter()
        .rev()
        .filter(|other| !other.members.is_empty());
    let named: HashMap<&str, &Balancer> = with_members
        .map(|other| (other.name.as_str(), other))
        .collect();
    let passed = |balancer: &&Balancer| config.whole && balancer.members.is_empty();
    for balancer in config.balancers.iter().filter(passed) {
        let meant = config.meant(balancer.host, &balancer.name);
        let meant = meant.and_then(|index| config.balancers.get(index));
        let lost = meant.is_some_and(|meant| meant.members.is_empty());
        let growing = balancer.settings.growth.is_some();
        if !lost || growing || balancer.passed.is_none() {
            continue;
        }
        let elsewhere = named.get(balancer.name.as_str());
        let message =
            "the balancer has no member here: 100 % of the requests are answered with 503";
        let help =
            "name a balancer that has members, in the same virtual host or in the main server";
        report
            .add(&NOBODY, balancer.place, message, help)
            .pool(&balancer.name)
            .related_if(
                elsewhere.map(|other| other.place),
                "its members are in another server",
            );
    }
}
