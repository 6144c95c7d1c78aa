//! What each agent exports of each backend of each pool: a row. Series become rows by their labels.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;

use super::agents::{AgentId, Agents};
use super::counter::{Added, Counter, Gauge};
use crate::exported::{Quantity, description, is_own};
use crate::model::{Algorithm, Expectation, Role, canonical};
use crate::prometheus::Series;

/// What tells a row from others: a hash of the labels that agent, pool and backend are known by. Of a million rows two have the same
/// with a probability of 10^-27.
pub(super) type Key = (u64, u64);

/// A backend of a pool as one agent sees it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) agent: AgentId,
    pub(super) pool: u32,
    pub(super) address: SocketAddr,
    pub(super) described: Option<Description>,
    /// Its weight in the units of the agent's configuration.
    pub(super) weight: Option<f64>,
    /// Its expected share as the agent sees it.
    pub(super) share: Option<f64>,
    pub(super) counters: [Counter; Quantity::COUNTERS],
    pub(super) active: Gauge,
    /// The last sample of opened connections.
    pub(super) newest: u64,
    /// The first one.
    pub(super) first: u64,
    /// Connections opened in the last instants, the newest last.
    pub(super) recent: VecDeque<u32>,
}

/// What the agent says of the backend.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Description {
    pub(super) role: Role,
    pub(super) labels: BTreeMap<String, String>,
}

/// How a pool's balancer spreads connections, and what its shares are compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Manner {
    pub(super) algorithm: Algorithm,
    pub(super) expected: Expectation,
}

impl Row {
    /// From which side it is seen.
    pub(super) fn role(&self) -> Role {
        self.described.as_ref().map_or(Role::Upstream, |of| of.role)
    }
}

/// All rows, and the names of their pools.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) all: HashMap<Key, Row>,
    pub(super) agents: Agents,
    numbers: HashMap<String, u32>,
    names: Vec<String>,
    /// How pools choose their backends, by agent: pools of agents that do not say so are missing.
    pub(super) manners: HashMap<(AgentId, u32), Manner>,
    /// Samples that were taken over, and counters that began anew; since the beginning.
    pub(super) samples: u64,
    pub(super) resets: u64,
}

impl Rows {
    /// The name of a pool.
    pub(super) fn pool(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("", String::as_str)
    }

    fn number(&mut self, pool: &str) -> u32 {
        if let Some(known) = self.numbers.get(pool) {
            return *known;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(pool.to_owned());
        self.numbers.insert(pool.to_owned(), number);
        number
    }

    /// Takes over the samples of a series of connections or bytes. Series that are none of evenkeel's are left out.
    pub(super) fn sampled(&mut self, quantity: Quantity, series: &Series<'_>) {
        let Some(key) = self.key(series, quantity == Quantity::Opened) else {
            return;
        };
        let Some(row) = self.all.get_mut(&key) else {
            return;
        };
        for point in &series.points {
            let at = milliseconds(point.0);
            let Some(counter) = row.counters.get_mut(quantity as usize) else {
                row.active.add(at, point.1);
                continue;
            };
            let added = counter.add(at, point.1);
            self.samples += u64::from(added != Added::Nothing);
            self.resets += u64::from(added == Added::Reset && quantity == Quantity::Opened);
            if quantity == Quantity::Opened && added != Added::Nothing {
                row.newest = row.newest.max(at);
                row.first = row.first.min(at);
                self.agents.scraped(row.agent, at);
            }
        }
    }

    /// Takes over what an agent says of a backend.
    pub(super) fn described(&mut self, series: &Series<'_>) {
        let Some(row) = self.known(series) else {
            return;
        };
        let (role, labels) = description(series.labels());
        let described = Some(Description { role, labels });
        if row.described != described {
            row.described = described;
        }
    }

    /// Takes over a backend's weight.
    pub(super) fn weighed(&mut self, series: &Series<'_>) {
        let weight = series.points.last().map(|point| point.1);
        if let Some(row) = self.known(series) {
            row.weight = weight;
        }
    }

    /// Takes over a backend's expected share.
    pub(super) fn expected(&mut self, series: &Series<'_>) {
        let share = series.points.last().map(|point| point.1);
        if let Some(row) = self.known(series) {
            row.share = share;
        }
    }

    /// Takes over how a pool chooses its backends.
    pub(super) fn chosen(&mut self, series: &Series<'_>) {
        let Some(pool) = series.label("pool") else {
            return;
        };
        let mut all = Algorithm::ALL.into_iter();
        let said = series.label("algorithm");
        let algorithm = all.find(|one| Some(one.as_str()) == said);
        let learned = series.label("expected") == Some(Expectation::Learned.as_str());
        let (agent, pool) = (self.agents.find(series.labels()), self.number(pool));
        if let Some(algorithm) = algorithm {
            let expected = if learned {
                Expectation::Learned
            } else {
                Expectation::Weights
            };
            self.manners.insert(
                (agent, pool),
                Manner {
                    algorithm,
                    expected,
                },
            );
        }
    }

    /// Takes over when an agent's process began.
    pub(super) fn began(&mut self, series: &Series<'_>) {
        let agent = self.agents.find(series.labels());
        if let Some(point) = series.points.last() {
            self.agents.started(agent, milliseconds(point.1));
        }
    }

    /// Whether there are rows that no agent has described yet.
    pub(super) fn has_undescribed(&self) -> bool {
        self.all.values().any(|row| row.described.is_none())
    }

    fn known(&mut self, series: &Series<'_>) -> Option<&mut Row> {
        let key = self.key(series, false)?;
        self.all.get_mut(&key)
    }

    /// The key of a series that is of a backend; a row is made for it if `make` says so.
    fn key(&mut self, series: &Series<'_>, make: bool) -> Option<Key> {
        let (pool, backend) = (series.label("pool")?, series.label("backend")?);
        let telling =
            |(name, _): &(&str, &str)| !is_own(name) || matches!(*name, "pool" | "backend");
        let mut labels: Vec<(&str, &str)> = series.labels().filter(telling).collect();
        labels.sort_unstable();
        let hash = |salt: u8| {
            let mut hasher = DefaultHasher::new();
            (salt, &labels).hash(&mut hasher);
            hasher.finish()
        };
        let key = (hash(0), hash(1));
        if make && !self.all.contains_key(&key) {
            let row = Row {
                agent: self.agents.find(series.labels()),
                pool: self.number(pool),
                address: canonical(backend.parse().ok()?),
                described: None,
                weight: None,
                share: None,
                counters: Default::default(),
                active: Gauge::default(),
                newest: 0,
                first: u64::MAX,
                recent: VecDeque::new(),
            };
            self.all.insert(key, row);
        }
        Some(key)
    }
}

/// A time of Prometheus' in milliseconds.
fn milliseconds(seconds: f64) -> u64 {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates, and NaN is 0"
    )]
    let whole = (seconds * 1000.0).round() as u64;
    whole
}
