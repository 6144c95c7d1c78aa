//! What the audit finds in the configurations that pools come from: for all of them together, and for each pool.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use evenkeel_balancers::{Configuration, Date, Severity, live};
use tracing::{info, warn};

use super::Discovered;
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
pub(crate) fn of_all<'c>(
    configurations: impl Iterator<Item = &'c Arc<Configuration>>,
) -> Arc<[Finding]> {
    let Ok(day) = today() else {
        return Arc::default();
    };
    configurations.flat_map(|one| of(one, day)).collect()
}

/// The configurations, with what differs from what runs among their findings. Of several that one process reads, each is
/// compared with its own pools.
pub(super) fn compared(
    configurations: &[Arc<Configuration>],
    running: &[live::Pool],
) -> Vec<Arc<Configuration>> {
    let alone = configurations.len() == 1;
    let compared = |one: &Arc<Configuration>| {
        let mut one = Configuration::clone(one);
        let own = |pool: &&live::Pool| alone || one.pools.iter().any(|own| own.name == pool.name);
        let running: Vec<live::Pool> = running.iter().filter(own).cloned().collect();
        one.compare(&running);
        Arc::new(one)
    };
    configurations.iter().map(compared).collect()
}

/// Gives each pool what is found about it in the configurations that it comes from.
pub(crate) fn attach(mut found: Discovered) -> Discovered {
    let findings = of_all(found.configurations.iter());
    let mut pools: HashMap<String, Vec<&mut PoolSpec>> = HashMap::new();
    for pool in &mut found.pools {
        pools.entry(pool.name.clone()).or_default().push(pool);
    }
    for finding in findings.iter() {
        let name = finding.pool.as_deref().map(pool_name);
        for pool in name
            .and_then(|name| pools.get_mut(&name))
            .into_iter()
            .flatten()
        {
            pool.findings.push(finding.clone());
        }
    }
    found
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
