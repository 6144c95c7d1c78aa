//! Is the Gini coefficient above its limit, chance apart?
//!
//! The Gini coefficient is a norm of what the shares are off: that of the counts is at most that of the balancer plus that of
//! the noise, whose mean is the "by chance" of `skew`. And on average it is at least that of the balancer, because it is convex.
//! So it is above the limit if it is by more than chance and its scatter, and below if it is by more than its scatter.

use super::binomial::normal_deviate;
use super::judge::{Outcome, Trial};

/// What the Gini coefficient is above chance, and what that comes to.
pub(super) fn decide(trial: &Trial<'_>, limit: f64) -> (f64, Outcome) {
    let Some(measures) = &trial.measures else {
        return (0.0, Outcome::Inconclusive);
    };
    let Some(phi) = trial.noise.phi else {
        return (measures.gini, Outcome::Inconclusive);
    };
    let slack = slack(trial);
    let chance = trial
        .observation
        .expected
        .gini_by_chance(trial.total / phi, 1.0)
        + slack;
    let likely = trial.noise.estimate.unwrap_or(phi).min(phi);
    let by_chance = trial
        .observation
        .expected
        .gini_by_chance(trial.total / likely, 1.0);
    let scatter = normal_deviate(trial.risk) * scatter(trial, phi);
    let outcome = if measures.gini > limit + chance + scatter {
        Outcome::Skewed
    } else if measures.gini + scatter + slack <= limit {
        Outcome::Pass
    } else {
        Outcome::Inconclusive
    };
    ((measures.gini - by_chance).max(0.0), outcome)
}

/// What schedulers that are each somewhere in their turn can add.
fn slack(trial: &Trial<'_>) -> f64 {
    let backends = trial.observation.loads.len() as f64;
    (trial.noise.slack * backends / 2.0 / trial.total.max(1.0)).min(1.0)
}

/// The standard deviation. The coefficient is the sum of shares, each weighted by the middle of its rank in -1 to 1; of
/// that, the delta method gives the variance.
fn scatter(trial: &Trial<'_>, phi: f64) -> f64 {
    let expected = trial.observation.expected.shares();
    let mut backends: Vec<(f64, f64)> = trial
        .observation
        .loads
        .iter()
        .zip(expected)
        .map(|(load, expected)| (load / trial.total, *expected))
        .collect();
    backends.sort_by(|one, other| (one.0 / one.1).total_cmp(&(other.0 / other.1)));
    let (mut below, mut mean, mut square) = (0.0, 0.0, 0.0);
    for (share, expected) in backends {
        let rank = 2.0 * below + expected - 1.0;
        below += expected;
        mean += share * rank;
        square += share * rank * rank;
    }
    ((square - mean * mean).max(0.0) * phi / trial.total).sqrt()
}
