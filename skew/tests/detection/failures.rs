//! Failing connects.

use evenkeel_skew::{FailureDetector, Finding};

use super::support::TERMS;
use super::traffic::Random;

const TOLERATED: f64 = 0.01;

/// Counts of a tick: each backend gets about this many attempts, of which its part fails.
fn tick(random: &mut Random, attempts: f64, parts: &[f64]) -> (Vec<u64>, Vec<u64>) {
    let mut split = |part: &f64| {
        (
            random.poisson(attempts * part),
            random.poisson(attempts * (1.0 - part)),
        )
    };
    parts.iter().map(&mut split).unzip()
}

#[test]
fn rare_failures_never_alarm_and_are_called_even() {
    let mut random = Random(1);
    let mut detector = FailureDetector::new(10, TERMS, TOLERATED);
    let mut even = 0;
    for _ in 0..20_000 {
        let (failed, opened) = tick(&mut random, 5.0, &[0.002; 10]);
        detector.observe(&failed, &opened);
        assert_ne!(detector.finding(), Finding::Skewed);
        even += u32::from(detector.finding() == Finding::Even);
    }
    assert!(even > 10_000, "{even}");
}

#[test]
fn a_refusing_backend_is_seen_within_seconds_named_and_ended() {
    let mut random = Random(1);
    let mut detector = FailureDetector::new(10, TERMS, TOLERATED);
    for _ in 0..1000 {
        let (failed, opened) = tick(&mut random, 5.0, &[0.0; 10]);
        detector.observe(&failed, &opened);
    }
    let mut parts = [0.0; 10];
    parts[6] = 1.0;
    let mut delay = 0;
    while detector.finding() != Finding::Skewed {
        let (failed, opened) = tick(&mut random, 5.0, &parts);
        detector.observe(&failed, &opened);
        delay += 1;
    }
    assert!(delay <= 8, "{delay}");
    let onset = detector.onset_ticks_ago().unwrap();
    assert!(onset.abs_diff(delay - 1) <= 1, "{onset} of {delay}");
    let failing: Vec<usize> = (0..10)
        .filter(|&backend| detector.failing(backend))
        .collect();
    assert_eq!(failing, [6]);
    let mut end = 0;
    while detector.finding() == Finding::Skewed {
        let (failed, opened) = tick(&mut random, 5.0, &[0.0; 10]);
        detector.observe(&failed, &opened);
        end += 1;
    }
    assert!((60..600).contains(&end), "{end}");
    assert!(!detector.failing(6));
}

/// A thousand retries within one tick are one observation.
#[test]
fn a_burst_of_retries_is_one_observation() {
    let mut detector = FailureDetector::new(2, TERMS, TOLERATED);
    for _ in 0..100 {
        detector.observe(&[0, 0], &[10, 10]);
    }
    detector.observe(&[100_000, 0], &[0, 10]);
    assert!(matches!(
        detector.finding(),
        Finding::Unknown | Finding::Even
    ));
    assert!(detector.evidence() < detector.threshold() / 2.0);
}

/// A backend that gets no attempts is neither failing nor fine.
#[test]
fn no_attempts_are_no_observation() {
    let mut detector = FailureDetector::new(1, TERMS, TOLERATED);
    for _ in 0..100_000 {
        detector.observe(&[0], &[0]);
    }
    assert_eq!(detector.finding(), Finding::Unknown);
    for _ in 0..10 {
        detector.observe(&[3], &[0]);
    }
    assert_eq!(detector.finding(), Finding::Skewed);
    for _ in 0..100_000 {
        detector.observe(&[0], &[0]);
    }
    assert_eq!(detector.finding(), Finding::Skewed);
    assert_eq!(detector.onset_ticks_ago(), Some(100_009));
}

#[test]
fn evidence_moves_with_its_backend() {
    let mut detector = FailureDetector::new(2, TERMS, TOLERATED);
    for _ in 0..20 {
        detector.observe(&[5, 0], &[0, 5]);
    }
    let heir = detector.inherit(&[None, Some(1), Some(0)]);
    assert_eq!(heir.finding(), Finding::Skewed);
    assert!(heir.failing(2) && !heir.failing(0) && !heir.failing(1));
    assert_eq!(heir.onset_ticks_ago(), detector.onset_ticks_ago());
    let without = detector.inherit(&[Some(1)]);
    assert_ne!(without.finding(), Finding::Skewed);
}
