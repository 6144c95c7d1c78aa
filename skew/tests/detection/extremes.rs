//! Any input: answers stay finite and nothing panics.

use evenkeel_skew::{
    Expected, FailureDetector, LearnedShares, LevelDetector, ShareDetector, Terms, attribute,
    fitting_weights,
};
use proptest::prelude::*;

fn count() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0_u64..50, 1 => Just(0), 1 => 0_u64..1_000_000_000, 1 => Just(u64::MAX)]
}

fn weight() -> impl Strategy<Value = f64> {
    prop_oneof![3 => Just(1.0), 1 => 1e-5..1e5]
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![3 => 0.0..10.0, 1 => 1.0..1e9, 1 => any::<f64>()]
}

fn terms() -> impl Strategy<Value = Terms> {
    (number(), number(), number(), 0_u32..5).prop_map(
        |(tolerance, false_alarm_ticks, recovery_ticks, warm_up_ticks)| Terms {
            tolerance,
            false_alarm_ticks,
            recovery_ticks,
            warm_up_ticks,
        },
    )
}

/// Weights, and the counts of some ticks.
fn runs() -> impl Strategy<Value = (Vec<f64>, Vec<Vec<u64>>)> {
    (1_usize..12).prop_flat_map(|backends| {
        let counts = prop::collection::vec(count(), backends);
        (
            prop::collection::vec(weight(), backends),
            prop::collection::vec(counts, 1..80),
        )
    })
}

fn assert_finite(values: &[f64]) {
    assert!(
        values
            .iter()
            .all(|value| value.is_finite() && *value >= 0.0),
        "{values:?}"
    );
}

proptest! {
    #[test]
    fn shares((weights, ticks) in runs(), terms in terms(), others in prop::collection::vec(weight(), 1..12)) {
        let mut detector = ShareDetector::new(&Expected::from_weights(&weights).unwrap(), terms);
        for counts in &ticks {
            detector.observe(counts);
            assert_finite(&[detector.evidence(), detector.threshold(), detector.even_evidence(), detector.dispersion()]);
            prop_assert!(detector.dispersion() >= 1.0);
            prop_assert!(!detector.detection_ticks(3.0).is_nan());
            prop_assert!(detector.onset_ticks_ago().is_none_or(|ago| ago <= ticks.len() as u64));
            let named = (0..weights.len()).filter(|&backend| detector.side(backend).is_some()).count();
            prop_assert_eq!(named > 0, detector.finding() == evenkeel_skew::Finding::Skewed);
            for backend in 0..=weights.len() {
                let (hot, cold) = detector.backend_evidence(backend);
                assert_finite(&[hot, cold]);
            }
        }
        let heir = detector.inherit(&Expected::from_weights(&others).unwrap(), &[Some(3), None, Some(99)]);
        assert_finite(&[heir.evidence(), heir.dispersion()]);
    }

    #[test]
    fn levels((weights, ticks) in runs(), terms in terms(), sample in any::<f64>(), dispersion in any::<f64>(), odd in any::<f64>()) {
        let expected = Expected::from_weights(&weights).unwrap();
        let mut detector = LevelDetector::new(&expected, &terms, 3, 2);
        detector.set_dispersion(dispersion);
        for counts in &ticks {
            let mut levels: Vec<f64> = counts.iter().map(|&count| count as f64).collect();
            levels[0] *= odd;
            detector.observe(&levels, sample);
            assert_finite(&[detector.evidence(), detector.threshold()]);
            prop_assert!(detector.dispersion() >= 1.0);
            let named = (0..weights.len()).filter(|&backend| detector.side(backend).is_some()).count();
            prop_assert_eq!(named > 0, detector.finding() == evenkeel_skew::Finding::Skewed);
            attribute(&expected, &levels, &vec![3; levels.len()]);
        }
    }

    #[test]
    fn failures((weights, ticks) in runs(), terms in terms(), tolerated in any::<f64>()) {
        let mut detector = FailureDetector::new(weights.len(), terms, tolerated);
        for pair in ticks.windows(2) {
            detector.observe(&pair[0], &pair[1]);
            assert_finite(&[detector.evidence(), detector.threshold()]);
            let failing = (0..weights.len()).any(|backend| detector.failing(backend));
            prop_assert_eq!(failing, detector.finding() == evenkeel_skew::Finding::Skewed);
        }
    }

    #[test]
    fn learning((weights, ticks) in runs(), half_life in any::<f64>(), enough in 0_u64..100, dispersion in any::<f64>()) {
        let mut learned = LearnedShares::new(weights.len(), half_life, enough);
        for counts in &ticks {
            learned.observe(counts, false);
            if let Some(expected) = learned.expected() {
                prop_assert_eq!(expected.len(), weights.len());
            }
            if let Some(found) = fitting_weights(counts, dispersion, 10) {
                prop_assert!(found.iter().all(|weight| (1..=10).contains(weight)));
            }
        }
    }
}
