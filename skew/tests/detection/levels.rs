//! Open connections and bytes.

use evenkeel_skew::{Finding, LevelDetector, Side};

use super::support::{TERMS, equal};
use super::traffic::Random;

const WINDOW: u32 = 60;
const HOLD: u32 = 60;

fn detector(backends: usize) -> LevelDetector {
    LevelDetector::new(&equal(backends), &TERMS, HOLD, WINDOW)
}

/// Open connections that come and go: each stays for 200 ticks on average.
struct Open {
    random: Random,
    rates: Vec<f64>,
    levels: Vec<f64>,
}

impl Open {
    fn new(seed: u64, rates: Vec<f64>) -> Self {
        let levels = rates.iter().map(|rate| rate * 200.0).collect();
        Self {
            random: Random(seed),
            rates,
            levels,
        }
    }

    fn tick(&mut self) -> &[f64] {
        for (open, rate) in self.levels.iter_mut().zip(&self.rates) {
            let closed = self.random.poisson(*open / 200.0) as f64;
            *open = (*open + self.random.poisson(*rate) as f64 - closed).max(0.0);
        }
        &self.levels
    }
}

fn observe(detector: &mut LevelDetector, open: &mut Open, ticks: u32) {
    for _ in 0..ticks {
        let levels = open.tick();
        detector.observe(levels, levels.iter().sum());
    }
}

#[test]
fn even_levels_never_alarm_and_many_are_called_even() {
    for (rate, finding) in [(0.02, Finding::Unknown), (5.0, Finding::Even)] {
        let mut open = Open::new(1, vec![rate; 10]);
        let mut detector = detector(10);
        for _ in 0..20_000 {
            observe(&mut detector, &mut open, 1);
            assert_ne!(detector.finding(), Finding::Skewed, "{rate}");
        }
        assert_eq!(detector.finding(), finding, "{rate}");
    }
}

#[test]
fn a_hot_level_is_seen_named_and_ended() {
    let mut open = Open::new(1, vec![1.0; 10]);
    let mut detector = detector(10);
    observe(&mut detector, &mut open, 1000);
    open.rates[2] = 3.0;
    let mut delay = 0_u64;
    while detector.finding() != Finding::Skewed {
        observe(&mut detector, &mut open, 1);
        delay += 1;
        assert!(delay < 600);
    }
    assert!(detector.evidence() >= detector.threshold());
    let named = |detector: &LevelDetector| -> Vec<_> {
        (0..10)
            .filter_map(|i| Some((i, detector.side(i)?)))
            .collect()
    };
    assert_eq!(named(&detector), [(2, Side::Hot)]);
    assert_eq!(detector.onset_ticks_ago(), Some(u64::from(HOLD) - 1));
    open.rates[2] = 1.0;
    let mut end = 0_u32;
    while detector.finding() == Finding::Skewed {
        observe(&mut detector, &mut open, 1);
        end += 1;
        assert!(end < 3000);
    }
    assert_eq!(named(&detector), []);
}

#[test]
fn an_empty_backend_is_cold() {
    let mut detector = detector(4);
    for _ in 0..HOLD {
        assert_ne!(detector.finding(), Finding::Skewed);
        detector.observe(&[50.0, 50.0, 50.0, 0.0], 150.0);
    }
    assert_eq!(detector.finding(), Finding::Skewed);
    assert_eq!(detector.side(3), Some(Side::Cold));
    // The others have 4/3 of their due, of which fifty connections are no proof.
    assert_eq!(detector.side(0), None);
}

/// Twelve connections that happen to be on three backends of ten prove nothing, whatever their bytes.
#[test]
fn few_connections_prove_nothing() {
    let mut detector = detector(10);
    let mut levels = [0.0; 10];
    levels[..3].copy_from_slice(&[4e9, 4e9, 4e9]);
    for _ in 0..10_000 {
        detector.observe(&levels, 12.0);
        assert_eq!(detector.finding(), Finding::Unknown);
    }
}

/// Clumped connections count for less.
#[test]
fn dispersion_takes_evidence_away() {
    let levels = [300.0, 100.0, 100.0, 100.0];
    let mut detector = detector(4);
    detector.set_dispersion(8.0);
    for _ in 0..1000 {
        detector.observe(&levels, 600.0);
        assert_eq!(detector.finding(), Finding::Unknown);
    }
    detector.set_dispersion(1.0);
    for _ in 0..HOLD {
        detector.observe(&levels, 600.0);
    }
    assert_eq!(detector.finding(), Finding::Skewed);
}

/// A skew of few connections is over when nothing confirms it for ten hold times.
#[test]
fn a_skew_does_not_hang() {
    let mut detector = detector(4);
    for _ in 0..HOLD {
        detector.observe(&[40.0, 40.0, 40.0, 0.0], 120.0);
    }
    assert_eq!(detector.finding(), Finding::Skewed);
    for _ in 0..10_000 {
        detector.observe(&[0.0; 4], 0.0);
    }
    assert_eq!(
        detector.finding(),
        Finding::Skewed,
        "silence is evidence of nothing"
    );
    for _ in 0..10 * HOLD {
        assert_eq!(detector.finding(), Finding::Skewed);
        detector.observe(&[2.0, 1.0, 1.0, 1.0], 5.0);
    }
    assert_eq!(detector.finding(), Finding::Unknown);
}

#[test]
fn a_new_backend_is_not_cold_at_once() {
    let mut heir = detector(3).inherit(&equal(4), &[Some(0), Some(1), Some(2), None]);
    let mut ticks = 0;
    while heir.finding() != Finding::Skewed {
        heir.observe(&[50.0, 50.0, 50.0, 0.0], 150.0);
        ticks += 1;
    }
    assert_eq!(ticks, TERMS.warm_up_ticks + HOLD);
}
