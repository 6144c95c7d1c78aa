//! The rows of all agents -> the pools of the fleet, with what each backend got up to an instant.
//!
//! What is summed is what each row grew by, never what counters show: agents come, go and begin anew at any time.
//!
//! Backends that agents accept connections for (role `local`) are compared over agents. While one of these is silent nothing can be
//! compared: the pool waits, and gets all of it once the agent was scraped again or is given up.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::time::Duration;

use super::agents::{AgentId, Presence};
use super::rows::{Key, Manner, Row, Rows};
use crate::exported::Quantity;
use crate::kernel::Observed;
use crate::model::{BackendSpec, Counters, Endpoint, NetnsCookie, PoolSpec, Role, Source, Weight};

/// A backend of the fleet: its address, and the agent that it is of where several have such an address; else 0.
pub(super) type Place = (SocketAddr, AgentId);

/// A pool of the fleet: pools with the same name but another role are others.
pub(super) type PoolKey = (Role, u32);

/// The pools as they were at the last instant.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) pools: BTreeMap<PoolKey, Pool>,
    /// What pools are called; once given, a name stays.
    names: HashMap<PoolKey, String>,
    /// Pools that wait for a silent agent.
    pub(super) waiting: u64,
}

/// One pool.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) spec: PoolSpec,
    /// In the order of `spec.backends`.
    pub(super) members: Vec<Member>,
    /// The same as long as `spec` is.
    signature: u64,
}

/// One backend.
#[derive(Debug)]
pub(super) struct Member {
    place: Place,
    /// Who sees it.
    pub(super) rows: Vec<Key>,
    grown: [u64; Quantity::COUNTERS],
    active: u64,
}

/// An instant, in milliseconds since the epoch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Instant {
    pub(super) at: u64,
    pub(super) interval: Duration,
    /// How long an agent may be silent.
    pub(super) patience: u64,
    /// Since when agents are watched.
    pub(super) known_since: u64,
    /// How many instants are remembered row by row.
    pub(super) remembered: usize,
}

/// Which rows make up which pool.
type Groups = BTreeMap<PoolKey, BTreeMap<Place, Vec<Key>>>;

impl Merged {
    /// Goes on to the next instant. Tells whether pools are described differently; `None` if no agent was scraped since, so that nothing
    /// is known.
    pub(super) fn advance(&mut self, rows: &mut Rows, now: Instant) -> Option<bool> {
        let presence: HashMap<AgentId, Presence> = rows
            .agents
            .iter()
            .map(|(id, agent)| (id, agent.presence(now.at, now.patience)))
            .collect();
        if !presence.values().any(|one| *one == Presence::Present) {
            return None;
        }
        forget(rows, &presence, now);
        let groups = groups(rows, &presence, now);
        let silent = |key: &Key| {
            let row = rows.all.get(key);
            row.is_some_and(|row| presence.get(&row.agent) == Some(&Presence::Silent))
        };
        let waiting: BTreeSet<PoolKey> = groups
            .iter()
            .filter(|((role, _), _)| *role == Role::Local)
            .filter(|(key, _)| self.pools.contains_key(*key))
            .filter(|(_, members)| members.values().flatten().any(silent))
            .map(|(key, _)| *key)
            .collect();
        self.waiting = waiting.len() as u64;
        let before = self.pools.len();
        self.pools.retain(|key, _| groups.contains_key(key));
        let mut changed = self.pools.len() != before;
        for (key, members) in groups {
            if !waiting.contains(&key) {
                changed |= self.step(rows, key, members, now);
            }
        }
        Some(changed)
    }

    /// Takes what a pool's rows grew by; tells whether the pool is described differently.
    fn step(
        &mut self,
        rows: &mut Rows,
        key: PoolKey,
        groups: BTreeMap<Place, Vec<Key>>,
        now: Instant,
    ) -> bool {
        let signature = signature(rows, key, &groups);
        let old = self.pools.remove(&key);
        let same = old.as_ref().is_some_and(|old| old.signature == signature);
        let mut known: HashMap<Place, Member> = HashMap::new();
        let mut spec = None;
        if let Some(old) = old {
            known.extend(old.members.into_iter().map(|one| (one.place, one)));
            spec = same.then_some(old.spec);
        }
        let spec = spec.unwrap_or_else(|| self.describe(rows, key, &groups));
        let members = groups.into_iter().map(|(place, keys)| {
            let before = known.remove(&place);
            let mut grown = before.map_or([0; Quantity::COUNTERS], |member| member.grown);
            let mut active = 0;
            for key in &keys {
                let Some(row) = rows.all.get_mut(key) else {
                    continue;
                };
                let agent = rows.agents.get(row.agent);
                let growth = row.take(now, |first| agent?.zero_before(first, now.known_since));
                for (sum, growth) in grown.iter_mut().zip(growth) {
                    *sum += growth;
                }
                active += row.active.take(now.at);
            }
            Member {
                place,
                rows: keys,
                grown,
                active,
            }
        });
        let pool = Pool {
            members: members.collect(),
            spec,
            signature,
        };
        self.pools.insert(key, pool);
        !same
    }

