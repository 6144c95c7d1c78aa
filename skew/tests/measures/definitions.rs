//! The measures against their definitions, term by term, and against closed forms.

use super::support::{close, measure};
use evenkeel_skew::{Expected, LoadError, Measures, Meter};
use proptest::prelude::*;

/// Every measure as its definition reads, in O(k^2). `gini_by_chance` is not among them.
fn by_definition(weights: &[f64], loads: &[f64]) -> Measures {
    let weight_sum: f64 = weights.iter().sum();
    let load_sum: f64 = loads.iter().sum();
    let w: Vec<f64> = weights.iter().map(|w| w / weight_sum).collect();
    let s: Vec<f64> = loads.iter().map(|x| x / load_sum).collect();
    let r: Vec<f64> = s.iter().zip(&w).map(|(s, w)| s / w).collect();
    let sum = |term: &dyn Fn(usize) -> f64| (0..w.len()).map(term).sum::<f64>();
    let mean_square = sum(&|i| w[i] * r[i] * r[i]);
    let max_to_mean = r.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Measures {
        gini: sum(&|i| sum(&|j| w[i] * w[j] * (r[i] - r[j]).abs())) / 2.0,
        gini_by_chance: f64::NAN,
        max_to_mean,
        min_to_mean: r.iter().copied().fold(f64::INFINITY, f64::min),
        cv: sum(&|i| w[i] * (r[i] - 1.0) * (r[i] - 1.0)).sqrt(),
        jain: sum(&|i| w[i] * r[i]).powi(2) / mean_square,
        // The divergence of s from w.
        theil: sum(&|i| {
            if s[i] > 0.0 {
                s[i] * (s[i] / w[i]).ln()
            } else {
                0.0
            }
        }),
        hoover: sum(&|i| (s[i] - w[i]).max(0.0)),
        wasted_capacity: (max_to_mean - 1.0) / max_to_mean,
    }
}

fn same(a: &Measures, b: &Measures) -> bool {
    close(a.gini, b.gini)
        && close(a.max_to_mean, b.max_to_mean)
        && close(a.min_to_mean, b.min_to_mean)
        // A root of rounding errors.
        && (close(a.cv, b.cv) || close(a.cv * a.cv, b.cv * b.cv))
        && close(a.jain, b.jain)
        && close(a.theil, b.theil)
        && close(a.hoover, b.hoover)
        && close(a.wasted_capacity, b.wasted_capacity)
}

