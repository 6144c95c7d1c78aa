//! Envoy's priority levels and panic mode.

/// What is left of a priority level, in hosts (or in weights, if the cluster counts these).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EnvoyLevel {
    /// Healthy hosts.
    pub healthy: u64,
    /// Degraded ones, which take what the healthy ones of all levels cannot.
    pub degraded: u64,
    /// All hosts.
    pub total: u64,
}

/// What a priority level gets, in percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EnvoyLoad {
    /// To its healthy hosts, or to all if it is in panic.
    pub healthy: u64,
    /// To its degraded hosts.
    pub degraded: u64,
    /// Whether too few of its hosts are healthy, so that it ignores health.
    pub panic: bool,
}

/// How Envoy spreads load over priority levels, in whole percents as it does.
///
/// A level's health is its healthy part times `overprovisioning` (in percent; 140 unless configured), at most 100. If all
/// health and degraded availability together are below 100, levels with less than `panic` percent healthy or degraded
/// hosts ignore health. (`LoadBalancerBase::recalculatePerPriorityState` and `recalculatePerPriorityPanic` in
/// `source/extensions/load_balancing_policies/common/load_balancer_impl.cc`)
pub fn envoy_priorities(
    levels: &[EnvoyLevel],
    overprovisioning: u64,
    panic: f64,
) -> Vec<EnvoyLoad> {
    let available = |part: fn(&EnvoyLevel) -> u64| -> Vec<u64> {
        let of = |level: &EnvoyLevel| {
            let scaled = overprovisioning
                .saturating_mul(part(level))
                .checked_div(level.total);
            scaled.unwrap_or(0).min(100)
        };
        levels.iter().map(of).collect()
    };
    let (healthy, degraded) = (
        available(|level| level.healthy),
        available(|level| level.degraded),
    );
    let total = healthy.iter().chain(&degraded).sum::<u64>().min(100);
    let mut loads = vec![EnvoyLoad::default(); levels.len()];
    if total > 0 {
        spread(&mut loads, &healthy, &degraded, total);
    } else if let Some(first) = loads.first_mut() {
        first.healthy = 100;
    }
    for (load, level) in loads.iter_mut().zip(levels) {
        let part = 100.0 * (level.healthy + level.degraded) as f64 / level.total.max(1) as f64;
        load.panic = total < 100 && (level.total == 0 || part < panic) && panic > 0.0;
    }
    if !loads.is_empty() && loads.iter().all(|load| load.panic) {
        total_panic(&mut loads, levels);
    }
    loads
}

fn spread(loads: &mut [EnvoyLoad], healthy: &[u64], degraded: &[u64], total: u64) {
    let mut left = 100;
    for (load, part) in loads.iter_mut().zip(healthy) {
        load.healthy = left.min(part * 100 / total);
        left -= load.healthy;
    }
    for (load, part) in loads.iter_mut().zip(degraded) {
        load.degraded = left.min(part * 100 / total);
        left -= load.degraded;
    }
    // What rounding left goes to the first that has any.
    if let Some(first) = healthy.iter().position(|part| *part > 0) {
        loads[first].healthy += left;
    } else if let Some(first) = degraded.iter().position(|part| *part > 0) {
        loads[first].degraded += left;
    }
}

/// With all levels in panic each gets as much as it has hosts, whatever their health.
fn total_panic(loads: &mut [EnvoyLoad], levels: &[EnvoyLevel]) {
    let hosts: u64 = levels.iter().map(|level| level.total).sum();
    let mut left = 100;
    for (load, level) in loads.iter_mut().zip(levels) {
        load.healthy = (100 * level.total).checked_div(hosts).unwrap_or(0);
        load.degraded = 0;
        left -= load.healthy;
    }
    let first = levels.iter().position(|level| level.total > 0).unwrap_or(0);
    loads[first].healthy += left;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loads(levels: &[(u64, u64)]) -> Vec<u64> {
        let level = |(healthy, total): &(u64, u64)| EnvoyLevel {
            healthy: *healthy,
            degraded: 0,
            total: *total,
        };
        let levels: Vec<_> = levels.iter().map(level).collect();
        envoy_priorities(&levels, 140, 50.0)
            .iter()
            .map(|load| load.healthy)
            .collect()
    }

    /// The tables of Envoy's documentation, `priority.rst`.
    #[test]
    fn documented_loads() {
        assert_eq!(loads(&[(100, 100), (100, 100)]), [100, 0]);
        assert_eq!(loads(&[(72, 100), (72, 100)]), [100, 0]);
        assert_eq!(loads(&[(71, 100), (71, 100)]), [99, 1]);
        assert_eq!(loads(&[(50, 100), (50, 100)]), [70, 30]);
        assert_eq!(loads(&[(25, 100), (100, 100)]), [35, 65]);
        assert_eq!(loads(&[(25, 100), (25, 100)]), [50, 50]);
        assert_eq!(loads(&[(25, 100), (25, 100), (20, 100)]), [34, 33, 33]);
        assert_eq!(loads(&[(0, 3), (0, 1)]), [75, 25]);
    }
}
