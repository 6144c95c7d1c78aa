//! Which small whole weights would explain what was observed?

use super::limits::chi_square;

/// Weights are refuted by a chi-square that chance exceeds this often. An incident is explained many times while it is on.
const SIGNIFICANCE: f64 = 0.001;
/// Of weights that are not refuted, smaller ones are preferred unless larger ones fit better by more than this chi-square: what
/// chance gives a single comparison once in twenty times.
const CLEARLY_BETTER: f64 = 3.84;
/// Rounding to whole weights and estimating what one unit of weight gets depend on each other; this often is enough.
const ROUNDS: usize = 4;

/// The smallest whole weights that explain them well, in 1 to `largest`, by which these counts could have been spread; None if there are none, or
/// if there are too few connections to tell them from their neighbours.
///
/// For each largest weight from 1 on, the others are rounded to fit, and tested by Pearson's chi-square over `dispersion`
/// at 0.1 %. A fit counts only if the error of every weight is so small that it could not be the next one: two standard
/// errors of its count, `2 w sqrt(dispersion / count)`, below one half. With a few hundred connections per backend that
/// allows weights up to five; with `largest` at ten few sets of shares fit by chance.
///
/// A backend without connections fits no weight. One backend is no pool.
pub fn fitting_weights(counts: &[u64], dispersion: f64, largest: u32) -> Option<Vec<u32>> {
    let dispersion = dispersion.max(1.0);
    let most = counts.iter().copied().max()? as f64;
    if counts.len() < 2 || counts.contains(&0) {
        return None;
    }
    let fits: Vec<(Vec<u32>, f64)> = (1..=largest)
        .filter_map(|top| {
            let weights = rounded(counts, most / f64::from(top), largest);
            let square = misfit(counts, &weights, dispersion)?;
            Some((weights, square))
        })
        .collect();
    // Nothing is more plausible than that all are alike.
    if let Some((alike, _)) = fits.first()
        && alike.iter().all(|weight| *weight == 1)
    {
        return Some(alike.clone());
    }
    let best = fits
        .iter()
        .map(|(_, square)| *square)
        .fold(f64::INFINITY, f64::min);
    let good = |(_, square): &(Vec<u32>, f64)| *square <= best + CLEARLY_BETTER;
    fits.into_iter().find(good).map(|(weights, _)| weights)
}

/// Weights of which one unit gets about `unit` connections.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rounded and within 1 to largest"
)]
fn rounded(counts: &[u64], unit: f64, largest: u32) -> Vec<u32> {
    let round = |unit: f64| -> Vec<u32> {
        let weight = |&count: &u64| (count as f64 / unit).round().clamp(1.0, f64::from(largest));
        counts.iter().map(|count| weight(count) as u32).collect()
    };
    let total: f64 = counts.iter().map(|&count| count as f64).sum();
    (0..ROUNDS).fold(round(unit), |weights, _| round(total / sum(&weights)))
}

/// How badly weights explain counts, as a chi-square; None if they are refuted, or could as well be their neighbours.
fn misfit(counts: &[u64], weights: &[u32], dispersion: f64) -> Option<f64> {
    let total: f64 = counts.iter().map(|&count| count as f64).sum();
    let unit = total / sum(weights);
    let mut square = 0.0;
    for (&count, &weight) in counts.iter().zip(weights) {
        let (weight, expected) = (f64::from(weight), f64::from(weight) * unit);
        if 2.0 * weight * (dispersion / expected).sqrt() > 0.5 {
            return None;
        }
        square += (count as f64 - expected).powi(2) / expected;
    }
    let square = square / dispersion;
    (square <= chi_square(counts.len() as f64 - 1.0, SIGNIFICANCE)).then_some(square)
}

fn sum(weights: &[u32]) -> f64 {
    weights.iter().map(|&weight| f64::from(weight)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_smallest_weights() {
        assert_eq!(
            fitting_weights(&[502, 489, 1010], 1.0, 10),
            Some(vec![1, 1, 2])
        );
        assert_eq!(
            fitting_weights(&[2000, 3050, 2950], 1.0, 10),
            Some(vec![2, 3, 3])
        );
        assert_eq!(
            fitting_weights(&[1000, 1003, 990], 1.0, 10),
            Some(vec![1, 1, 1])
        );
        assert_eq!(
            fitting_weights(&[9_000_000, 1_000_500], 1.0, 10),
            Some(vec![9, 1])
        );
    }

    #[test]
    fn of_two_that_are_possible_the_one_that_fits_clearly_better() {
        assert_eq!(
            fitting_weights(&[150, 150, 1200, 150, 150], 1.0, 10),
            Some(vec![1, 1, 8, 1, 1])
        );
    }

    #[test]
    fn finds_none_where_none_fit() {
        assert_eq!(fitting_weights(&[1_000_000, 1_370_000], 1.0, 10), None);
        assert_eq!(fitting_weights(&[1_000_000, 0], 1.0, 10), None);
        assert_eq!(fitting_weights(&[1_000_000, 20_000_000], 1.0, 10), None);
        assert_eq!(fitting_weights(&[5], 1.0, 10), None);
        assert_eq!(fitting_weights(&[], 1.0, 10), None);
        assert_eq!(fitting_weights(&[100, 100], 1.0, 0), None);
    }

    #[test]
    fn few_connections_fit_nothing() {
        assert_eq!(fitting_weights(&[9, 11, 8], 1.0, 10), None);
        // Enough if they are independent, too few in clumps.
        assert!(fitting_weights(&[100, 105, 97], 1.0, 10).is_some());
        assert_eq!(fitting_weights(&[100, 105, 97], 8.0, 10), None);
    }

    #[test]
    fn extremes_do_no_harm() {
        assert_eq!(
            fitting_weights(&[u64::MAX, u64::MAX], f64::NAN, 10),
            Some(vec![1, 1])
        );
        assert_eq!(fitting_weights(&[u64::MAX, 1], 0.0, 10), None);
    }
}
