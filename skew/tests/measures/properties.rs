//! What every measure of inequality must obey, and how the measures relate to each other.

use super::support::{close, measure};
use evenkeel_skew::{Expected, Measures, Meter};
use proptest::prelude::*;

/// Weights and counts of a pool of at least two backends with some load.
fn pools() -> impl Strategy<Value = (Vec<f64>, Vec<u64>)> {
    let backend = (
        1_u8..20,
        prop_oneof![4 => 0_u64..1000, 1 => 0_u64..1_000_000_000, 1 => Just(0)],
    );
    prop::collection::vec(backend, 2..40)
        .prop_map(|pool| {
            pool.into_iter()
                .map(|(weight, count)| (f64::from(weight), count))
                .unzip()
        })
        .prop_filter("some load", |(_, counts): &(Vec<f64>, Vec<u64>)| {
            counts.iter().any(|&count| count > 0)
        })
}

fn distribution(m: &Measures) -> [f64; 8] {
    [
        m.gini,
        m.max_to_mean,
        m.min_to_mean,
        m.cv,
        m.jain,
        m.theil,
        m.hoover,
        m.wasted_capacity,
    ]
}

fn same_distribution(a: &Measures, b: &Measures) -> bool {
    distribution(a)
        .iter()
        .zip(distribution(b))
        .all(|(a, b)| close(*a, b))
}

fn assert_ranges(weights: &[f64], m: &Measures) {
    let min_share =
        weights.iter().copied().fold(f64::INFINITY, f64::min) / weights.iter().sum::<f64>();
    // Relative: the ends are reached when one backend has everything.
    let upto = |value: f64, end: f64| value >= 0.0 && value <= end * (1.0 + 1e-9);
    assert!(upto(m.gini, 1.0 - min_share), "{m:?}");
    assert!(upto(m.gini_by_chance, 1.0 - min_share), "{m:?}");
    assert!(
        m.max_to_mean >= 1.0 && upto(m.max_to_mean, 1.0 / min_share),
        "{m:?}"
    );
    assert!((0.0..=1.0).contains(&m.min_to_mean), "{m:?}");
    assert!(upto(m.cv, (1.0 / min_share - 1.0).sqrt()), "{m:?}");
    assert!(m.jain >= min_share * (1.0 - 1e-9) && m.jain <= 1.0, "{m:?}");
    assert!(upto(m.theil, -min_share.ln()), "{m:?}");
    assert!(upto(m.hoover, 1.0 - min_share), "{m:?}");
    assert!(upto(m.wasted_capacity, 1.0 - min_share), "{m:?}");
}

