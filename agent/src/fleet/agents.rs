//! The agents that a store knows, told from one another by the labels of their series.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::exported::{identity, is_own};

/// Labels that name an agent better than the address that it is scraped at, the best first.
const NAMES: [&str; 3] = ["node", "kubernetes_node", "instance"];
/// An agent's clock may be ahead of the store's by so many milliseconds.
const SKEW: u64 = 5000;

/// The number of an agent: from 1 on, never given to another.
pub(super) type AgentId = u32;

/// One agent.
#[derive(Clone, Debug)]
pub(super) struct Agent {
    /// What people call it; no other agent is called so.
    pub(super) name: String,
    /// Labels of its target, for backends on its host.
    pub(super) labels: BTreeMap<String, String>,
    /// When it was scraped lately, in milliseconds since the epoch.
    scrapes: BTreeSet<u64>,
    /// When its process began, if that is known.
    started: Option<u64>,
}

/// Where an agent stands at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// It was not there yet.
    Future,
    /// It was scraped before and after.
    Present,
    /// It was not scraped since, and may be again.
    Silent,
    /// It has been silent for too long.
    Gone,
}

impl Agent {
    /// Where it stands at `at`; it is gone after a silence of `patience`.
    pub(super) fn presence(&self, at: u64, patience: u64) -> Presence {
        match (self.scrapes.first(), self.scrapes.last()) {
            (Some(first), _) if *first > at => Presence::Future,
            (_, Some(last)) if *last >= at => Presence::Present,
            (_, Some(last)) if at - last <= patience => Presence::Silent,
            _ => Presence::Gone,
        }
    }

    /// The last scrape that is not later than `at`.
    pub(super) fn scraped_before(&self, at: u64) -> Option<u64> {
        self.scrapes.range(..=at).next_back().copied()
    }

    /// When a counter was 0 whose first sample is of `first`: when the agent began, if that was after the scrape before, and after
    /// what the fleet knows begins.
    pub(super) fn zero_before(&self, first: u64, known_since: u64) -> Option<u64> {
        let started = self.started?;
        let before = self.scrapes.range(..first).next_back().copied();
        let since = before.is_none_or(|before| started > before) && started > known_since;
        (since && started <= first + SKEW).then_some(started)
    }
}

/// All agents.
#[derive(Debug, Default)]
pub(super) struct Agents {
    by_identity: HashMap<String, AgentId>,
    all: BTreeMap<AgentId, Agent>,
    names: HashSet<String>,
    last: AgentId,
}

impl Agents {
    /// The agent that a series with these labels is of.
    pub(super) fn find<'a>(
        &mut self,
        labels: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    ) -> AgentId {
        let identity = identity(labels.clone());
        if let Some(known) = self.by_identity.get(&identity) {
            return *known;
        }
        let own = labels.filter(|(name, _)| !is_own(name) && *name != "job");
        let labels: BTreeMap<String, String> = own
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let mut names = NAMES.iter().filter_map(|name| labels.get(*name));
        let free = names.find(|name| !self.names.contains(*name)).cloned();
        let name = free.unwrap_or_else(|| identity.clone());
        self.names.insert(name.clone());
        self.last += 1;
        self.by_identity.insert(identity, self.last);
        let agent = Agent {
            name,
            labels,
            scrapes: BTreeSet::new(),
            started: None,
        };
        self.all.insert(self.last, agent);
        self.last
    }

    /// The agent with this number, which was given out.
    pub(super) fn get(&self, id: AgentId) -> Option<&Agent> {
        self.all.get(&id)
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (AgentId, &Agent)> {
        self.all.iter().map(|(id, agent)| (*id, agent))
    }

    /// An agent was scraped.
    pub(super) fn scraped(&mut self, id: AgentId, at: u64) {
        if let Some(agent) = self.all.get_mut(&id) {
            agent.scrapes.insert(at);
        }
    }

    /// An agent's process began then.
    pub(super) fn started(&mut self, id: AgentId, at: u64) {
        if let Some(agent) = self.all.get_mut(&id) {
            agent.started = Some(at);
        }
    }

    /// Forgets scrapes before `scrape`, but for the last of them, and agents that were not scraped since `agent`.
    pub(super) fn forget_before(&mut self, scrape: u64, agent: u64) {
        for agent in self.all.values_mut() {
            if let Some(last) = agent.scraped_before(scrape) {
                agent.scrapes = agent.scrapes.split_off(&last);
            }
        }
        let gone = |one: &Agent| one.scrapes.last().is_some_and(|last| *last < agent);
        let names = &mut self.names;
        self.all.retain(|_, agent| {
            let gone = gone(agent);
            if gone {
                names.remove(&agent.name);
            }
            !gone
        });
        let all = &self.all;
        self.by_identity.retain(|_, id| all.contains_key(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(labels: &[(&'static str, &'static str)], agents: &mut Agents) -> AgentId {
        agents.find(labels.iter().copied())
    }

    #[test]
    fn agents_are_told_apart_by_what_evenkeel_does_not_set() {
        let mut agents = Agents::default();
        let a = one(
            &[("instance", "a:1"), ("pool", "x"), ("job", "e")],
            &mut agents,
        );
        let same = one(
            &[("instance", "a:1"), ("pool", "y"), ("job", "e")],
            &mut agents,
        );
        let other = one(&[("instance", "a:1"), ("cluster", "z")], &mut agents);
        assert_eq!(a, same);
        assert_ne!(a, other);
        assert_eq!(agents.get(a).unwrap().name, "a:1");
        assert_eq!(agents.get(other).unwrap().name, "a:1 cluster=z");
        let node = one(&[("instance", "b:1"), ("node", "n1")], &mut agents);
        assert_eq!(agents.get(node).unwrap().name, "n1");
    }

    #[test]
    fn an_agent_is_present_between_scrapes_then_silent_then_gone() {
        let mut agents = Agents::default();
        let id = one(&[("instance", "a")], &mut agents);
        for at in [100, 115, 130] {
            agents.scraped(id, at);
        }
        let agent = agents.get(id).unwrap();
        let presence = |at| agent.presence(at, 60);
        assert_eq!(presence(99), Presence::Future);
        assert_eq!(presence(120), Presence::Present);
        assert_eq!(presence(190), Presence::Silent);
        assert_eq!(presence(191), Presence::Gone);
        assert_eq!(agent.scraped_before(129), Some(115));
    }

    #[test]
    fn counters_began_at_zero_only_with_their_agent() {
        let mut agents = Agents::default();
        let id = one(&[("instance", "a")], &mut agents);
        agents.scraped(id, 100_000);
        agents.scraped(id, 115_000);
        assert_eq!(agents.get(id).unwrap().zero_before(115_000, 0), None);
        agents.started(id, 107_000);
        let agent = agents.get(id).unwrap();
        assert_eq!(agent.zero_before(115_000, 0), Some(107_000));
        assert_eq!(agent.zero_before(130_000, 0), None, "a scrape lies between");
        assert_eq!(
            agent.zero_before(115_000, 110_000),
            None,
            "nothing is known of then"
        );
    }
}
