//! Compares pools: those of a configuration with those that run.

use super::rules::{NOT_LOADED, OTHER_SERVERS};
use super::{checks, servers};
use crate::configuration::Configuration;
use crate::finding::{Report, Severity};
use crate::live;
use crate::live::matching::By;
use crate::model::{Origin, Pool, State, Target};
use crate::source::Sources;
use crate::text::{count, list};

/// What is known of the configuration as a whole.
pub(super) struct Context<'a> {
    pub(super) sources: &'a Sources,
    pub(super) by: By,
    /// Whether parts of it hold under conditions that were not decided, so that what is absent may be meant to be.
    conditional: bool,
}

impl Configuration {
    /// Compares it with what runs, and adds what differs to the findings. `running` are all pools that the product tells
    /// of; pools of which a configuration speaks only by address are not compared.
    pub fn compare(&mut self, running: &[live::Pool]) {
        let context = Context {
            by: By::of(self.product),
            conditional: self.has_line(|line| line.starts_with(".if")),
            sources: &self.sources,
        };
        let mut report = Report::default();
        let written = self.pools.iter();
        for pool in written.filter(|pool| pool.origin == Origin::Declared) {
            match running.iter().find(|found| found.name == pool.name) {
                Some(found) => compare(pool, found, &context, &mut report),
                None => absent(pool, &context, &mut report),
            }
        }
        for found in running {
            let known = self.pools.iter().any(|pool| pool.name == found.name);
            if !known && !found.discovered && !found.servers.is_empty() {
                self.unknown(found, &mut report);
            }
        }
        self.add(report);
    }

    /// Adds that a file was changed after it was loaded; `changed` and `loaded` say when, as users read it.
    pub fn not_loaded(&mut self, file: &str, changed: &str, loaded: &str) {
        let Some(place) = self.sources.top(file) else {
            return;
        };
        let mut report = Report::default();
        let message = format!(
            "this file was changed {changed}, after the configuration was loaded ({loaded}): what it says now is not loaded"
        );
        let help = "reload, and look whether that succeeds; or restore what runs";
        report
            .add(&NOT_LOADED, place, message, help)
            .severity(Severity::Note)
            .subject(file);
        self.add(report);
    }

    /// Keeps the pools that `wanted` chooses, and what was found in them.
    pub fn keep_pools(&mut self, wanted: impl Fn(&Pool) -> bool) {
        self.pools.retain(wanted);
        let kept = |name: &String| self.pools.iter().any(|pool| pool.name == *name);
        self.findings
            .retain(|finding| finding.pool.as_ref().is_some_and(kept));
    }

    fn has_line(&self, wanted: impl Fn(&str) -> bool) -> bool {
        let lines = self.sources.iter().flat_map(|source| source.text.lines());
        lines.map(str::trim_start).any(wanted)
    }

    /// A pool that runs and is not in the configuration. One whose name stands somewhere in it is a part that the
    /// reader passes over.
    fn unknown(&self, pool: &live::Pool, report: &mut Report) {
        let first = self.sources.iter().next();
        let place = first.and_then(|first| self.sources.top(&first.name));
        let named = self.has_line(|line| line.contains(&pool.name));
        let Some(place) = place.filter(|_| !named) else {
            return;
        };
        let message = format!(
            "{} runs with {} and is not in the configuration",
            pool.name,
            count(pool.servers.len(), "server")
        );
        let help = "reload, if it was removed; else write it into the configuration, or the next start loses it";
        report
            .add(&OTHER_SERVERS, place, message, help)
            .pool(&pool.name);
    }
}

fn compare(pool: &Pool, running: &live::Pool, context: &Context<'_>, report: &mut Report) {
    let mut known = Vec::new();
    for written in &pool.servers {
        let found = context.by.find(written, running);
        if found.is_empty() && !context.conditional && is_expected(written) {
            let message = format!(
                "{} is in the configuration and does not run",
                written.title()
            );
            let help = "reload, if it is new; else it was removed at run time, and comes back with the next start";
            report
                .add(&OTHER_SERVERS, written.place, message, help)
                .pool(&pool.name)
                .subject(written.title());
        }
        for server in &found {
            servers::compare(pool, written, (running, server), context, report);
        }
        known.extend(found);
    }
    let extra = running
        .servers
        .iter()
        .filter(|server| !known.iter().any(|found| std::ptr::eq(*found, *server)));
    let extra: Vec<_> = extra.collect();
    added(pool, running, &extra, report);
    checks::check(pool, running, report);
}

/// Whether it should be seen running, and not only if a name resolves.
fn is_expected(written: &crate::model::Server) -> bool {
    written.name.is_some() || matches!(written.address.target, Target::Ip(_) | Target::Unix(_))
}

/// Servers that run and are not in the configuration.
fn added(pool: &Pool, running: &live::Pool, extra: &[&live::Server], report: &mut Report) {
    // The product finds the servers of such a pool by itself.
    if extra.is_empty() || pool.servers.is_empty() {
        return;
    }
    let titles = |server: &&live::Server| server.title().to_owned();
    let parts = extra.iter().filter(|server| server.is_in_rotation());
    let part: f64 = parts
        .filter_map(|server| running.part(server, server.weight))
        .sum();
    let names = list(extra.iter().map(titles).collect());
    let share = crate::text::percent(part);
    let verb = if extra.len() == 1 {
        "runs and is"
    } else {
        "run and are"
    };
    let message =
        format!("{names} {verb} not in the configuration, with {share} of the weight in rotation");
    let help = "reload, if they were removed; else write them into the configuration, or the next start loses them";
    report
        .add(&OTHER_SERVERS, pool.place, message, help)
        .pool(&pool.name)
        .subject(extra[0].title());
}

fn absent(pool: &Pool, context: &Context<'_>, report: &mut Report) {
    let usable = pool
        .servers
        .iter()
        .any(|server| matches!(server.state, State::InRotation | State::Backup));
    if context.conditional || !usable {
        return;
    }
    let message = format!("{} is in the configuration and does not run", pool.name);
    let help = "reload, if it is new; and look whether that succeeds";
    report
        .add(&OTHER_SERVERS, pool.place, message, help)
        .pool(&pool.name);
}

impl Context<'_> {
    /// Whether a word of the configuration that gives a weight may come from a variable.
    pub(super) fn has_unknown_weights(&self) -> bool {
        let unknown = ["weight $", "weight \"$"];
        let mut texts = self.sources.iter().map(|source| &source.text);
        texts.any(|text| unknown.iter().any(|part| text.contains(part)))
    }
}
