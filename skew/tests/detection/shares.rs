//! New connections: false alarms, delays, names, ends, and changes of the pool.

use evenkeel_skew::{Expected, Finding, ShareDetector, Side};

use super::support::{TERMS, equal, median, run, ticks_until};
use super::traffic::{Arrivals, Traffic};

fn named(detector: &ShareDetector, backends: usize) -> Vec<(usize, Side)> {
    (0..backends)
        .filter_map(|backend| Some((backend, detector.side(backend)?)))
        .collect()
}

/// A detector that has seen ten minutes of this traffic.
fn warmed(traffic: &mut Traffic) -> ShareDetector {
    let expected = Expected::from_weights(&traffic.loads).unwrap();
    let mut detector = ShareDetector::new(&expected, TERMS);
    run(&mut detector, traffic, 600);
    assert_ne!(detector.finding(), Finding::Skewed);
    detector
}

#[test]
fn even_traffic_is_called_even_and_never_alarms() {
    for arrivals in [
        Arrivals::Independent,
        Arrivals::InTurn,
        Arrivals::Clumps(8),
        Arrivals::RandomClumps(8.0),
        Arrivals::SlowClumps(8),
    ] {
        for (backends, rate) in [(2, 20.0), (10, 20.0), (10, 8.0)] {
            let mut traffic = Traffic::new(7, arrivals, rate, vec![1.0; backends]);
            let mut detector = ShareDetector::new(&equal(backends), TERMS);
            let mut even = false;
            for tick in 0..3 * 3600 {
                detector.observe(traffic.tick());
                let finding = detector.finding();
                assert_ne!(
                    finding,
                    Finding::Skewed,
                    "{arrivals:?}, {backends} backends, tick {tick}"
                );
                even |= finding == Finding::Even;
            }
            assert!(even, "{arrivals:?}, {backends} backends, {rate} per tick");
        }
    }
}

/// Shares that differ, but by less than the tolerance, are no skew.
#[test]
fn inside_the_tolerance_never_alarms() {
    let loads = vec![1.2, 0.8, 1.2, 0.8, 1.0, 1.0, 0.85, 1.15, 1.1, 0.9];
    let mut traffic = Traffic::new(3, Arrivals::Independent, 50.0, loads);
    let mut detector = ShareDetector::new(&equal(10), TERMS);
    for _ in 0..3 * 3600 {
        detector.observe(traffic.tick());
        assert_ne!(detector.finding(), Finding::Skewed);
    }
}

/// One of ten at twice its load is seen about as soon as any detector with this rate of false alarms can.
#[test]
fn a_doubling_is_seen_close_to_the_bound() {
    let (mut delays, mut bounds) = (Vec::new(), Vec::new());
    for seed in 0..40 {
        let mut traffic = Traffic::new(seed, Arrivals::Independent, 50.0, vec![1.0; 10]);
        let mut detector = warmed(&mut traffic);
        bounds.push(detector.detection_ticks(50.0));
        traffic.loads[3] = 2.0;
        let delay = ticks_until(Finding::Skewed, &mut detector, &mut traffic);
        assert_eq!(named(&detector, 10), [(3, Side::Hot)], "seed {seed}");
        delays.push(f64::from(delay));
    }
    let (delay, bound) = (median(delays), median(bounds));
    assert!(delay <= 1.3 * bound, "{delay} ticks, bound {bound}");
}

#[test]
fn a_dead_backend_is_seen_at_once_and_named_alone() {
    for seed in 0..20 {
        let mut traffic = Traffic::new(seed, Arrivals::Independent, 50.0, vec![1.0; 10]);
        let mut detector = warmed(&mut traffic);
        traffic.loads[9] = 0.0;
        let delay = ticks_until(Finding::Skewed, &mut detector, &mut traffic);
        assert!(delay <= 10, "seed {seed}: {delay}");
        assert_eq!(named(&detector, 10), [(9, Side::Cold)]);
        let onset = detector.onset_ticks_ago().unwrap();
        assert!(onset.abs_diff(u64::from(delay)) <= 4, "{onset} of {delay}");
    }
}

