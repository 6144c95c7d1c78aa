//! Medians and their certainty.

/// Sorted measurements; at least one.
#[derive(Clone, Debug)]
pub(super) struct Sample(Vec<f64>);

impl Sample {
    /// Of measurements in any order; `None` if there are none.
    pub(super) fn new(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_unstable_by(f64::total_cmp);
        (!values.is_empty()).then_some(Self(values))
    }

    /// The middle one.
    pub(super) fn median(&self) -> f64 {
        self.quartile(2)
    }

    /// The largest.
    pub(super) fn max(&self) -> f64 {
        self.quartile(4)
    }

    /// 0 is the smallest, 2 the median, 4 the largest; between the measurements around the place.
    pub(super) fn quartile(&self, number: usize) -> f64 {
        let place = number.min(4) * (self.0.len() - 1);
        let (below, above) = (self.0[place / 4], self.0[place.div_ceil(4)]);
        below + (above - below) * (place % 4) as f64 / 4.0
    }

    /// An interval that contains the true median with a probability of at least 95 %, whatever the distribution: the
    /// ranks that a fair coin stays between (the sign test). All that was measured, if that is fewer than six.
    pub(super) fn median_interval(&self) -> (f64, f64) {
        let count = self.0.len();
        let mut rank = 0;
        // The probability that at most `rank` measurements are below the median, which is the chance of missing it.
        let (mut term, mut tail) = (0.5_f64.powi(i32::try_from(count).unwrap_or(i32::MAX)), 0.0);
        while tail + term <= 0.025 && rank < count / 2 {
            tail += term;
            term *= (count - rank) as f64 / (rank + 1) as f64;
            rank += 1;
        }
        let first = rank.saturating_sub(1);
        (self.0[first], self.0[count - 1 - first])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_lie_between_measurements() {
        let sample = Sample::new([4.0, 1.0, 3.0, 2.0]).unwrap();
        let quartiles = [0, 1, 2, 4].map(|number| sample.quartile(number));
        assert_eq!(
            quartiles.map(f64::to_bits),
            [1.0, 1.75, 2.5, 4.0_f64].map(f64::to_bits)
        );
        assert!(Sample::new([]).is_none());
    }

    /// The ranks are those of the tables of the sign test.
    #[test]
    fn the_interval_has_the_ranks_of_the_sign_test() {
        for (count, rank) in [
            (1, 1),
            (5, 1),
            (6, 1),
            (9, 2),
            (10, 2),
            (12, 3),
            (20, 6),
            (30, 10),
        ] {
            let sample = Sample::new((1..=count).map(f64::from)).unwrap();
            let expected = (f64::from(rank), f64::from(count + 1 - rank));
            assert_eq!(sample.median_interval(), expected, "of {count}");
        }
    }
}
