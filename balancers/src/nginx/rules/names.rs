//! DNS names where addresses could stand: NGX-003, NGX-004.

use std::collections::BTreeSet;

use super::{MIXED, RESOLVED_ONCE};
use crate::configuration::Options;
use crate::finding::Report;
use crate::model::{Address, Target};
use crate::nginx::config::Config;
use crate::nginx::pass::Destination;
use crate::nginx::pools::View;
use crate::nginx::server::Server;
use crate::text::{list, percent};
use crate::version::Version;

/// Since when `resolve` is in the open-source version.
const RESOLVE: Version = Version(1, 27, 3);

/// NGX-003: names among addresses.
pub(super) fn mixed(view: &View<'_>, report: &mut Report) {
    let live = || view.live().map(|(_, server)| server);
    let Some(name) = live().find(|server| server.address.is_name()) else {
        return;
    };
    // On the ring all addresses of a name share its points.
    if view.upstream.choice().is_ring() || live().all(|server| server.address.is_name()) {
        return;
    }
    let sum: f64 = live().map(|server| server.weight as f64).sum();
    let weight = name.weight as f64;
    let local = if is_localhost(&name.address) {
        " (`localhost` usually has two: 127.0.0.1 and ::1)"
    } else {
        ""
    };
    let message = format!(
        "{} counts once for each of its addresses{local}: with one it will get {} of {}, with two {}, with three {}",
        name.address,
        percent(weight / sum),
        view.units(),
        percent(2.0 * weight / (sum + weight)),
        percent(3.0 * weight / (sum + 2.0 * weight)),
    );
    view.add(
        report,
        &MIXED,
        name.place,
        message,
        "write one address per server, or all of them by one name",
    )
    .subject(&name.address.key());
}

/// NGX-004, in upstreams.
pub(super) fn resolved_once(view: &View<'_>, options: &Options, report: &mut Report) {
    let is_fixed = |server: &&Server| {
        let remote = server.address.is_name() && !is_localhost(&server.address);
        remote && !server.resolve && server.down.is_none()
    };
    let names: Vec<&Server> = view.upstream.servers.iter().filter(is_fixed).collect();
    let Some(first) = names.first() else { return };
    let told = list(
        names
            .iter()
            .map(|server| server.address.to_string())
            .collect(),
    );
    let message = format!(
        "{told} {} resolved once, when nginx starts or reloads: addresses that DNS adds later get 0 % of {}, and those that it drops keep their part",
        if names.len() == 1 { "is" } else { "are" },
        view.units(),
    );
    let help = match options.version {
        Some(version) if version < RESOLVE => {
            format!(
                "nginx {version} has no `resolve`: write addresses, or use a variable in proxy_pass with `resolver`"
            )
        }
        _ => format!(
            "add `resolve` to the server, and `zone` and `resolver` to the upstream (nginx {RESOLVE} and later)"
        ),
    };
    let mut found = view
        .add(report, &RESOLVED_ONCE, first.place, message, help)
        .subject(&first.address.key());
    for other in names.iter().skip(1).take(9) {
        found = found.related(other.place, "and this");
    }
}

/// NGX-004, where a name stands in the place of an upstream's.
pub(super) fn passes(config: &Config, report: &mut Report) {
    let upstreams = config.by_name();
    let mut seen = BTreeSet::new();
    for pass in &config.passes {
        let Destination::Host { name, address } = &pass.target else {
            continue;
        };
        let declared = upstreams.contains_key(&(pass.traffic, name.clone()));
        // A file that others include may name their upstreams.
        let elsewhere = !config.whole && !name.contains('.');
        if declared || elsewhere || !address.is_name() || is_localhost(address) {
            continue;
        }
        if !seen.insert((pass.traffic, address.key())) {
            continue;
        }
        let message = format!(
            "{address} is resolved once, when nginx starts or reloads: addresses that DNS adds later get 0 %, and those that it drops keep their part"
        );
        let help = "name an upstream whose servers have `resolve`, or put the name in a variable and set `resolver`";
        report
            .add(&RESOLVED_ONCE, pass.word.place, message, help)
            .pool(&address.key())
            .subject(&address.key());
    }
}

/// Names that do not leave the host.
fn is_localhost(address: &Address) -> bool {
    matches!(&address.target, Target::Name { host, .. } if host == "localhost" || host.ends_with(".localhost"))
}
