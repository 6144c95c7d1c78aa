//! The directives that decide who gets traffic, gathered from the whole configuration.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::pass::{Destination, Pass, pass};
use super::token::Word;
use super::tree::Directive;
use super::upstream::{Upstream, upstream};
use crate::configuration::Unresolved;
use crate::model::{Traffic, Workers};
use crate::source::Place;

/// What is known of a configuration.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) workers: Workers,
    /// Where they are set.
    pub(super) workers_place: Option<Place>,
    /// Whether the main context was read, and not only a file that others include.
    pub(super) whole: bool,
    pub(super) upstreams: Vec<Upstream>,
    pub(super) passes: Vec<Pass>,
    pub(super) splits: Vec<Split>,
}

/// A `split_clients` block.
#[derive(Clone, Debug)]
pub(super) struct Split {
    pub(super) traffic: Traffic,
    pub(super) key: Word,
    /// With its `$`.
    pub(super) variable: Word,
    /// In percent, `None` for `*`; and the value.
    pub(super) parts: Vec<(Option<f64>, Word)>,
}

/// What holds at one point of the configuration, inherited by the blocks within.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    /// `set_real_ip_from`.
    pub(super) real_ip: bool,
    /// `proxy_protocol` on what listens: whatever connects is a proxy, and its address stays the client's until `set_real_ip_from`.
    pub(super) proxied: bool,
    /// The addresses of `listen`, as written.
    pub(super) listens: Rc<Vec<String>>,
    /// `proxy_http_version`.
    pub(super) http_version: Option<String>,
    /// Whether `proxy_set_header Connection ""` holds.
    pub(super) connection_cleared: bool,
    /// Whether `Upgrade` is passed on, as for WebSocket.
    pub(super) upgrade: Option<Place>,
}

/// Gathers what is known from all directives.
pub(super) fn config(directives: &[Directive]) -> Config {
    let mut config = Config {
        workers: Workers::Unknown,
        workers_place: None,
        whole: false,
        upstreams: Vec::new(),
        passes: Vec::new(),
        splits: Vec::new(),
    };
    config.whole = directives
        .iter()
        .any(|directive| directive.is("http") || directive.is("stream") || directive.is("events"));
    if config.whole {
        // nginx' default.
        config.workers = Workers::Number(1);
        for directive in directives {
            config.main(directive);
        }
    } else {
        let traffic = fragment(directives);
        config.block(directives, traffic, &Scope::default());
    }
    config
}

/// What a file without `http` or `stream` is about: an address without scheme directly in a `server` is of `stream`.
fn fragment(directives: &[Directive]) -> Traffic {
    let servers = directives.iter().filter(|directive| directive.is("server"));
    let mut passes = servers
        .flat_map(Directive::children)
        .filter(|directive| directive.is("proxy_pass"))
        .filter_map(|directive| directive.arg(0));
    match passes.next() {
        Some(word) if !word.text.contains("://") => Traffic::Connections,
        _ => Traffic::Requests,
    }
}

impl Config {
    fn main(&mut self, directive: &Directive) {
        match directive.name.text.as_str() {
            "worker_processes" => {
                self.workers_place = Some(directive.name.place);
                let word = directive.arg(0).map(|word| word.text.as_str());
                self.workers = match word {
                    Some("auto") => Workers::PerCpu,
                    Some(number) => number.parse().map_or(Workers::Unknown, Workers::Number),
                    None => Workers::Unknown,
                };
            }
            "http" => self.block(directive.children(), Traffic::Requests, &Scope::default()),
            "stream" => self.block(
                directive.children(),
                Traffic::Connections,
                &Scope::default(),
            ),
            _ => {}
        }
    }

    /// What is in `http`, `stream`, `server`, `location`, and in whatever may be within those.
    fn block(&mut self, directives: &[Directive], traffic: Traffic, around: &Scope) {
        let scope = around.with(directives);
        for directive in directives {
            match directive.name.text.as_str() {
                "upstream" => self.upstreams.extend(upstream(directive, traffic)),
                "split_clients" => self.splits.extend(split(directive, traffic)),
                _ => {
                    self.passes.extend(pass(directive, traffic, &scope));
                    if directive.block.is_some() {
                        self.block(directive.children(), traffic, &scope);
                    }
                }
            }
        }
    }

    /// Upstreams by traffic and name; nginx compares names without regard to case.
    pub(super) fn by_name(&self) -> BTreeMap<(Traffic, String), usize> {
        let named = self.upstreams.iter().enumerate();
        named
            .map(|(index, upstream)| ((upstream.traffic, lower(&upstream.name)), index))
            .collect()
    }
}

impl Config {
    /// What sends traffic where only variables say.
    pub(super) fn unresolved(&self) -> Vec<Unresolved> {
        let variable = |pass: &&Pass| matches!(pass.target, Destination::Variable { .. });
        let passes = self.passes.iter().filter(variable);
        passes
            .map(|pass| Unresolved {
                written: pass.word.text.clone(),
                traffic: pass.traffic,
                place: pass.word.place,
            })
            .collect()
    }
}

/// A word in lower case, as nginx compares names.
pub(super) fn lower(word: &Word) -> String {
    word.text.to_ascii_lowercase()
}

impl Scope {
    /// What holds in a block with these directives.
    fn with(&self, directives: &[Directive]) -> Self {
        let mut scope = self.clone();
        let headers = || directives.iter().filter(|line| line.is("proxy_set_header"));
        // Headers are inherited all or none.
        if headers().next().is_some() {
            scope.connection_cleared = false;
            scope.upgrade = None;
        }
        for line in directives {
            scope.take(line);
        }
        scope
    }

    fn take(&mut self, line: &Directive) {
        let arg = |index: usize| line.arg(index).map_or("", |word| word.text.as_str());
        match line.name.text.as_str() {
            "set_real_ip_from" => self.real_ip = true,
            "listen" => {
                self.proxied |= line.args.iter().any(|word| word.text == "proxy_protocol");
                Rc::make_mut(&mut self.listens).push(arg(0).to_owned());
            }
            "proxy_http_version" => self.http_version = Some(arg(0).to_owned()),
            "proxy_set_header" => {
                if arg(0).eq_ignore_ascii_case("connection") {
                    self.connection_cleared = arg(1).is_empty();
                } else if arg(0).eq_ignore_ascii_case("upgrade") && !arg(1).is_empty() {
                    self.upgrade = Some(line.name.place);
                }
            }
            _ => {}
        }
    }
}

fn split(directive: &Directive, traffic: Traffic) -> Option<Split> {
    let part = |line: &Directive| {
        let percent = line.name.text.strip_suffix('%');
        Some((
            percent.and_then(|percent| percent.parse().ok()),
            line.arg(0)?.clone(),
        ))
    };
    Some(Split {
        traffic,
        key: directive.arg(0)?.clone(),
        variable: directive.arg(1)?.clone(),
        parts: directive.children().iter().filter_map(part).collect(),
    })
}
