//! Which `ProxyPass` takes a request: APA-015.

use std::collections::HashMap;

use super::HIDDEN;
use crate::apache::config::Config;
use crate::apache::line::Word;
use crate::apache::pass::{Pass, Target};
use crate::finding::Report;

/// Longer paths are not compared, in bytes: no request has them.
const LONGEST: usize = 4096;

/// The paths of one kind of `ProxyPass` in one server, each with the first that has it.
type Paths<'a> = HashMap<String, &'a Pass>;

/// APA-015: paths that another `ProxyPass` takes first. Of those in `<Location>`s the last that matches is taken, before any
/// outside of them; of those the first, where those of the main server come before those of virtual hosts.
pub(super) fn hidden(config: &Config, report: &mut Report) {
    let mut taken: HashMap<(usize, bool), Paths<'_>> = HashMap::new();
    let passes = || config.passes.iter();
    let located = passes().rev().filter(|pass| pass.located);
    let main = passes().filter(|pass| !pass.located && pass.host == 0);
    let hosts = passes().filter(|pass| !pass.located && pass.host > 0);
    // Each is hidden by those that come before it here.
    for pass in located.chain(main).chain(hosts) {
        let path = pass.path.as_ref().map(|path| path.text.as_str());
        let Some(path) = path.filter(|path| path.len() <= LONGEST) else {
            continue;
        };
        let before = [(pass.host, true), (0, true), (0, false), (pass.host, false)];
        let before = if pass.located { &before[..1] } else { &before };
        let by = before
            .iter()
            .find_map(|kind| covering(taken.get(kind)?, path));
        if let Some(by) = by {
            tell(pass, by, report);
        } else {
            let paths = taken.entry((pass.host, pass.located)).or_default();
            paths.insert(path.to_owned(), pass);
        }
    }
}

/// The shortest of some paths that this one is, or is below.
fn covering<'a>(paths: &Paths<'a>, path: &str) -> Option<&'a Pass> {
    let slashes = path.match_indices('/').map(|(at, _)| at);
    // `/a` and `/a/` are both above `/a/b`.
    let above = slashes.flat_map(|at| [&path[..at], &path[..=at]]);
    above
        .chain([path])
        .filter_map(|begin| paths.get(begin))
        .copied()
        .next()
}

fn tell(pass: &Pass, by: &Pass, report: &mut Report) {
    let target = match &pass.target {
        Target::Balancer(name) => name.clone(),
        Target::Server(url) => url.address.key(),
        Target::Variable | Target::Here => return,
    };
    // The same target twice is no loss.
    if by.url.text == pass.url.text {
        return;
    }
    let shown = |pass: &Pass| pass.path.as_ref().map_or_else(String::new, Word::short);
    let (why, help) = order(pass, by);
    let message = format!(
        "{why}: requests for {} go to {}, which is for {}, and {target} gets 0 % of them",
        shown(pass),
        by.url.short(),
        shown(by),
    );
    report
        .add(&HIDDEN, pass.word.place, message, help)
        .pool(&target)
        .subject(&shown(pass))
        .related(by.word.place, "this one takes them");
}

/// Why the other is taken first, and what to do.
fn order(pass: &Pass, by: &Pass) -> (&'static str, &'static str) {
    if by.located && pass.located {
        (
            "of the sections that match the last is taken",
            "put this section after the one for the shorter path",
        )
    } else if by.located {
        (
            "a ProxyPass in a `<Location>` comes before those outside",
            "put both into `<Location>`s, the one for the shorter path first",
        )
    } else if by.host != pass.host {
        (
            "those of the main server come first",
            "move the one of the main server into a virtual host",
        )
    } else {
        (
            "the first that matches is taken",
            "put this line before the one for the shorter path",
        )
    }
}
