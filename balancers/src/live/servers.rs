//! Compares one server: weight, address, state.

use super::compare::Context;
use super::rules::{BY_HAND, NOT_LOADED, NOT_WELL, OTHER_SERVERS};
use super::{Condition, Server};
use crate::finding::{Report, Severity};
use crate::live;
use crate::model::{self, Pool, State, Target};
use crate::text::percent;

/// A server that runs, in its pool.
type Running<'l> = (&'l live::Pool, &'l Server);

pub(super) fn compare(
    pool: &Pool,
    written: &model::Server,
    running: Running<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    weight(pool, written, running, context, report);
    address(pool, written, running.1, report);
    state(pool, written, running, report);
}

fn weight(
    pool: &Pool,
    written: &model::Server,
    (all, running): Running<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let loaded = running.loaded_weight.unwrap_or(running.weight);
    let title = running.title();
    let part = |weight| {
        let part = all.part(running, weight);
        part.map_or_else(String::new, |part| {
            format!(" ({} of the weight in rotation)", percent(part))
        })
    };
    let (now, before) = (running.weight, part(loaded));
    if now != loaded {
        let message = format!(
            "the weight of {title} is {now}{} since it was changed at run time; it was loaded with {loaded}{before}",
            part(now)
        );
        let help = "write the weight that is meant into the configuration, or set the loaded one again: the next reload does";
        // That is what an agent is for.
        let severity = milder_if(running.has_agent);
        report
            .add(&NOT_LOADED, written.place, message, help)
            .pool(&pool.name)
            .subject(title)
            .severity(severity);
    }
    let differs = (written.weight - f64::from(loaded)).abs() > 1e-9;
    if differs && !context.has_unknown_weights() {
        let message = format!(
            "{title} was loaded with a weight of {loaded}{before}; the configuration says {}{}",
            written.weight,
            whole(written.weight).map_or_else(String::new, part)
        );
        let help = "reload, and look whether that succeeds; or restore what runs";
        report
            .add(&NOT_LOADED, written.place, message, help)
            .pool(&pool.name)
            .subject(title);
    }
}

/// A weight as the running product counts it.
fn whole(weight: f64) -> Option<u32> {
    let fits = weight.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&weight);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is whole, and in the range"
    )]
    fits.then_some(weight as u32)
}

fn address(pool: &Pool, written: &model::Server, running: &Server, report: &mut Report) {
    let (Target::Ip(address), Some(now)) = (&written.address.target, running.socket()) else {
        return;
    };
    if *address == now || written.labels.contains_key("slots") {
        return;
    }
    let title = running.title();
    let message = format!("{title} is at {now} now; the configuration says {address}");
    let help =
        "write the address that is meant into the configuration, or the next start goes back";
    report
        .add(&OTHER_SERVERS, written.place, message, help)
        .pool(&pool.name)
        .subject(title);
}

fn state(pool: &Pool, written: &model::Server, running: Running<'_>, report: &mut Report) {
    let server = running.1;
    let out = matches!(
        written.state,
        State::Down | State::Drained | State::Disabled
    );
    match server.condition {
        Condition::Up | Condition::Starting if written.state == State::Down => {
            put_in(pool, written, server, report);
        }
        Condition::Drained | Condition::Maintenance if !out => {
            taken_out(pool, written, running, report);
        }
        // Without weight it has no part that others could get.
        Condition::Down | Condition::Ejected | Condition::Unresolved if server.weight > 0 => {
            not_well(pool, written, running, report);
        }
        _ => {}
    }
}

fn put_in(pool: &Pool, written: &model::Server, server: &Server, report: &mut Report) {
    let title = server.title();
    let message = format!(
        "{title} is in use since it was enabled at run time; the configuration disables it"
    );
    let help = "take out what disables it, or the next start does so again";
    report
        .add(&BY_HAND, written.place, message, help)
        .pool(&pool.name)
        .subject(title);
}

fn taken_out(
    pool: &Pool,
    written: &model::Server,
    (all, server): Running<'_>,
    report: &mut Report,
) {
    let message = format!(
        "{} is {}{}, which the configuration does not say: {}",
        server.title(),
        server.condition.words(),
        because(server),
        without(all, server)
    );
    let help = "set it ready again when the work is done; if it is to stay out, write that into the configuration";
    report
        .add(&BY_HAND, written.place, message, help)
        .pool(&pool.name)
        .subject(server.title());
}

fn not_well(pool: &Pool, written: &model::Server, (all, server): Running<'_>, report: &mut Report) {
    let message = format!(
        "{} is {}{}: {}",
        server.title(),
        server.condition.words(),
        because(server),
        without(all, server)
    );
    let help = "look at the server, and at what the check asks it for";
    // Nobody gets more for a backup.
    let severity = milder_if(server.backup);
    report
        .add(&NOT_WELL, written.place, message, help)
        .pool(&pool.name)
        .subject(server.title())
        .severity(severity);
}

const fn milder_if(mild: bool) -> Severity {
    if mild {
        Severity::Note
    } else {
        Severity::Warning
    }
}

fn because(server: &Server) -> String {
    let reason = server.reason.as_ref();
    reason.map_or_else(String::new, |reason| format!(" ({reason})"))
}

/// What that means for the others.
fn without(all: &live::Pool, server: &Server) -> String {
    if server.backup {
        return "it cannot stand in for others".to_owned();
    }
    let others = all
        .servers
        .iter()
        .filter(|other| other.is_in_rotation() && !other.backup);
    match (others.count(), all.part(server, server.weight)) {
        (0, _) => "no server of its pool is in rotation".to_owned(),
        (_, Some(part)) => format!(
            "others get the {} that would be its part by weight",
            percent(part)
        ),
        (_, None) => "others get its part".to_owned(),
    }
}