proptest! {
    #[test]
    fn every_measure_stays_in_its_range((weights, counts) in pools()) {
        assert_ranges(&weights, &measure(&weights, &counts));
    }

    #[test]
    fn the_largest_counts_do_no_harm(
        pool in prop::collection::vec((1_u8..20, prop_oneof![Just(u64::MAX), (1_u64 << 53)..u64::MAX, 0_u64..3]), 2..40),
    ) {
        let (weights, counts): (Vec<f64>, Vec<u64>) = pool.into_iter().map(|(w, x)| (f64::from(w), x)).unzip();
        prop_assume!(counts.iter().any(|&count| count > 0));
        assert_ranges(&weights, &measure(&weights, &counts));
    }

    #[test]
    fn the_largest_and_smallest_levels_do_no_harm(
        levels in prop::collection::vec(prop_oneof![Just(f64::MAX), Just(5e-324), Just(0.0), 0.0..1e9], 2..40),
        sample_size in any::<f64>(),
    ) {
        prop_assume!(levels.iter().any(|&level| level > 0.0));
        let weights = vec![1.0; levels.len()];
        let expected = Expected::from_weights(&weights).unwrap();
        assert_ranges(&weights, &Meter::new().measure_levels(&expected, &levels, sample_size).unwrap().unwrap());
    }

    #[test]
    fn order_does_not_matter((weights, counts) in pools(), seed in any::<prop::sample::Index>()) {
        let mut rotated = (weights.clone(), counts.clone());
        let by = seed.index(weights.len());
        rotated.0.rotate_left(by);
        rotated.1.rotate_left(by);
        rotated.0.swap(0, by);
        rotated.1.swap(0, by);
        let (a, b) = (measure(&weights, &counts), measure(&rotated.0, &rotated.1));
        prop_assert!(same_distribution(&a, &b), "{a:?} and {b:?}");
        prop_assert!(close(a.gini_by_chance, b.gini_by_chance));
    }

    #[test]
    fn the_scale_of_loads_does_not_matter((weights, counts) in pools(), factor in 2_u64..1_000_000) {
        let scaled: Vec<u64> = counts.iter().map(|count| count * factor).collect();
        let (a, b) = (measure(&weights, &counts), measure(&weights, &scaled));
        prop_assert!(same_distribution(&a, &b), "{a:?} and {b:?}");
        // More traffic, same distribution: less of it is chance.
        prop_assert!(b.gini_by_chance < a.gini_by_chance);
    }

    #[test]
    fn the_scale_of_weights_does_not_matter((weights, counts) in pools(), factor in 1e-6_f64..1e6) {
        let scaled: Vec<f64> = weights.iter().map(|weight| weight * factor).collect();
        let (a, b) = (measure(&weights, &counts), measure(&scaled, &counts));
        prop_assert!(same_distribution(&a, &b), "{a:?} and {b:?}");
        prop_assert!(close(a.gini_by_chance, b.gini_by_chance));
    }

    /// Pigou and Dalton: moving load from a relatively hotter to a relatively colder backend, without the two changing
    /// places, never makes the pool less even.
    #[test]
    fn moving_load_to_a_colder_backend_never_hurts(
        (weights, mut counts) in pools(),
        from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
        part in 0.0_f64..=1.0,
    ) {
        let (mut from, mut to) = (from.index(weights.len()), to.index(weights.len()));
        if (counts[from] as f64 / weights[from]) < (counts[to] as f64 / weights[to]) {
            (from, to) = (to, from);
        }
        // At this much they are level.
        let most = (counts[from] as f64 * weights[to] - counts[to] as f64 * weights[from]) / (weights[from] + weights[to]);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 <= most <= count, rounded down")]
        let moved = (part * most) as u64;
        let before = measure(&weights, &counts);
        counts[from] -= moved;
        counts[to] += moved;
        let after = measure(&weights, &counts);
        for (before, after) in [
            (before.gini, after.gini),
            (before.cv, after.cv),
            (before.theil, after.theil),
            (before.hoover, after.hoover),
            (before.max_to_mean, after.max_to_mean),
            (before.wasted_capacity, after.wasted_capacity),
            (after.jain, before.jain),
            (after.min_to_mean, before.min_to_mean),
        ] {
            prop_assert!(after <= before + 1e-9 * (1.0 + before), "{after} after {before}");
        }
    }

    /// A backend of weight 2w is two of weight w with half of its load each.
    #[test]
    fn splitting_a_backend_changes_nothing((mut weights, mut counts) in pools(), place in any::<prop::sample::Index>()) {
        for count in &mut counts {
            *count *= 2;
        }
        let whole = measure(&weights, &counts);
        let place = place.index(weights.len());
        weights[place] /= 2.0;
        counts[place] /= 2;
        weights.push(weights[place]);
        counts.push(counts[place]);
        let split = measure(&weights, &counts);
        prop_assert!(same_distribution(&whole, &split), "{whole:?} and {split:?}");
    }

    /// k copies of the same pool are as even as one.
    #[test]
    fn replication_changes_nothing((weights, counts) in pools(), copies in 2_usize..5) {
        let (one, many) = (measure(&weights, &counts), measure(&weights.repeat(copies), &counts.repeat(copies)));
        prop_assert!(same_distribution(&one, &many), "{one:?} and {many:?}");
    }

    #[test]
    fn the_measures_relate_as_documented((weights, counts) in pools()) {
        let m = measure(&weights, &counts);
        prop_assert!(close(m.jain, 1.0 / (1.0 + m.cv * m.cv)));
        prop_assert!(close(m.wasted_capacity, 1.0 - 1.0 / m.max_to_mean));
        // Hoover is the largest distance of the Lorenz curve from the diagonal, Gini twice the area between them.
        prop_assert!(m.hoover <= m.gini + 1e-12);
        prop_assert!(m.gini <= m.hoover * (2.0 - m.hoover) + 1e-12);
        // Jensen, and Pinsker's inequality.
        prop_assert!(m.theil <= (1.0 + m.cv * m.cv).ln() + 1e-12);
        prop_assert!(2.0 * m.hoover * m.hoover <= m.theil + 1e-12);
        prop_assert!(m.theil <= m.max_to_mean.ln() + 1e-12);
        // The mean difference is at most 2 / sqrt(3) standard deviations.
        prop_assert!(m.gini <= m.cv / 3.0_f64.sqrt() + 1e-12);
    }
}

/// With 10,000 backends of which the smallest has all load, Gini is 1 but for its share: rounding must not be magnified.
#[test]
fn a_tiny_backend_with_all_load_is_measured_precisely() {
    let mut weights = vec![1.0; 10_000];
    weights[7] = 1e-7;
    let mut counts = vec![0; 10_000];
    counts[7] = 1_000_000;
    let measures = measure(&weights, &counts);
    assert!((measures.gini - 1.0).abs() < 1e-9, "{measures:?}");
    assert!((measures.hoover - 1.0).abs() < 1e-9, "{measures:?}");
}
