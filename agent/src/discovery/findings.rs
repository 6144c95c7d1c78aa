//! What the audit finds in the configurations that pools come from: for all of them together, and for each pool.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use evenkeel_balancers::{Configuration, Date, Severity, live};
use tracing::{info, warn};

use super::Discovered;
use super::StaleFile;
use super::pools::pool_name;
use crate::audit::today;
use crate::model::{self, Finding, PoolSpec};

/// New findings that are told one by one in the log.
const TOLD: usize = 10;

/// What is found in a configuration today and not allowed by a comment, in the order of places.
fn of(configuration: &Configuration, day: Date) -> Vec<Finding> {
    let found = configuration.audit(day).findings.into_iter();
    found
        .map(|finding| Finding {
            rule: finding.rule.id.to_owned(),
            severity: match finding.severity {
                Severity::Note => model::Severity::Note,
                Severity::Warning => model::Severity::Warning,
                Severity::Error => model::Severity::Error,
            },
            place: configuration.sources.locate(finding.place),
            pool: finding.pool,
            message: finding.message,
            help: finding.help,
        })
        .collect()
}

/// What is found in all of these; nothing if the clock gives no day.
pub(super) fn of_all(configurations: &[Arc<Configuration>]) -> Vec<Finding> {
    let Ok(day) = today() else {
        return Vec::new();
    };
    configurations.iter().flat_map(|one| of(one, day)).collect()
}

/// What a source has found, audited.
#[derive(Clone, Debug)]
pub(crate) struct Audited {
    /// The pools, each with what is found about it.
    pub(crate) pools: Vec<PoolSpec>,
    /// The files that were read for it.
    pub(crate) files: Vec<String>,
    /// What is found in the balancers' configurations, also about what is no pool.
    pub(crate) findings: Vec<Finding>,
    /// The files that could not be read.
    pub(crate) stale: Vec<StaleFile>,
}

/// The configurations, with what differs from what runs among their findings. Of several that one process reads, each is
/// compared with its own pools.
pub(super) fn compared(
    configurations: &[Arc<Configuration>],
    running: &[live::Pool],
) -> Vec<Arc<Configuration>> {
    let alone = configurations.len() == 1;
    let own = |one: &Arc<Configuration>| {
        let is_own = |pool: &&live::Pool| one.pools.iter().any(|own| own.name == pool.name);
        let own: Vec<live::Pool> = running.iter().filter(is_own).cloned().collect();
        compared_with(one, if alone { running } else { &own })
    };
    configurations.iter().map(own).collect()
}

/// A configuration, with what differs from all that runs among its findings.
pub(super) fn compared_with(one: &Configuration, running: &[live::Pool]) -> Arc<Configuration> {
    let mut one = one.clone();
    one.compare(running);
    Arc::new(one)
}

/// Audits what was found, and gives each pool what is found about it in the configurations that it comes from.
pub(crate) fn audited(mut found: Discovered) -> Audited {
    let mut findings = of_all(&found.configurations);
    let mut pools: HashMap<String, Vec<&mut PoolSpec>> = HashMap::new();
    for pool in &mut found.pools {
        pools.entry(pool.name.clone()).or_default().push(pool);
    }
    for finding in &findings {
        let name = finding.pool.as_deref().map(pool_name);
        for pool in name
            .and_then(|name| pools.get_mut(&name))
            .into_iter()
            .flatten()
        {
            pool.findings.push(finding.clone());
        }
    }
    findings.extend(found.findings);
    Audited {
        pools: found.pools,
        files: found.files,
        findings,
        stale: found.stale,
    }
}

/// Tells in the log what was not found before: the first few, and how many more there are.
pub(crate) fn tell_new(before: &[Finding], now: &[Finding]) {
    // A finding stays the same when lines move.
    let key = |finding: &Finding| {
        (
            finding.rule.clone(),
            finding.pool.clone(),
            finding.message.clone(),
        )
    };
    let known: HashSet<_> = before.iter().map(key).collect();
    let new: Vec<&Finding> = now
        .iter()
        .filter(|finding| !known.contains(&key(finding)))
        .collect();
    for finding in new.iter().take(TOLD) {
        let Finding {
            rule,
            place,
            pool,
            message,
            help,
            ..
        } = finding;
        if finding.severity == model::Severity::Note {
            info!(
                rule,
                place, pool, help, "the configuration may skew traffic: {message}"
            );
        } else {
            warn!(
                rule,
                place, pool, help, "the configuration skews traffic: {message}"
            );
        }
    }
    if let Some(more @ 1..) = new.len().checked_sub(TOLD) {
        warn!(
            more,
            "there are more findings in the configuration: /api/v1/findings has all"
        );
    }
}
