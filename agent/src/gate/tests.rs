//! How often the gate is wrong, and how often it cannot tell: by simulation.

use evenkeel_skew::Expected;

use super::judge::{Trial, worst};
use super::simulation::{Random, clumps, independent, rotation, totals};
use super::*;
use crate::model::Algorithm;

const RUNS: u32 = 200;
const EVEN: [f64; 5] = [0.2; 5];
/// The first backend is at 1.2 times its share.
const AT_LIMIT: [f64; 5] = [0.24, 0.19, 0.19, 0.19, 0.19];
/// One is cold by a fifth.
const COLD: [f64; 5] = [0.16, 0.21, 0.21, 0.21, 0.21];

fn limits() -> Limits {
    Limits {
        max_to_mean: Some(1.2),
        gini: None,
        tolerance: None,
        no_failed: false,
        confidence: 0.99,
    }
}

fn tolerance() -> Limits {
    Limits {
        max_to_mean: None,
        tolerance: Some(0.2),
        ..limits()
    }
}

fn gini(most: f64) -> Limits {
    Limits {
        max_to_mean: None,
        gini: Some(most),
        ..limits()
    }
}

fn with<T>(
    ticks: &[Vec<f64>],
    algorithm: Algorithm,
    look: impl FnOnce(&Observation<'_>) -> T,
) -> T {
    let loads = totals(ticks);
    let expected = Expected::from_weights(&vec![1.0; loads.len()]).unwrap();
    look(&Observation {
        expected: &expected,
        algorithm,
        schedulers: 1,
        countable: true,
        loads: &loads,
        ticks,
        failed: 0,
    })
}

fn judged(ticks: &[Vec<f64>], algorithm: Algorithm, limits: &Limits) -> Judgement {
    with(ticks, algorithm, |observation| judge(observation, limits))
}

/// Parts of the runs that pass and that are skewed.
fn outcomes(
    limits: &Limits,
    algorithm: Algorithm,
    mut make: impl FnMut(&mut Random) -> Vec<Vec<f64>>,
) -> (f64, f64) {
    let mut random = Random::new(11);
    let (mut pass, mut skewed) = (0_u32, 0_u32);
    for _ in 0..RUNS {
        let ticks = make(&mut random);
        let checks = with(&ticks, algorithm, |observation| {
            Trial::new(observation, limits).checks(limits)
        });
        match worst(&checks) {
            Outcome::Pass => pass += 1,
            Outcome::Skewed => skewed += 1,
            Outcome::Inconclusive => {}
        }
    }
    let part = |count: u32| f64::from(count) / f64::from(RUNS);
    (part(pass), part(skewed))
}

/// What one in a hundred is in so many runs at most, by four standard deviations.
const ONE_IN_A_HUNDRED: f64 = 0.04;

#[test]
fn at_the_limit_neither_is_said_wrongly() {
    for (limits, shares) in [
        (limits(), AT_LIMIT),
        (tolerance(), AT_LIMIT),
        (tolerance(), COLD),
        // Its Gini coefficient is 0.04.
        (gini(0.04), AT_LIMIT),
    ] {
        for (ticks, each) in [(100, 3), (100, 30), (100, 200), (3, 1000)] {
            let (pass, skewed) = outcomes(&limits, Algorithm::Random, |random| {
                independent(random, &shares, ticks, each)
            });
            assert!(
                pass <= ONE_IN_A_HUNDRED && skewed <= ONE_IN_A_HUNDRED,
                "{limits:?}, {ticks} of {each}: {pass} {skewed}"
            );
        }
    }
}

#[test]
fn clumps_are_no_skew() {
    for size in [4, 16] {
        let (pass, skewed) = outcomes(&limits(), Algorithm::Rotation, |random| {
            clumps(random, &AT_LIMIT, size, 60, 96)
        });
        assert!(
            pass <= ONE_IN_A_HUNDRED && skewed <= ONE_IN_A_HUNDRED,
            "{size}: {pass} {skewed}"
        );
    }
}

#[test]
fn few_connections_over_many_backends_are_inconclusive() {
    let even = vec![0.02; 50];
    for algorithm in [Algorithm::Rotation, Algorithm::Random] {
        let (pass, skewed) = outcomes(&limits(), algorithm, |random| {
            independent(random, &even, 20, 10)
        });
        assert!(pass < 0.01 && skewed <= ONE_IN_A_HUNDRED, "{pass} {skewed}");
    }
    let nothing = judged(&[vec![0.0; 5]], Algorithm::Random, &limits());
    assert_eq!(nothing.outcome(), Outcome::Inconclusive);
}

/// As the formula of docs/gate.md says; and what it says is not much more than it takes.
#[test]
fn the_number_that_is_told_is_enough() {
    for limits in [limits(), tolerance(), gini(0.1)] {
        let mut random = Random::new(5);
        let few = judged(
            &independent(&mut random, &EVEN, 50, 2),
            Algorithm::Random,
            &limits,
        );
        assert_eq!(few.outcome(), Outcome::Inconclusive);
        let needed = few.needed().unwrap();
        let each = usize::try_from(needed).unwrap() / 100 + 1;
        let part = |each: usize| {
            outcomes(&limits, Algorithm::Random, |random| {
                independent(random, &EVEN, 100, each)
            })
        };
        let (pass, skewed) = part(each);
        assert!(
            pass > 0.75 && skewed == 0.0,
            "{limits:?}, {needed}: {pass} {skewed}"
        );
        let (fewer, _) = part(each / 6);
        assert!(fewer < 0.5, "{limits:?}, {needed}: {fewer} at a sixth");
    }
}

#[test]
fn a_skew_is_found() {
    let twice = [1.0 / 3.0, 1.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0];
    for limits in [limits(), tolerance(), gini(0.05)] {
        let (_, skewed) = outcomes(&limits, Algorithm::Random, |random| {
            independent(random, &twice, 100, 20)
        });
        assert!(skewed > 0.95, "{limits:?}: {skewed}");
    }
    let dead = [0.25, 0.25, 0.25, 0.25, 0.0];
    let (_, skewed) = outcomes(&tolerance(), Algorithm::Random, |random| {
        independent(random, &dead, 50, 4)
    });
    assert!(skewed > 0.95, "{skewed}");
}

/// Round robin needs far fewer connections than chance does: it is measured that it varies less.
#[test]
fn what_is_dealt_in_turn_is_told_with_few() {
    let few = rotation(&EVEN, 1, 30, 7);
    assert_eq!(
        judged(&few, Algorithm::Rotation, &limits()).outcome(),
        Outcome::Pass
    );
    assert_eq!(
        judged(&few, Algorithm::Random, &limits()).outcome(),
        Outcome::Inconclusive
    );
    // With a wrong weight, twice as many show it.
    let wrong = rotation(&[0.28, 0.18, 0.18, 0.18, 0.18], 1, 60, 7);
    let judgement = judged(&wrong, Algorithm::Rotation, &limits());
    assert_eq!(judgement.outcome(), Outcome::Skewed);
    assert_eq!(judgement.checks[0].beyond, [(0, Side::Hot)]);
    let wasted = judgement.wasted.unwrap();
    assert!((wasted.factor - 1.4).abs() < 0.03 && wasted.at_least > 1.2);
}

/// Workers that each begin with the first backend: up to one connection each is no skew.
#[test]
fn turns_of_many_workers_are_reckoned_with() {
    let ticks = rotation(&EVEN, 16, 1, 16);
    let loads = totals(&ticks);
    assert!((loads[0] - 16.0).abs() < 0.5);
    let expected = Expected::from_weights(&[1.0; 5]).unwrap();
    let observation = Observation {
        expected: &expected,
        algorithm: Algorithm::Rotation,
        schedulers: 16,
        countable: true,
        loads: &loads,
        ticks: &ticks,
        failed: 0,
    };
    assert_eq!(
        judge(&observation, &limits()).outcome(),
        Outcome::Inconclusive
    );
}

#[test]
fn failures_are_what_they_are() {
    let expected = Expected::from_weights(&[1.0, 1.0]).unwrap();
    let limits = Limits {
        max_to_mean: None,
        no_failed: true,
        ..limits()
    };
    let observation = |failed| Observation {
        expected: &expected,
        algorithm: Algorithm::Rotation,
        schedulers: 1,
        countable: true,
        loads: &[10.0, 10.0],
        ticks: &[],
        failed,
    };
    assert_eq!(judge(&observation(0), &limits).outcome(), Outcome::Pass);
    assert_eq!(judge(&observation(1), &limits).outcome(), Outcome::Skewed);
}

/// Bytes and open connections vary by more than chance: without a measure of it nothing is said.
#[test]
fn levels_of_a_short_run_are_inconclusive() {
    let expected = Expected::from_weights(&[1.0, 1.0]).unwrap();
    let loads = [9e6, 1e6];
    let observation = Observation {
        expected: &expected,
        algorithm: Algorithm::LoadDependent,
        schedulers: 1,
        countable: false,
        loads: &loads,
        ticks: &[loads.to_vec()],
        failed: 0,
    };
    let judgement = judge(&observation, &limits());
    assert_eq!(judgement.outcome(), Outcome::Inconclusive);
    assert_eq!(judgement.noise.basis, Basis::Unknown);
    assert_eq!((judgement.needed(), judgement.wasted), (None, None));
}

/// The table of docs/gate.md.
#[test]
fn the_documented_numbers_are_those_of_the_formula() {
    let text = include_str!("../../../docs/gate.md");
    let (_, text) = text.split_once("| backends | connections |").unwrap();
    let mut rows = Vec::new();
    for backends in [2, 4, 10, 50] {
        let expected = Expected::from_weights(&vec![1.0; backends]).unwrap();
        let needed = needed::for_all(&expected, &limits(), 0);
        let row = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("| {backends} | ")))
            .unwrap();
        let told: f64 = row.trim_end_matches(" |").replace(',', "").parse().unwrap();
        rows.push((backends, told, needed));
    }
    let close = |(_, told, needed): &(usize, f64, f64)| (told / needed - 1.0).abs() < 0.03;
    assert!(rows.iter().all(close), "{rows:?}");
}
