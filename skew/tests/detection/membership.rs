//! Pools whose members change.

use evenkeel_skew::{Expected, Finding, ShareDetector, Side};

use super::support::{TERMS, equal, run, ticks_until};
use super::traffic::{Arrivals, Traffic};

fn grown(detector: &ShareDetector) -> ShareDetector {
    let origin: Vec<Option<usize>> = (0..10).map(Some).chain([None]).collect();
    detector.inherit(&equal(11), &origin)
}

#[test]
fn dispersion_is_inherited_and_evidence_is_not() {
    let mut traffic = Traffic::new(1, Arrivals::Clumps(8), 50.0, vec![1.0; 10]);
    let mut detector = ShareDetector::new(&equal(10), TERMS);
    run(&mut detector, &mut traffic, 1800);
    traffic.loads[0] = 3.0;
    ticks_until(Finding::Skewed, &mut detector, &mut traffic);
    let heir = grown(&detector);
    assert_eq!(heir.dispersion().to_bits(), detector.dispersion().to_bits());
    assert!(heir.dispersion() > 6.0);
    assert_eq!(heir.finding(), Finding::Unknown);
    assert!(heir.evidence() < 0.1);
    assert_eq!(heir.side(0), None);
}

/// A new backend gets nothing at first: it may, for as long as a warm-up; the others may not.
#[test]
fn a_new_backend_is_not_cold_at_once() {
    let mut traffic = Traffic::new(1, Arrivals::Independent, 100.0, vec![1.0; 10]);
    let mut detector = ShareDetector::new(&equal(10), TERMS);
    run(&mut detector, &mut traffic, 600);
    let mut heir = grown(&detector);
    let mut traffic = Traffic::new(
        2,
        Arrivals::Independent,
        100.0,
        [vec![1.0; 10], vec![0.0]].concat(),
    );
    run(&mut heir, &mut traffic, TERMS.warm_up_ticks);
    assert!(matches!(heir.finding(), Finding::Unknown | Finding::Even));
    let delay = ticks_until(Finding::Skewed, &mut heir, &mut traffic);
    assert!(delay < 10, "{delay}");
    assert_eq!(heir.side(10), Some(Side::Cold));

    let mut heir = grown(&detector);
    let mut traffic = Traffic::new(
        2,
        Arrivals::Independent,
        100.0,
        [vec![0.0], vec![1.0; 10]].concat(),
    );
    let delay = ticks_until(Finding::Skewed, &mut heir, &mut traffic);
    assert!(delay < 10, "{delay}");
    assert_eq!(heir.side(0), Some(Side::Cold));
}

/// A new expectation moves the boundaries: what was a skew is one no longer.
#[test]
fn a_new_expectation_is_what_counts() {
    let loads = vec![3.0, 1.0, 1.0, 1.0];
    let mut traffic = Traffic::new(1, Arrivals::Independent, 50.0, loads.clone());
    let mut detector = ShareDetector::new(&equal(4), TERMS);
    ticks_until(Finding::Skewed, &mut detector, &mut traffic);
    detector.expect(&Expected::from_weights(&loads).unwrap());
    let end = ticks_until(Finding::Even, &mut detector, &mut traffic);
    assert!(end < 300, "{end}");
    // Another number of backends: begin anew rather than mix them up.
    detector.expect(&equal(6));
    assert_eq!(detector.finding(), Finding::Unknown);
    detector.observe(&[1, 2, 3, 4, 5, 6]);
    detector.observe(&[1, 2, 3]);
}