#[test]
fn the_onset_is_close_to_the_change() {
    let mut errors = Vec::new();
    for seed in 0..40 {
        let mut traffic = Traffic::new(seed, Arrivals::Independent, 20.0, vec![1.0; 10]);
        let mut detector = warmed(&mut traffic);
        assert_eq!(detector.onset_ticks_ago(), None);
        traffic.loads[3] = 2.5;
        let delay = ticks_until(Finding::Skewed, &mut detector, &mut traffic);
        let onset = detector.onset_ticks_ago().unwrap();
        errors.push((onset as f64 - f64::from(delay)).abs());
        run(&mut detector, &mut traffic, 100);
        // Time passes at the same rate whether there is traffic or not.
        detector.observe(&[0; 10]);
        assert_eq!(detector.onset_ticks_ago(), Some(onset + 101));
    }
    let error = median(errors);
    assert!(error <= 10.0, "{error} ticks");
}

#[test]
fn two_hot_backends_are_both_named() {
    for seed in 0..20 {
        let mut traffic = Traffic::new(seed, Arrivals::Independent, 50.0, vec![1.0; 20]);
        let mut detector = warmed(&mut traffic);
        traffic.loads[4] = 2.0;
        traffic.loads[5] = 2.0;
        ticks_until(Finding::Skewed, &mut detector, &mut traffic);
        run(&mut detector, &mut traffic, 120);
        assert_eq!(
            named(&detector, 20),
            [(4, Side::Hot), (5, Side::Hot)],
            "seed {seed}"
        );
    }
}

/// Weights are taken into account: three times the connections of the others are even for weight 3.
#[test]
fn shares_are_compared_with_weights() {
    let mut traffic = Traffic::new(1, Arrivals::Independent, 50.0, vec![3.0, 1.0, 1.0, 1.0]);
    let mut detector = warmed(&mut traffic);
    ticks_until(Finding::Even, &mut detector, &mut traffic);
    traffic.loads[0] = 1.0;
    ticks_until(Finding::Skewed, &mut detector, &mut traffic);
    run(&mut detector, &mut traffic, 300);
    let (all, cold) = (named(&detector, 4), detector.side(0));
    assert_eq!(cold, Some(Side::Cold), "{all:?}");
    assert_eq!(all.len(), 4, "the others get 1.5 times their due: {all:?}");
}

#[test]
fn a_skew_ends_when_shares_are_even_again_and_not_before() {
    for seed in 0..10 {
        let mut traffic = Traffic::new(seed, Arrivals::Independent, 50.0, vec![1.0; 10]);
        let mut detector = warmed(&mut traffic);
        traffic.loads[0] = 2.0;
        ticks_until(Finding::Skewed, &mut detector, &mut traffic);
        for _ in 0..3600 {
            detector.observe(traffic.tick());
            assert_eq!(detector.finding(), Finding::Skewed, "seed {seed}");
            assert_eq!(detector.side(0), Some(Side::Hot), "seed {seed}");
        }
        traffic.loads[0] = 1.0;
        let end = ticks_until(Finding::Even, &mut detector, &mut traffic);
        assert!(end < 300, "seed {seed}: {end}");
        assert_eq!(named(&detector, 10), []);
        assert!(detector.evidence() < detector.threshold());
    }
}

/// Shares that come to rest inside the tolerance, but not at the expected ones, are even too.
#[test]
fn a_skew_ends_inside_the_tolerance() {
    let mut traffic = Traffic::new(1, Arrivals::Independent, 50.0, vec![1.0; 10]);
    let mut detector = warmed(&mut traffic);
    traffic.loads[0] = 2.0;
    ticks_until(Finding::Skewed, &mut detector, &mut traffic);
    traffic.loads[0] = 1.2;
    let end = ticks_until(Finding::Even, &mut detector, &mut traffic);
    assert!(end < 10_000, "{end}");
}

/// When another backend becomes the hot one, names follow.
#[test]
fn names_follow_the_skew() {
    let mut traffic = Traffic::new(1, Arrivals::Independent, 50.0, vec![1.0; 10]);
    let mut detector = warmed(&mut traffic);
    traffic.loads[0] = 2.0;
    ticks_until(Finding::Skewed, &mut detector, &mut traffic);
    run(&mut detector, &mut traffic, 3600);
    (traffic.loads[0], traffic.loads[1]) = (1.0, 2.0);
    run(&mut detector, &mut traffic, 300);
    assert_eq!(named(&detector, 10), [(1, Side::Hot)]);
}

