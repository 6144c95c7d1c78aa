//! Where a running `HAProxy` can be asked: `stats socket` in `global`.

use super::document;
use super::server::address;
use crate::model::Address;
use crate::source::{Limits, Loader, MemoryFiles, Sources};

/// The addresses of all `stats socket` lines, in their order.
pub(crate) fn admin(sources: &Sources) -> Vec<Address> {
    let mut files = MemoryFiles::new();
    for source in sources.iter() {
        files.insert(&source.name, source.text.as_str());
    }
    let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    let limits = Limits {
        file_bytes: u64::MAX,
        total_bytes: u64::MAX,
        ..Limits::default()
    };
    let mut loader = Loader::new(&files, limits);
    // They were read before, so that they can be read.
    let document = document::read(&mut loader, &names, None).unwrap_or_default();
    let global = document
        .sections
        .iter()
        .filter(|section| section.head.words[0].is("global"));
    let lines = global.flat_map(|section| &section.lines);
    lines
        .filter_map(|line| match &line.words[..] {
            [stats, socket, at, ..] if stats.is("stats") && socket.is("socket") => Some(at),
            _ => None,
        })
        .filter(|at| !at.unresolved)
        .map(|at| address(&at.text))
        .collect()
}
