//! Shares and measures, computed anew from the ledger.

use evenkeel_lab::agent::Pool;
use evenkeel_lab::balancer::Server;
use evenkeel_lab::ledger::Ledger;

/// Asserts that the pool's shares are those of the ledger, and the ledger's those of the weights.
pub(crate) fn assert_shares(pool: &Pool, truth: &Ledger, servers: &[Server]) {
    let (total, weights) = (
        truth.total().opened,
        servers.iter().map(|server| server.weight).sum::<u32>(),
    );
    for (backend, server) in pool.backends.iter().zip(servers) {
        assert_eq!(
            backend.address, server.address,
            "in the order of the configuration"
        );
        let expected = f64::from(server.weight) / f64::from(weights);
        let observed = truth.get(server.address).opened as f64 / total as f64;
        let share = backend.share["opened"].unwrap();
        assert!(
            (share - observed).abs() < 1e-9,
            "{}: {share}, not {observed}",
            server.address
        );
        assert!(
            (share - expected).abs() < 0.003,
            "{}: {share} of weight {}",
            server.address,
            server.weight
        );
    }
}

/// The measures as textbooks have them, of loads of equal rank.
fn textbook(loads: &[f64]) -> [(&'static str, f64); 8] {
    let (count, sum) = (loads.len() as f64, loads.iter().sum::<f64>());
    let mean = sum / count;
    let pairs = loads
        .iter()
        .flat_map(|a| loads.iter().map(move |b| (a - b).abs()));
    let variance = loads.iter().map(|load| (load - mean).powi(2)).sum::<f64>() / count;
    let squares = loads.iter().map(|load| load * load).sum::<f64>();
    let entropy = |load: &f64| {
        if *load > 0.0 {
            load / mean * (load / mean).ln()
        } else {
            0.0
        }
    };
    let largest = loads.iter().copied().fold(0.0, f64::max);
    [
        ("gini", pairs.sum::<f64>() / (2.0 * count * count * mean)),
        ("max_to_mean", largest / mean),
        (
            "min_to_mean",
            loads.iter().copied().fold(largest, f64::min) / mean,
        ),
        ("cv", variance.sqrt() / mean),
        ("jain", sum * sum / (count * squares)),
        ("theil", loads.iter().map(entropy).sum::<f64>() / count),
        (
            "hoover",
            loads.iter().map(|load| (load - mean).abs()).sum::<f64>() / (2.0 * sum),
        ),
        ("wasted_capacity", 1.0 - mean / largest),
    ]
}

/// Asserts that the measures of the connections opened are those of the ledger. A backend of weight 3 is as three that
/// share its load.
pub(crate) fn assert_measures(
    pool: &Pool,
    truth: &Ledger,
    weights: impl Fn(&Server) -> u32,
    servers: &[Server],
) {
    let measures = pool.measures["opened"].as_ref().unwrap();
    let measure = |name: &str| {
        measures[name]
            .as_f64()
            .unwrap_or_else(|| panic!("{name}: {measures}"))
    };
    assert!(
        (measure("total") - truth.total().opened as f64).abs() < 1e-9,
        "{measures}"
    );
    let units = servers.iter().flat_map(|server| {
        let load = truth.get(server.address).opened as f64 / f64::from(weights(server));
        (0..weights(server)).map(move |_| load)
    });
    for (name, expected) in textbook(&units.collect::<Vec<_>>()) {
        assert!(
            (measure(name) - expected).abs() < 1e-9,
            "{}: {name} {expected}: {measures}",
            pool.name
        );
    }
    assert!(
        (0.0..0.1).contains(&measure("gini_by_chance")),
        "{measures}"
    );
}
