//! The pools of the copy, with the shares that follow from it.

use std::path::Path;

use evenkeel_balancers::model::{Comparability, Pool};
use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{Options, read};

use super::copy::{CopiedPool, Copy};
use super::{HermeticError, Setup};
use crate::gate::plan::Plan;

/// What is to be judged.
pub(super) struct Planned<'a> {
    pub(super) pools: Vec<(&'a CopiedPool, Plan)>,
    /// What was left out, and why.
    pub(super) notes: Vec<String>,
}

/// The pools of the copy, with the shares that follow from it.
pub(super) fn planned<'a>(setup: &Setup, copy: &'a Copy) -> Result<Planned<'a>, HermeticError> {
    let path = Path::new(copy.configuration.file());
    let files = MemoryFiles::new().with(path, copy.configuration.text(None)?);
    let product = copy.configuration.product();
    let configuration = read(product, &files, path, &Options::default())?;
    let (mut planned, mut notes) = (Vec::new(), copy.notes.clone());
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
        match exact.map(|pool| Plan::of_balancer(&pool, setup.expect)) {
            Some(Ok(plan)) => planned.push((copied, written(plan, copied))),
            Some(Err(Some(reason))) => {
                notes.push(format!("{} is left out: {reason}", copied.name));
            }
            Some(Err(None)) | None => notes.push(format!(
                "{} is left out: there is nothing to spread",
                copied.name
            )),
        }
    }
    let is_there = |name: &String| planned.iter().any(|(pool, _)| pool.name == *name);
    if let Some(name) = setup.pools.iter().find(|name| !is_there(name)) {
        return Err(HermeticError::Unknown(name.clone(), why(&notes, name)));
    }
    if planned.is_empty() {
        return Err(HermeticError::NoPool(
            setup.configuration.display().to_string(),
            why(&notes, ""),
        ));
    }
    Ok(Planned {
        pools: planned,
        notes,
    })
}

/// Speaks of the servers as they are written, not of what stands for them.
fn written(mut plan: Plan, copied: &CopiedPool) -> Plan {
    for member in &mut plan.members {
        if let Some(written) = copied.servers.get(&member.address) {
            member.title.clone_from(written);
        }
    }
    for note in &mut plan.notes {
        for (address, written) in &copied.servers {
            *note = note.replace(&address.to_string(), written);
        }
    }
    plan.notes.extend(copied.notes.iter().cloned());
    plan
}

/// What was left out, of those notes that begin so.
fn why(notes: &[String], begin: &str) -> String {
    let notes = notes.iter().filter(|note| note.starts_with(begin));
    let notes: Vec<&str> = notes.map(String::as_str).collect();
    match notes.join("; ") {
        none if none.is_empty() => none,
        notes => format!(": {notes}"),
    }
}