    /// What the engine is to track.
    pub(super) fn specs(&self) -> Vec<PoolSpec> {
        self.pools.values().map(|pool| pool.spec.clone()).collect()
    }

    /// What each backend got so far.
    pub(super) fn observed(&self) -> impl Iterator<Item = Observed> {
        self.pools.values().flat_map(|pool| {
            let members = pool.spec.backends.iter().zip(&pool.members);
            members.map(|(spec, member)| member.observed(pool.spec.role, spec))
        })
    }

    /// The pool that the engine knows by a name.
    pub(super) fn named(&self, name: &str) -> Option<&Pool> {
        self.pools.values().find(|pool| pool.spec.name == name)
    }

    /// What a pool is called: as agents call it, unless another role has taken the name.
    fn name(&mut self, rows: &Rows, key: PoolKey) -> String {
        let plain = rows.pool(key.1);
        let taken = |name: &str| {
            let mut others = self.names.iter().filter(|(other, _)| **other != key);
            others.any(|(_, other)| other == name)
        };
        let name = if taken(plain) {
            format!("{plain} ({})", key.0)
        } else {
            plain.to_owned()
        };
        self.names.entry(key).or_insert(name).clone()
    }

    fn describe(
        &mut self,
        rows: &Rows,
        key: PoolKey,
        groups: &BTreeMap<Place, Vec<Key>>,
    ) -> PoolSpec {
        let size = groups.len();
        let backends = groups.iter().map(|(place, keys)| {
            let seen: Vec<&Row> = keys.iter().filter_map(|key| rows.all.get(key)).collect();
            BackendSpec {
                address: place.0,
                netns: Some(NetnsCookie::of_fleet(key.1, place.1)),
                weight: weight(&seen, size),
                share: None,
                identity: None,
                labels: labels(rows, key.0, place.1, &seen),
            }
        });
        let backends = backends.collect();
        let manner = manner(rows, key, groups);
        PoolSpec {
            name: self.name(rows, key),
            role: key.0,
            source: Source::Fleet,
            tolerance: None,
            algorithm: manner.algorithm,
            expected: Some(manner.expected),
            backends,
            standby: Vec::new(),
            findings: Vec::new(),
        }
    }
}

impl Member {
    fn observed(&self, role: Role, spec: &BackendSpec) -> Observed {
        let [opened, failed, received, sent] = self.grown;
        Observed {
            endpoint: Endpoint::new(role, spec.address, spec.netns.unwrap_or(NetnsCookie(0))),
            counters: Counters {
                opened,
                failed,
                received,
                sent,
                ..Counters::default()
            },
            active: self.active,
        }
    }
}

impl Row {
    /// What the row grew by since the last instant.
    fn take(
        &mut self,
        now: Instant,
        zero: impl Fn(u64) -> Option<u64>,
    ) -> [u64; Quantity::COUNTERS] {
        let growth = self.counters.each_mut().map(|counter| {
            counter.settle(&zero);
            counter.take(now.at)
        });
        if self.role() == Role::Upstream {
            let opened = growth[Quantity::Opened as usize];
            self.recent
                .push_back(u32::try_from(opened).unwrap_or(u32::MAX));
            while self.recent.len() > now.remembered {
                self.recent.pop_front();
            }
        }
        growth
    }
}

/// Forgets rows that their agent exports no longer, and those of agents that are gone. An agent that opens connections may come back:
/// what it opened meanwhile is spread as what it opens otherwise.
fn forget(rows: &mut Rows, presence: &HashMap<AgentId, Presence>, now: Instant) {
    let slack = u64::try_from(now.interval.as_millis()).unwrap_or(u64::MAX) * 9 / 10;
    let agents = &rows.agents;
    rows.all.retain(|_, row| {
        let there = presence.get(&row.agent).copied();
        if there.is_none() || there == Some(Presence::Gone) && row.role() == Role::Local {
            return false;
        }
        let scraped = agents.get(row.agent);
        let last = scraped.and_then(|agent| agent.scraped_before(now.at));
        last.is_none_or(|last| row.newest + slack >= last)
    });
    let all = &rows.all;
    let kept: BTreeSet<(AgentId, u32)> = all.values().map(|row| (row.agent, row.pool)).collect();
    rows.manners.retain(|key, _| kept.contains(key));
}