/// A day without connections is evidence of nothing.
#[test]
fn silence_neither_alarms_nor_ends() {
    let mut traffic = Traffic::new(1, Arrivals::Independent, 50.0, vec![1.0; 10]);
    let mut detector = warmed(&mut traffic);
    ticks_until(Finding::Even, &mut detector, &mut traffic);
    let evidence = (detector.evidence(), detector.even_evidence());
    for _ in 0..86_400 {
        detector.observe(&[0; 10]);
    }
    assert_eq!(detector.finding(), Finding::Even);
    assert_eq!((detector.evidence(), detector.even_evidence()), evidence);
    traffic.loads[0] = 0.0;
    let delay = ticks_until(Finding::Skewed, &mut detector, &mut traffic);
    assert!(delay < 12, "{delay}");
    for _ in 0..86_400 {
        detector.observe(&[0; 10]);
    }
    assert_eq!(detector.finding(), Finding::Skewed);
    assert_eq!(named(&detector, 10), [(0, Side::Cold)]);
}

/// Two backends mirror each other: one is as cold as the other is hot.
#[test]
fn two_backends_are_named_as_a_pair() {
    let mut traffic = Traffic::new(1, Arrivals::Independent, 50.0, vec![1.0; 2]);
    let mut detector = warmed(&mut traffic);
    traffic.loads[1] = 0.3;
    ticks_until(Finding::Skewed, &mut detector, &mut traffic);
    assert_eq!(named(&detector, 2), [(0, Side::Hot), (1, Side::Cold)]);
}

#[test]
fn one_of_two_hundred_is_found() {
    let mut traffic = Traffic::new(1, Arrivals::Independent, 500.0, vec![1.0; 200]);
    let expected = equal(200);
    let mut detector = ShareDetector::new(&expected, TERMS);
    run(&mut detector, &mut traffic, 120);
    traffic.loads[150] = 3.0;
    ticks_until(Finding::Skewed, &mut detector, &mut traffic);
    assert_eq!(named(&detector, 200), [(150, Side::Hot)]);
}

/// There is nothing to compare one backend with.
#[test]
fn one_backend_has_no_finding() {
    let mut detector = ShareDetector::new(&equal(1), TERMS);
    for _ in 0..1000 {
        detector.observe(&[100]);
    }
    assert_eq!(detector.finding(), Finding::Unknown);
    assert!(detector.detection_ticks(100.0).is_infinite());
}

/// The time a doubling takes is inversely proportional to traffic, and has a number without any.
#[test]
fn detection_takes_traffic() {
    let detector = ShareDetector::new(&equal(10), TERMS);
    let (slow, fast) = (
        detector.detection_ticks(5.0),
        detector.detection_ticks(50.0),
    );
    assert!((slow / fast - 10.0).abs() < 1e-9);
    assert!(detector.detection_ticks(0.0).is_infinite());
    // ln A / KL(2/11 || 1/8) = 15.87 / 0.01320, times the dispersion that is assumed at first.
    assert!(
        (fast / detector.dispersion() - 24.05).abs() < 0.05,
        "{fast}"
    );
}

/// Clients that begin to open ten connections at once are no skew.
#[test]
fn connections_that_begin_to_come_in_clumps_are_no_alarm() {
    for arrivals in [Arrivals::Clumps(8), Arrivals::RandomClumps(8.0)] {
        for seed in 0..10 {
            let mut traffic = Traffic::new(seed, Arrivals::Independent, 50.0, vec![1.0; 10]);
            let mut detector = warmed(&mut traffic);
            traffic.arrivals = arrivals;
            for tick in 0..1200 {
                detector.observe(traffic.tick());
                let finding = detector.finding();
                assert_ne!(
                    finding,
                    Finding::Skewed,
                    "{arrivals:?}, seed {seed}, tick {tick}"
                );
            }
        }
    }
}

/// However much traffic there is, one odd tick is no alarm.
#[test]
fn one_odd_tick_is_no_alarm() {
    let mut traffic = Traffic::new(1, Arrivals::Independent, 50.0, vec![1.0; 10]);
    let mut detector = warmed(&mut traffic);
    detector.observe(&[1_000_000, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for _ in 0..600 {
        assert_ne!(detector.finding(), Finding::Skewed);
        detector.observe(traffic.tick());
    }
}
