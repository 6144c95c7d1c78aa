//! What each agent saw of a pool, for the engine to explain skews by.

use std::collections::BTreeMap;

use super::agents::AgentId;
use super::merge::Merged;
use super::rows::Rows;
use crate::engine::{Part, Vantage, Vantages};
use crate::model::{Pool, Role};

/// Rows and pools as they are after an instant.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    pub(super) rows: &'a Rows,
    pub(super) merged: &'a Merged,
}

impl Vantages for Seen<'_> {
    fn of(&self, pool: &Pool, ticks: u64) -> Vec<Vantage> {
        let found = self.merged.named(&pool.spec.name);
        let Some(merged) = found.filter(|pool| pool.spec.role == Role::Upstream) else {
            return Vec::new();
        };
        let ticks = usize::try_from(ticks).unwrap_or(usize::MAX);
        let size = merged.members.len();
        let mut agents: BTreeMap<AgentId, Vec<Option<Part>>> = BTreeMap::new();
        for (backend, member) in merged.members.iter().enumerate() {
            for row in member.rows.iter().filter_map(|key| self.rows.all.get(key)) {
                let opened = row.recent.iter().rev().take(ticks);
                let parts = agents.entry(row.agent).or_insert_with(|| vec![None; size]);
                parts[backend] = Some(Part {
                    opened: opened.map(|opened| u64::from(*opened)).sum(),
                    weight: row.weight(size).unwrap_or(1.0),
                });
            }
        }
        let name = |agent| self.rows.agents.get(agent).map(|agent| agent.name.clone());
        let seen = agents.into_iter().filter_map(|(agent, parts)| {
            Some(Vantage {
                agent: name(agent)?,
                parts,
            })
        });
        seen.collect()
    }
}