proptest! {
    #[test]
    fn counts_agree_with_the_definitions(pool in prop::collection::vec((0.01_f64..100.0, 0_u64..1_000_000), 1..40)) {
        let (weights, counts): (Vec<f64>, Vec<u64>) = pool.into_iter().unzip();
        prop_assume!(counts.iter().any(|&count| count > 0));
        let loads: Vec<f64> = counts.iter().map(|&count| count as f64).collect();
        let (ours, theirs) = (measure(&weights, &counts), by_definition(&weights, &loads));
        prop_assert!(same(&ours, &theirs), "{ours:?} and {theirs:?}");
    }

    #[test]
    fn levels_agree_with_the_definitions(pool in prop::collection::vec((1_u8..20, 0.0_f64..1e3), 1..40)) {
        let (weights, levels): (Vec<f64>, Vec<f64>) = pool.into_iter().map(|(w, x)| (f64::from(w), x)).unzip();
        prop_assume!(levels.iter().any(|&level| level > 0.0));
        let expected = Expected::from_weights(&weights).unwrap();
        let ours = Meter::new().measure_levels(&expected, &levels, 100.0).unwrap().unwrap();
        let theirs = by_definition(&weights, &levels);
        prop_assert!(same(&ours, &theirs), "{ours:?} and {theirs:?}");
        prop_assert!(close(ours.gini_by_chance, expected.gini_by_chance(100.0, 1.0)));
    }

    #[test]
    fn whole_levels_measure_like_counts(pool in prop::collection::vec((1_u8..20, 0_u32..1000), 1..40)) {
        let weights: Vec<f64> = pool.iter().map(|(w, _)| f64::from(*w)).collect();
        let counts: Vec<u64> = pool.iter().map(|(_, x)| u64::from(*x)).collect();
        let levels: Vec<f64> = pool.iter().map(|(_, x)| f64::from(*x)).collect();
        prop_assume!(counts.iter().any(|&count| count > 0));
        let expected = Expected::from_weights(&weights).unwrap();
        let counted = measure(&weights, &counts);
        let levelled = Meter::new().measure_levels(&expected, &levels, levels.iter().sum()).unwrap().unwrap();
        prop_assert!(same(&counted, &levelled), "{counted:?} and {levelled:?}");
        prop_assert!(close(counted.gini_by_chance, levelled.gini_by_chance));
    }

    #[test]
    fn one_backend_with_everything(weights in prop::collection::vec(1_u8..20, 1..40), place in any::<prop::sample::Index>()) {
        let weights: Vec<f64> = weights.into_iter().map(f64::from).collect();
        let mut counts = vec![0; weights.len()];
        let place = place.index(weights.len());
        counts[place] = 1234;
        let w = weights[place] / weights.iter().sum::<f64>();
        let measures = measure(&weights, &counts);
        prop_assert!(close(measures.gini, 1.0 - w));
        prop_assert!(close(measures.max_to_mean, 1.0 / w));
        let coldest = if weights.len() == 1 { 1.0 } else { 0.0 };
        prop_assert!(close(measures.min_to_mean, coldest));
        prop_assert!(close(measures.jain, w));
        prop_assert!(close(measures.theil, -w.ln()));
        prop_assert!(close(measures.hoover, 1.0 - w));
        prop_assert!(close(measures.wasted_capacity, 1.0 - w));
    }

    #[test]
    fn load_in_proportion_to_weight_is_even(weights in prop::collection::vec(1_u8..20, 1..40), load in 1_u64..1_000_000) {
        let counts: Vec<u64> = weights.iter().map(|w| u64::from(*w) * load).collect();
        let weights: Vec<f64> = weights.into_iter().map(f64::from).collect();
        let measures = measure(&weights, &counts);
        for zero in [measures.gini, measures.cv, measures.theil, measures.hoover, measures.wasted_capacity] {
            prop_assert!((0.0..1e-12).contains(&zero), "{measures:?}");
        }
        for one in [measures.max_to_mean, measures.min_to_mean, measures.jain] {
            prop_assert!((one - 1.0).abs() < 1e-12, "{measures:?}");
        }
    }

    /// `hot` of k equal backends share the part q of the load, the others the rest.
    #[test]
    fn two_levels_of_load(hot in 1_usize..20, cold in 1_usize..20, low in 0_u64..1000, more in 1_u64..1000) {
        let high = low + more;
        let counts: Vec<u64> = [vec![high; hot], vec![low; cold]].concat();
        let k = counts.len() as f64;
        let f = hot as f64 / k;
        let q = f * high as f64 / (f * high as f64 + (1.0 - f) * low as f64);
        let measures = measure(&vec![1.0; counts.len()], &counts);
        prop_assert!(close(measures.gini, q - f));
        prop_assert!(close(measures.hoover, q - f));
        prop_assert!(close(measures.cv * measures.cv, (q - f) * (q - f) / (f * (1.0 - f))));
        prop_assert!(close(measures.max_to_mean, q / f));
        prop_assert!(close(measures.min_to_mean, (1.0 - q) / (1.0 - f)));
    }
}

#[test]
fn equal_counts_on_equal_backends_are_exactly_even() {
    for k in [1, 2, 3, 7, 10, 49, 1000] {
        let measures = measure(&vec![1.0; k], &vec![17; k]);
        assert_eq!(measures.gini.to_bits(), 0, "k = {k}: {measures:?}");
    }
}

#[test]
fn no_load_gives_no_measures() {
    let expected = Expected::from_weights(&[1.0, 2.0]).unwrap();
    let mut meter = Meter::new();
    assert_eq!(meter.measure(&expected, &[0, 0]), Ok(None));
    assert_eq!(
        meter.measure_levels(&expected, &[0.0, -0.0], 10.0),
        Ok(None)
    );
}

#[test]
fn loads_that_do_not_fit_are_errors_that_say_why() {
    let expected = Expected::from_weights(&[1.0, 2.0]).unwrap();
    let mut meter = Meter::new();
    for counts in [&[][..], &[1], &[1, 2, 3]] {
        let error = meter.measure(&expected, counts).unwrap_err();
        assert_eq!(
            error,
            LoadError::Length {
                backends: 2,
                loads: counts.len()
            }
        );
        assert!(
            error
                .to_string()
                .contains(&format!("{} loads for 2 backends", counts.len())),
            "{error}"
        );
    }
    assert!(meter.measure_levels(&expected, &[1.0], 1.0).is_err());
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        let error = meter
            .measure_levels(&expected, &[1.0, bad], 1.0)
            .unwrap_err();
        assert!(
            error
                .to_string()
                .contains(&format!("level {bad} at index 1")),
            "{error}"
        );
    }
}

#[test]
fn one_meter_serves_pools_of_all_sizes() {
    let small = Expected::from_weights(&[1.0, 1.0]).unwrap();
    let large = Expected::from_weights(&[1.0; 50]).unwrap();
    let mut meter = Meter::new();
    let first = meter.measure(&small, &[1, 3]).unwrap();
    meter.measure(&large, &[5; 50]).unwrap();
    assert_eq!(meter.measure(&small, &[1, 3]).unwrap(), first);
}
