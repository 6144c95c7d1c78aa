//! The pools of the copy, with the shares that follow from it.

use std::path::Path;

use evenkeel_balancers::model::{Comparability, Pool};
use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{Options, Product, read};

use super::copy::{self, CopiedPool, Copy};
use super::{HermeticError, Setup};
use crate::gate::plan::Plan;

/// The pools of the copy, with the shares that follow from it.
pub(super) fn planned<'a>(
    setup: &Setup,
    copy: &'a Copy,
) -> Result<Vec<(&'a CopiedPool, Plan)>, HermeticError> {
    let path = Path::new("nginx.conf");
    let text = copy::text(copy, "", Path::new("/"), None);
    let files = MemoryFiles::new().with(path, text);
    let configuration = read(Product::Nginx, &files, path, &Options::default())?;
    let mut planned = Vec::new();
    for copied in &copy.pools {
        let same = configuration
            .pools
            .iter()
            .find(|pool| pool.name == copied.name && pool.traffic == copied.traffic);
        // Requests are counted where they arrive, however few connections carry them.
        let exact = same.cloned().map(|pool| Pool {
            comparability: Comparability::Exact,
            ..pool
        });
        if let Some(Ok(mut plan)) = exact.map(|pool| Plan::of_balancer(&pool, setup.expect)) {
            for member in &mut plan.members {
                if let Some(written) = copied.servers.get(&member.address) {
                    member.title.clone_from(written);
                }
            }
            name_back(&mut plan.notes, copied);
            planned.push((copied, plan));
        }
    }
    let is_there = |name: &String| planned.iter().any(|(pool, _)| pool.name == *name);
    if let Some(name) = setup.pools.iter().find(|name| !is_there(name)) {
        return Err(HermeticError::Unknown(name.clone(), why(copy, name)));
    }
    if planned.is_empty() {
        return Err(HermeticError::NoPool(
            setup.configuration.display().to_string(),
            why(copy, ""),
        ));
    }
    Ok(planned)
}

/// Notes speak of the servers as they are written, not of what stands for them.
fn name_back(notes: &mut [String], copied: &CopiedPool) {
    for note in notes {
        for (address, written) in &copied.servers {
            *note = note.replace(&address.to_string(), written);
        }
    }
}

/// What was left out, of those notes that begin so.
fn why(copy: &Copy, begin: &str) -> String {
    let notes = copy.notes.iter().filter(|note| note.starts_with(begin));
    let notes: Vec<&str> = notes.map(String::as_str).collect();
    match notes.join("; ") {
        none if none.is_empty() => none,
        notes => format!(": {notes}"),
    }
}
