//! The families with one series per pool, or per pool and signal.

use std::fmt;

use evenkeel_skew::Measures;

use super::family::{Exposition, Family};
use crate::model::{PoolState, Signal};

const BACKENDS: Family = Family::gauge(
    "evenkeel_pool_backends",
    "Backends of the pool, those without traffic included.",
);

const INFO: Family = Family::info(
    "evenkeel_pool",
    "From which side the pool's connections are seen (role), where the pool was found (source), how its balancer spreads them (algorithm), \
     and what shares are compared with (expected).",
);

type Measure = (Family, fn(&Measures) -> f64);

const MEASURES: [Measure; 9] = [
    (
        Family::gauge(
            "evenkeel_pool_gini",
            "Gini coefficient of the backends' loads relative to their weights over the last {window}: 0 is even.",
        )
        .as_ratio(),
        |measures| measures.gini,
    ),
    (
        Family::gauge(
            "evenkeel_pool_gini_by_chance",
            "Gini coefficient that a fair random balancer would show at the traffic of the last {window}.",
        )
        .as_ratio(),
        |measures| measures.gini_by_chance,
    ),
    (
        Family::gauge(
            "evenkeel_pool_max_to_mean",
            "Load of the hottest backend relative to its expected share over the last {window}: 1 is even.",
        )
        .as_ratio(),
        |measures| measures.max_to_mean,
    ),
    (
        Family::gauge(
            "evenkeel_pool_min_to_mean",
            "Load of the coldest backend relative to its expected share over the last {window}: 1 is even, 0 is idle.",
        )
        .as_ratio(),
        |measures| measures.min_to_mean,
    ),
    (
        Family::gauge(
            "evenkeel_pool_cv",
            "Coefficient of variation of the backends' loads relative to their weights over the last {window}: 0 is even.",
        )
        .as_ratio(),
        |measures| measures.cv,
    ),
    (
        Family::gauge(
            "evenkeel_pool_jain",
            "Jain's fairness index of the backends' loads relative to their weights over the last {window}: 1 is even.",
        )
        .as_ratio(),
        |measures| measures.jain,
    ),
    (
        Family::gauge(
            "evenkeel_pool_theil",
            "Theil index of the backends' loads relative to their weights over the last {window}, in nats: 0 is even.",
        ),
        |measures| measures.theil,
    ),
    (
        Family::gauge(
            "evenkeel_pool_hoover",
            "Part of the traffic over the last {window} that would have to move to other backends to make the pool even.",
        )
        .as_ratio(),
        |measures| measures.hoover,
    ),
    (
        Family::gauge(
            "evenkeel_pool_wasted_capacity",
            "Part of the pool's capacity that would stay idle when the hottest backend of the last {window} is full.",
        )
        .as_ratio(),
        |measures| measures.wasted_capacity,
    ),
];

/// Writes all families that have series per pool.
pub(super) fn write(out: &mut Exposition<'_>, pools: &[PoolState]) -> fmt::Result {
    let mut samples = out.family(&BACKENDS)?;
    for state in pools {
        let labels = [("pool", state.pool.spec.name.as_str())];
        samples.gauge(&labels, state.pool.names.len())?;
    }
    let mut samples = out.family(&INFO)?;
    for state in pools {
        let spec = &state.pool.spec;
        samples.info(&[
            ("pool", spec.name.as_str()),
            ("role", spec.role.as_str()),
            ("source", spec.source.as_str()),
            ("algorithm", spec.algorithm.as_str()),
            ("expected", spec.expectation().as_str()),
        ])?;
    }
    for (family, value) in &MEASURES {
        let mut samples = out.family(family)?;
        for state in pools {
            let pool = ("pool", state.pool.spec.name.as_str());
            for signal in Signal::ALL {
                if let Some(measures) = &state.signals.get(signal).measures {
                    samples.gauge(&[pool, ("signal", signal.as_str())], value(measures))?;
                }
            }
        }
    }
    Ok(())
}
