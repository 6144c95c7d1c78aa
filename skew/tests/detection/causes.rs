//! Which label explains a skew.

use evenkeel_skew::{Expected, attribute};

use super::support::equal;
use super::traffic::Random;

#[test]
fn a_label_that_makes_the_difference_beats_chance() {
    let zones: Vec<u32> = (0..12).map(|backend| backend % 3).collect();
    let loads: Vec<f64> = (0..12)
        .map(|backend| {
            if backend % 3 == 1 {
                30.0
            } else {
                10.0 + f64::from(backend) / 10.0
            }
        })
        .collect();
    let found = attribute(&equal(12), &loads, &zones).unwrap();
    assert!(found.between > 0.98, "{found:?}");
    assert!(found.beats_chance && found.by_chance < 0.9, "{found:?}");
    // Group numbers are names only.
    let renamed: Vec<u32> = zones.iter().map(|zone| u32::MAX - 7 * zone).collect();
    assert!(
        attribute(&equal(12), &loads, &renamed)
            .unwrap()
            .beats_chance
    );
}

/// Theil's decomposition, by hand: shares 3/8 3/8 1/8 1/8 in two groups are all between; in the others none.
#[test]
fn the_part_between_groups_is_theils() {
    let loads = [3.0, 3.0, 1.0, 1.0];
    let between = |groups: &[u32]| attribute(&equal(4), &loads, groups).unwrap().between;
    assert!((between(&[0, 0, 1, 1]) - 1.0).abs() < 1e-12);
    assert!(between(&[0, 1, 0, 1]).abs() < 1e-12);
    let total = 0.75 * 1.5_f64.ln() + 0.25 * 0.5_f64.ln();
    let groups = 0.375 * 1.5_f64.ln() + 0.625 * (0.625_f64 / 0.75).ln();
    assert!((between(&[0, 1, 1, 1]) - groups / total).abs() < 1e-12);
}

/// Of four backends in two pairs, each grouping is one of three: nothing can be shown.
#[test]
fn few_backends_prove_nothing() {
    let found = attribute(&equal(4), &[3.0, 3.0, 1.0, 1.0], &[0, 0, 1, 1]).unwrap();
    assert!((found.probability - 1.0 / 3.0).abs() < 1e-9, "{found:?}");
    assert!(!found.beats_chance);
}

/// Labels without meaning are named as rarely as promised.
#[test]
fn labels_without_meaning_rarely_beat_chance() {
    let mut random = Random(1);
    let expected = equal(30);
    let mut named = 0;
    for _ in 0..300 {
        let loads: Vec<f64> = (0..30).map(|_| random.unit()).collect();
        let groups: Vec<u32> = (0..30)
            .map(|_| u32::try_from(random.bits() % 4).unwrap())
            .collect();
        named += u32::from(attribute(&expected, &loads, &groups).unwrap().beats_chance);
    }
    assert!(named <= 10, "{named} of 300");
}

#[test]
fn the_answer_is_the_same_each_time_and_large_pools_are_quick() {
    let weights: Vec<f64> = (0..10_000).map(|i| f64::from(1 + i % 5)).collect();
    let loads: Vec<f64> = (0..10_000).map(|i| f64::from(i % 11)).collect();
    let groups: Vec<u32> = (0..10_000).map(|i| i % 11 / 2).collect();
    let expected = Expected::from_weights(&weights).unwrap();
    let found = attribute(&expected, &loads, &groups);
    assert!(found.unwrap().beats_chance);
    assert_eq!(found, attribute(&expected, &loads, &groups));
}

#[test]
fn nothing_to_attribute_is_none() {
    let groups = [0, 0, 1, 1];
    assert_eq!(attribute(&equal(4), &[1.0; 4], &groups), None, "even");
    assert_eq!(attribute(&equal(4), &[0.0; 4], &groups), None, "no load");
    assert_eq!(
        attribute(&equal(4), &[1.0, f64::NAN, 1.0, 1.0], &groups),
        None
    );
    assert_eq!(
        attribute(&equal(4), &[1.0, 2.0, 3.0, 4.0], &[7; 4]),
        None,
        "one group"
    );
    assert_eq!(
        attribute(&equal(4), &[1.0, 2.0, 3.0, 4.0], &[0, 1, 2, 3]),
        None,
        "each its own"
    );
    assert_eq!(
        attribute(&equal(3), &[1.0, 2.0, 3.0, 4.0], &groups),
        None,
        "lengths"
    );
}
