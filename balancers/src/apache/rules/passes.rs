//! Which `ProxyPass` takes a request: APA-015.

use std::collections::{BTreeMap, HashMap};

use super::HIDDEN;
use crate::apache::config::Config;
use crate::apache::line::Word;
use crate::apache::pass::{Pass, Target};
use crate::finding::Report;

/// Longer paths are not compared, in bytes: no request has them.
const LONGEST: usize = 4096;

/// The paths of one kind of `ProxyPass` in one server, each with the first that has it.
type Paths<'a> = BTreeMap<String, &'a Pass>;

/// APA-015: paths that another `ProxyPass` takes first. In a server the first that matches is taken, of `<Location>`s the
/// last, and those before any of the server's.
pub(super) fn hidden(config: &Config, report: &mut Report) {
    let mut taken: HashMap<(usize, bool), Paths<'_>> = HashMap::new();
    // Locations from the last to the first, then the server's from the first to the last: each is hidden by those before it.
    let located = config.passes.iter().rev().filter(|pass| pass.located);
    let plain = config.passes.iter().filter(|pass| !pass.located);
    for pass in located.chain(plain) {
        let path = pass.path.as_ref().filter(|path| path.text.len() <= LONGEST);
        let Some(path) = path else { continue };
        let path = normal(&path.text);
        let kinds: &[bool] = if pass.located {
            &[true]
        } else {
            &[true, false]
        };
        let by = kinds.iter().find_map(|located| {
            let paths = taken.get(&(pass.host, *located))?;
            covering(paths, &path)
        });
        if let Some(by) = by {
            tell(pass, by, report);
        } else {
            let paths = taken.entry((pass.host, pass.located)).or_default();
            paths.insert(path, pass);
        }
    }
}

/// A path with one slash at its end.
fn normal(path: &str) -> String {
    format!("{}/", path.trim_end_matches('/'))
}

/// The shortest of some paths that is the beginning of this one.
fn covering<'a>(paths: &Paths<'a>, path: &str) -> Option<&'a Pass> {
    let ends = path.match_indices('/').map(|(at, _)| &path[..=at]);
    ends.filter_map(|begin| paths.get(begin)).copied().next()
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
    let (why, help) = if by.located && pass.located {
        (
            "of the sections that match the last is taken",
            "put this section after the one for the shorter path",
        )
    } else if by.located {
        (
            "a ProxyPass in a `<Location>` comes before those outside",
            "put both into `<Location>`s, the one for the shorter path first",
        )
    } else {
        (
            "the first that matches is taken",
            "put this line before the one for the shorter path",
        )
    };
    let message = format!(
        "requests for {} go to {}, because {} is a part of it and {why}: {target} gets 0 % of them",
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
