//! What the configuration wants, what was found for it, and the plan that both make.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{self, Config};
use crate::discovery::auto::MOST_ENDPOINTS;
use crate::discovery::{Audited, Merged, merge};
use crate::engine::Plan;
use crate::model::{Finding, PoolSpec, Source};
use crate::runner::Order;

/// What is wanted, and what was found for it.
#[derive(Debug)]
pub(super) struct Scene {
    /// The configuration's pools, and what all pools are judged by.
    pub(super) plan: Plan,
    pub(super) live_interval: Duration,
    pub(super) sources: config::Discovery,
    pub(super) found: BTreeMap<Source, Audited>,
}

impl Scene {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            plan: Plan {
                interval: config.interval,
                window: config.window,
                detection: config.detection.clone(),
                pools: Some(config.pools.clone()),
                found: Vec::new(),
            },
            live_interval: config.live_interval,
            sources: sources(config),
            found: BTreeMap::new(),
        }
    }

    fn pools(&self) -> &[PoolSpec] {
        self.plan.pools.as_deref().unwrap_or_default()
    }

    /// Members of the configuration's pools.
    pub(super) fn configured(&self) -> usize {
        self.pools().iter().map(PoolSpec::size).sum()
    }

    /// Members of the pools that were found.
    pub(super) fn members(&self) -> usize {
        let found = self.found.values().flat_map(|found| &found.pools);
        found.map(PoolSpec::size).sum()
    }

    pub(super) fn merge(&self, room: usize) -> Merged {
        let found = self.found.values().flat_map(|found| &found.pools);
        merge(self.pools(), found, room)
    }

    /// The plan with pools that were discovered. If none were asked for, what is in none of them makes up pools of its own.
    ///
    /// Where nothing can be discovered, the configuration's pools are given away: nobody asks for them again.
    pub(super) fn plan_with(&mut self, discovered: Vec<PoolSpec>) -> Plan {
        if self.sources.auto {
            return Plan {
                pools: None,
                found: discovered,
                ..self.plan.clone()
            };
        }
        let mut pools = if self.sources.has_sources() {
            self.pools().to_vec()
        } else {
            self.plan.pools.take().unwrap_or_default()
        };
        pools.extend(discovered);
        Plan {
            pools: Some(pools),
            ..self.plan.clone()
        }
    }

    pub(super) fn order(&self, plan: Plan) -> Order {
        Order {
            plan,
            live_interval: self.live_interval,
        }
    }

    /// What is found in the configurations that pools come from.
    pub(super) fn findings(&self) -> Arc<[Finding]> {
        let found = self.found.values().flat_map(|found| &found.findings);
        found.cloned().collect()
    }
}

/// The sources of pools. Nothing is looked for unasked where pools or sources of them are configured.
pub(crate) fn sources(config: &Config) -> config::Discovery {
    let sources = config.discovery.clone();
    config::Discovery {
        auto: sources.auto && config.pools.is_empty() && !sources.has_sources(),
        ..sources
    }
}

/// Room for a quarter more than what is configured, so that a reload can add pools; for as many again as were found, so that
/// balancers can grow; and for what auto mode learns. Not for much more: each tick looks through the whole map.
pub(super) fn capacity(configured: usize, found: usize) -> usize {
    let needed = configured + configured / 4 + 2 * found + 1;
    needed.max(MOST_ENDPOINTS as usize)
}
