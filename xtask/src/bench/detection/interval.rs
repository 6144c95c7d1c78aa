//! How certain a number of rare events is.

/// The interval that contains the mean of a Poisson distribution with a probability of at least 95 %, after `events` were
/// counted. (Garwood, "Fiducial limits for the Poisson distribution", 1936.)
pub(super) fn poisson_interval(events: u64) -> (f64, f64) {
    let low = match events.checked_sub(1) {
        Some(fewer) => mean_where(|mean| at_most(fewer, mean) > 0.975, events),
        None => 0.0,
    };
    (
        low,
        mean_where(|mean| at_most(events, mean) > 0.025, events),
    )
}

/// The mean up to which `below` holds, by bisection.
fn mean_where(below: impl Fn(f64) -> bool, events: u64) -> f64 {
    let events = events as f64;
    let (mut low, mut high) = (0.0, events + 10.0 * events.sqrt() + 10.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if below(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// The probability of at most `events`. Terms are logarithms, because the first ones of a large mean are below all floats.
fn at_most(events: u64, mean: f64) -> f64 {
    let mut log = -mean;
    let mut sum = log.exp();
    for event in 1..=events {
        log += (mean / event as f64).ln();
        sum += log.exp();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From Garwood's table, and for many events the normal approximation with its next term.
    #[test]
    fn limits_are_those_of_the_table() {
        for (events, low, high) in [
            (0, 0.0, 3.689),
            (1, 0.0253, 5.572),
            (5, 1.623, 11.668),
            (20, 12.217, 30.888),
            (100, 81.364, 121.627),
        ] {
            let (found_low, found_high) = poisson_interval(events);
            assert!((found_low - low).abs() < 2e-3, "{events}: {found_low}");
            assert!((found_high - high).abs() < 2e-3, "{events}: {found_high}");
        }
        let (low, high) = poisson_interval(10_000);
        assert!(
            (low - 9_805.0).abs() < 2.0 && (high - 10_198.0).abs() < 2.0,
            "{low} {high}"
        );
    }
}
