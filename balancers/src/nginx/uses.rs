//! Which upstream is sent traffic by whom.

use std::collections::{BTreeMap, BTreeSet};

use super::config::{Config, lower};
use super::pass::{Destination, Pass};
use super::upstream::Upstream;
use crate::model::Traffic;

/// The directives that send traffic, by where they send it.
pub(super) struct Uses<'a> {
    /// Those that name an upstream, by its number.
    named: BTreeMap<usize, Vec<&'a Pass>>,
    /// With what the names begin that variables may form.
    open: BTreeSet<(Traffic, &'a str)>,
}

impl<'a> Uses<'a> {
    pub(super) fn new(config: &'a Config) -> Self {
        let by_name = config.by_name();
        let mut uses = Self {
            named: BTreeMap::new(),
            open: BTreeSet::new(),
        };
        for pass in &config.passes {
            match &pass.target {
                Destination::Host { name, .. } => {
                    if let Some(index) = by_name.get(&(pass.traffic, name.clone())) {
                        uses.named.entry(*index).or_default().push(pass);
                    }
                }
                Destination::Variable { prefix } => {
                    uses.open.insert((pass.traffic, prefix));
                }
            }
        }
        uses
    }

    /// What names the upstream with this number; for one call each.
    pub(super) fn take(&mut self, index: usize) -> Vec<&'a Pass> {
        self.named.remove(&index).unwrap_or_default()
    }

    /// Whether a variable may hold the name of an upstream.
    pub(super) fn may_be(&self, upstream: &Upstream) -> bool {
        let name = lower(&upstream.name);
        let mut bound = name.as_str();
        // The greatest text that is not above the bound either is a prefix, or shows how much of one there can be.
        while let Some((traffic, prefix)) =
            self.open.range(..=(upstream.traffic, bound)).next_back()
        {
            if *traffic != upstream.traffic {
                return false;
            }
            if name.starts_with(prefix) {
                return true;
            }
            let pairs = prefix.chars().zip(bound.chars());
            let common: usize = pairs
                .take_while(|(a, b)| a == b)
                .map(|(char, _)| char.len_utf8())
                .sum();
            bound = &name[..common];
        }
        false
    }
}
