//! Weights: TRF-002, TRF-012.

use super::{LEFT_OUT, WEIGHTS};
use crate::finding::{Report, Severity};
use crate::text::{list, percent};
use crate::traefik::compose::Split;
use crate::traefik::pools::View;
use crate::traefik::service::{Part, Server};

/// TRF-002: servers that Traefik leaves out without a word.
pub(super) fn left_out(view: &View<'_>, report: &mut Report) {
    if !view.balancer.strategy.weighs() {
        return;
    }
    let servers = &view.balancer.servers;
    let live = view.live();
    for server in servers.iter().filter(|server| server.weight <= 0) {
        let rest = match live {
            0 => "no server is left, and all requests are answered 503".to_owned(),
            live => format!(
                "it gets 0 % of {}, and each of the {live} others carries {:.2} times its part",
                view.pool.units(),
                servers.len() as f64 / live as f64
            ),
        };
        let severity = if live == 0 || server.weight < 0 {
            Severity::Error
        } else {
            Severity::Warning
        };
        view.add(
            report,
            &LEFT_OUT,
            server.weight_place.unwrap_or(server.place),
            format!("{} has weight {}: {rest}", server.url, server.weight),
            "remove the server, or give it a weight; for a planned time: `# evenkeel: allow TRF-002 until DATE because ...`",
        )
        .severity(severity)
        .subject(server.url);
    }
}

/// TRF-012: servers of different weight.
pub(super) fn different(view: &View<'_>, report: &mut Report) {
    if !view.balancer.strategy.weighs() {
        return;
    }
    let live = || {
        let servers = view.balancer.servers.iter().zip(view.nominal);
        servers.filter(|(_, share)| **share > 0.0)
    };
    let weight = |(server, _): &(&Server<'_>, &f64)| server.weight;
    let (Some((heavy, share)), Some((light, _))) =
        (live().rev().max_by_key(weight), live().min_by_key(weight))
    else {
        return;
    };
    if heavy.weight == light.weight {
        return;
    }
    view.add(
        report,
        &WEIGHTS,
        heavy
            .weight_place
            .or(light.weight_place)
            .unwrap_or(heavy.place),
        format!(
            "{} has weight {}, others down to {}: it will get {} of {} instead of {}",
            heavy.url,
            heavy.weight,
            light.weight,
            percent(*share),
            view.pool.units(),
            percent(1.0 / live().count() as f64)
        ),
        HELP,
    )
    .severity(severity(heavy.weight, light.weight))
    .subject(heavy.url);
}

const HELP: &str = "when a change is over, remove the weights; if the machines differ, say why: `# evenkeel: allow TRF-012 because ...`";

/// Near weights are worth a note.
fn severity(most: i64, least: i64) -> Severity {
    if (most as f64) < 1.5 * least as f64 {
        Severity::Note
    } else {
        Severity::Warning
    }
}

/// TRF-012 and TRF-002 for compositions: a canary that was left, and weights below 0.
pub(super) fn split(split: &Split<'_>, report: &mut Report) {
    let Some(parts) = split.service.parts() else {
        return;
    };
    for part in parts.iter().filter(|part| part.weight < 0) {
        report
            .add(
                &LEFT_OUT,
                part.weight_place.unwrap_or(part.place),
                format!("`{}` has weight {}: it gets 0 %", part.name, part.weight),
                "write 0 if it is to get nothing",
            )
            .severity(Severity::Error)
            .pool(&split.pool.name)
            .subject(part.name);
    }
    let live = || parts.iter().filter(|part| part.weight > 0);
    let weight = |part: &&Part<'_>| part.weight;
    let (Some(heavy), Some(light)) = (live().rev().max_by_key(weight), live().min_by_key(weight))
    else {
        return none_left(split, parts, report);
    };
    if heavy.weight == light.weight {
        return;
    }
    let told = split.pool.in_rotation().map(|(server, share)| {
        let through = server.labels.get("through");
        let through = through.map_or_else(String::new, |name| format!(" through `{name}`"));
        format!("`{}`{through} {}", server.title(), percent(share.low()))
    });
    report
        .add(
            &WEIGHTS,
            light
                .weight_place
                .or(heavy.weight_place)
                .unwrap_or(light.place),
            format!("traffic is shared out by weight: {}", list(told.collect())),
            HELP,
        )
        .severity(severity(heavy.weight, light.weight))
        .pool(&split.pool.name)
        .subject(light.name);
}

/// A composition of which no part has a weight.
fn none_left(split: &Split<'_>, parts: &[Part<'_>], report: &mut Report) {
    let Some(part) = parts.first() else { return };
    report
        .add(
            &LEFT_OUT,
            part.weight_place.unwrap_or(part.place),
            "no service has a weight above 0: 100 % of the traffic fails",
            "give a weight to one of them",
        )
        .severity(Severity::Error)
        .pool(&split.pool.name)
        .subject(part.name);
}
