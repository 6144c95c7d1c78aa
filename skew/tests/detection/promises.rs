//! The promised rates: what happens exactly at the boundary, where false alarms are most frequent.

use evenkeel_skew::{Expected, Finding, ShareDetector, Terms};

use super::support::equal;
use super::traffic::{Arrivals, Traffic};

/// Mean ticks until the detector finds this, from many starts.
fn mean_time(finding: Finding, loads: &[f64], terms: Terms, expected: &Expected) -> f64 {
    let runs = 40;
    let mut ticks = 0_u32;
    for seed in 0..runs {
        let mut traffic = Traffic::new(seed, Arrivals::Independent, 30.0, loads.to_vec());
        let mut detector = ShareDetector::new(expected, terms);
        for _ in 0..20_000 {
            detector.observe(traffic.tick());
            ticks += 1;
            if detector.finding() == finding {
                break;
            }
        }
    }
    f64::from(ticks) / runs as f64
}

/// One backend exactly at 1.25 times its due, which the tolerance still allows.
#[test]
fn false_alarms_at_the_boundary_are_as_rare_as_promised() {
    let terms = Terms {
        tolerance: 0.25,
        false_alarm_ticks: 500.0,
        recovery_ticks: 1e9,
        warm_up_ticks: 60,
    };
    let others = (1.0 - 0.125) / 9.0;
    let mut loads = vec![others; 10];
    loads[0] = 0.125;
    let mean = mean_time(Finding::Skewed, &loads, terms, &equal(10));
    assert!(mean >= 500.0, "{mean}");
}

/// The same pool, exactly as far outside as inside: calling it even is as rare as promised.
#[test]
fn false_ends_at_the_boundary_are_as_rare_as_promised() {
    let terms = Terms {
        tolerance: 0.25,
        false_alarm_ticks: 1e9,
        recovery_ticks: 500.0,
        warm_up_ticks: 60,
    };
    let others = (1.0 - 0.125) / 9.0;
    let mut loads = vec![others; 10];
    loads[0] = 0.125;
    let mean = mean_time(Finding::Even, &loads, terms, &equal(10));
    assert!(mean >= 500.0, "{mean}");
}

/// The statistic less the number of ticks is a supermartingale: its mean grows by one per tick at most.
#[test]
fn the_statistic_grows_no_faster_than_time() {
    let terms = Terms {
        tolerance: 0.25,
        false_alarm_ticks: 1e12,
        recovery_ticks: 1e9,
        warm_up_ticks: 30,
    };
    let (runs, ticks) = (1000, 20);
    let mut mean = 0.0;
    for seed in 0..runs {
        // Both backends at the boundary.
        let mut traffic = Traffic::new(seed, Arrivals::Independent, 10.0, vec![0.625, 0.375]);
        let mut detector = ShareDetector::new(&equal(2), terms);
        for _ in 0..30 + ticks {
            detector.observe(traffic.tick());
        }
        mean += 10_f64.powf(detector.evidence()) / runs as f64;
    }
    assert!(mean <= 1.1 * f64::from(ticks), "{mean}");
}
