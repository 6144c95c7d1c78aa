//! Shares that are learned rather than configured.

use evenkeel_skew::{Finding, LearnedShares, ShareDetector, Side};

use super::support::{TERMS, run, ticks_until};
use super::traffic::{Arrivals, Traffic};

#[test]
fn what_is_usual_is_expected_and_a_change_is_a_skew() {
    let loads = vec![5.0, 1.0, 2.0, 0.5];
    let mut traffic = Traffic::new(1, Arrivals::Independent, 50.0, loads);
    let mut learned = LearnedShares::new(4, 86_400.0, 1000);
    assert!(learned.expected().is_none());
    let mut ticks = 0;
    while !learned.is_learned() {
        learned.observe(traffic.tick(), false);
        ticks += 1;
    }
    // The last backend gets 1/17 of 50 per tick.
    assert!((300..400).contains(&ticks), "{ticks}");
    let expected = learned.expected().unwrap();
    for (share, load) in expected.shares().iter().zip(&traffic.loads) {
        assert!((share / (load / 8.5) - 1.0).abs() < 0.1, "{expected:?}");
    }
    let mut detector = ShareDetector::new(&expected, TERMS);
    run(&mut detector, &mut traffic, 3600);
    assert_eq!(detector.finding(), Finding::Even);
    traffic.loads[1] = 3.0;
    ticks_until(Finding::Skewed, &mut detector, &mut traffic);
    assert_eq!(detector.side(1), Some(Side::Hot));
}

#[test]
fn nothing_is_learned_while_frozen() {
    let mut learned = LearnedShares::new(2, 100.0, 10);
    for _ in 0..1000 {
        learned.observe(&[10, 10], false);
    }
    let before = learned.expected().unwrap();
    for _ in 0..1000 {
        learned.observe(&[30, 10], true);
    }
    assert_eq!(learned.expected().unwrap(), before);
    for _ in 0..1000 {
        learned.observe(&[30, 10], false);
    }
    assert!((learned.expected().unwrap().shares()[0] - 0.75).abs() < 0.01);
}

/// A backend that hashing gives nothing does not keep the others from being learned.
#[test]
fn an_unused_backend_is_believed_in_the_end() {
    let mut learned = LearnedShares::new(3, 1e4, 10);
    learned.observe(&[100, 100, 0], false);
    assert!(!learned.is_learned());
    learned.observe(&[100, 100, 0], false);
    let shares = learned.expected().unwrap();
    assert!(shares.shares()[2] < 0.002, "{shares:?}");
}

#[test]
fn new_members_are_to_be_learned_first() {
    let mut learned = LearnedShares::new(2, 1e4, 10);
    learned.observe(&[100, 50], false);
    assert!(learned.is_learned());
    let swapped = learned.inherit(&[Some(1), Some(0)]);
    assert!(swapped.is_learned());
    assert!(swapped.expected().unwrap().shares()[1] > 0.6);
    let grown = learned.inherit(&[Some(0), Some(1), None]);
    assert!(!grown.is_learned());
    assert!(!learned.inherit(&[Some(0)]).is_learned());
}