fn groups(rows: &Rows, presence: &HashMap<AgentId, Presence>, now: Instant) -> Groups {
    let there = |row: &Row| {
        let presence = presence.get(&row.agent);
        matches!(presence, Some(Presence::Present | Presence::Silent)) && row.first <= now.at
    };
    // Addresses of a pool that several agents accept connections at are so many backends.
    let mut seen: HashMap<(u32, SocketAddr), u32> = HashMap::new();
    for row in rows.all.values().filter(|row| there(row)) {
        if row.role() == Role::Local {
            *seen.entry((row.pool, row.address)).or_default() += 1;
        }
    }
    let mut groups = Groups::new();
    for (key, row) in rows.all.iter().filter(|(_, row)| there(row)) {
        let of_many = || seen.get(&(row.pool, row.address)).is_some_and(|n| *n > 1);
        let apart = row.address.ip().is_loopback() || row.role() == Role::Local && of_many();
        let place = (row.address, if apart { row.agent } else { 0 });
        let pool = groups.entry((row.role(), row.pool)).or_default();
        pool.entry(place).or_default().push(*key);
    }
    for keys in groups.values_mut().flat_map(BTreeMap::values_mut) {
        keys.sort_unstable_by_key(|key| rows.all.get(key).map(|row| row.agent));
    }
    groups
}

/// A number that is the same as long as a pool is described the same.
fn signature(rows: &Rows, key: PoolKey, groups: &BTreeMap<Place, Vec<Key>>) -> u64 {
    let mut hasher = DefaultHasher::new();
    manner(rows, key, groups).hash(&mut hasher);
    for (place, keys) in groups {
        let seen: Vec<&Row> = keys.iter().filter_map(|key| rows.all.get(key)).collect();
        let described = seen.iter().find_map(|row| row.described.as_ref());
        let labels = described.map(|described| &described.labels);
        let weight = weight(&seen, groups.len()).get().to_bits();
        (place, weight, labels).hash(&mut hasher);
    }
    hasher.finish()
}

/// How the pool's balancers spread connections, as the first says that says it.
fn manner(rows: &Rows, key: PoolKey, groups: &BTreeMap<Place, Vec<Key>>) -> Manner {
    let mut all = groups
        .values()
        .flatten()
        .filter_map(|key| rows.all.get(key));
    let found = all.find_map(|row| rows.manners.get(&(row.agent, key.1)));
    found.copied().unwrap_or_default()
}

/// The weight that most agents give a backend; of several that are given as often, that of the first agent.
fn weight(seen: &[&Row], size: usize) -> Weight {
    let mut votes: Vec<(f64, usize)> = Vec::new();
    for weight in seen.iter().filter_map(|row| row.weight(size)) {
        match votes
            .iter_mut()
            .find(|(other, _)| (*other - weight).abs() <= 1e-9 * weight)
        {
            Some((_, votes)) => *votes += 1,
            None => votes.push((weight, 1)),
        }
    }
    // The last of the greatest is found, so the first must come last.
    let most = votes.into_iter().rev().max_by_key(|(_, votes)| *votes);
    most.and_then(|(weight, _)| Weight::new(weight))
        .unwrap_or(Weight::ONE)
}

impl Row {
    /// The backend's weight as the agent knows it. Agents before 0.2 export shares alone, which are taken to be of a pool of that size.
    pub(super) fn weight(&self, size: usize) -> Option<f64> {
        let by_share = || Some(self.share? * size as f64);
        let weight = self.weight.or_else(by_share)?;
        (weight.is_finite() && weight > 0.0).then_some(weight)
    }
}

/// What is known of a backend: what agents say, and for those on an agent's own host what is known of that.
fn labels(rows: &Rows, role: Role, apart: AgentId, seen: &[&Row]) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    let host = seen.first().and_then(|row| rows.agents.get(row.agent));
    if let Some(host) = host
        && (role == Role::Local || apart != 0)
    {
        labels.extend(host.labels.clone());
        labels.insert("instance".to_owned(), host.name.clone());
    }
    let described = seen.iter().find_map(|row| row.described.as_ref());
    labels.extend(described.iter().flat_map(|one| one.labels.clone()));
    labels
}
