//! How many connections would be enough to tell?
//!
//! If the balancer is as even as it should be: so many that the gate would pass with a probability of nine in ten. If that many
//! were there already, the shares are near the limit, and the distance that was seen says how many it takes.

use evenkeel_skew::Expected;

use super::binomial::normal_deviate;
use super::judge::{Side, Trial};
use super::limits::{Limit, Limits};

/// How likely a decision is not reached with the number that is told.
const MISSED: f64 = 0.1;
/// Nobody makes more connections for a gate.
const MOST: f64 = 1e8;

/// About how many; `None` if no number would be enough, or nothing is known of the noise.
pub(super) fn of(trial: &Trial<'_>, limit: Limit) -> Option<u64> {
    let phi = trial.noise.phi?;
    let expected = trial.observation.expected;
    let even = if_even(expected, limit, phi, trial.noise.slack, trial.risk)?;
    let needed = if even > trial.total * 1.05 {
        even
    } else {
        near_the_limit(trial, limit, phi)?.max(1.5 * trial.total)
    };
    (needed <= MOST).then(|| rounded(needed))
}

/// How many are enough for all limits together, before anything is known of the noise: each is taken for placed by lot.
pub(super) fn for_all(expected: &Expected, limits: &Limits, schedulers: u32) -> f64 {
    let wanted = [
        limits.max_to_mean.map(Limit::MaxToMean),
        limits.gini.map(Limit::Gini),
        limits.tolerance.map(Limit::Tolerance),
    ];
    let (risk, slack) = (1.0 - limits.confidence, f64::from(schedulers));
    let each = wanted.into_iter().flatten();
    each.filter_map(|limit| if_even(expected, limit, 1.0, slack, risk))
        .fold(1.0, f64::max)
}

/// For a pool that is even.
fn if_even(expected: &Expected, limit: Limit, phi: f64, slack: f64, risk: f64) -> Option<f64> {
    match limit {
        Limit::NoFailed => None,
        Limit::Gini(most) => gini(expected, most, phi, slack, risk),
        Limit::MaxToMean(_) | Limit::Tolerance(_) => {
            let range = limit.of_share()?;
            let missed = MISSED / expected.len() as f64;
            let each = expected.shares().iter().flat_map(|&share| {
                range.ends().map(move |(side, end)| {
                    if side == Side::Hot && share * end >= 1.0 {
                        return Some(0.0);
                    }
                    sample(share, share * end, slack, phi, [risk, missed])
                })
            });
            each.collect::<Option<Vec<f64>>>()
                .map(|all| all.into_iter().fold(1.0, f64::max))
        }
    }
}

/// To tell a share from a limit, by the normal approximation; `None` if they are the same.
fn sample(share: f64, limit: f64, slack: f64, phi: f64, risks: [f64; 2]) -> Option<f64> {
    let gap = (limit - share).abs();
    let deviation = |share: f64| (share * (1.0 - share)).max(0.0).sqrt();
    let [wrong, missed] = risks.map(normal_deviate);
    let root = (wrong * deviation(limit) + missed * deviation(share)) / gap;
    let needed = phi * root * root + slack / gap;
    needed.is_finite().then_some(needed)
}

/// By halving, because what chance makes of it has no inverse.
fn gini(expected: &Expected, limit: f64, phi: f64, slack: f64, risk: f64) -> Option<f64> {
    // Ranks are spread evenly over -1 to 1, of which the variance is 1/3.
    let deviates = normal_deviate(risk) + normal_deviate(MISSED);
    let reached = |sample: f64| {
        let chance = expected.gini_by_chance(sample / phi, 1.0);
        let turns = slack * expected.len() as f64 / sample;
        chance + turns + deviates * (phi / 3.0 / sample).sqrt() <= limit
    };
    let mut high = 1.0;
    while !reached(high) {
        high *= 2.0;
        if high > MOST {
            return None;
        }
    }
    let mut low = high / 2.0;
    for _ in 0..20 {
        let middle = f64::midpoint(low, high);
        if reached(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}

/// For shares as they were seen: the backend that is nearest to its limit decides.
fn near_the_limit(trial: &Trial<'_>, limit: Limit, phi: f64) -> Option<f64> {
    let Some(range) = limit.of_share() else {
        return Some(4.0 * trial.total);
    };
    let shares = trial.observation.expected.shares().iter();
    let seen = trial
        .observation
        .loads
        .iter()
        .map(|load| load / trial.total);
    let each = shares.zip(seen).flat_map(|(&share, seen)| {
        range.ends().map(move |(side, end)| {
            if side == Side::Hot && share * end >= 1.0 {
                return Some(0.0);
            }
            let risks = [trial.risk, MISSED];
            sample(seen, share * end, trial.noise.slack, phi, risks)
        })
    });
    each.collect::<Option<Vec<f64>>>()
        .map(|all| all.into_iter().fold(1.0, f64::max))
}

/// To two digits, upwards: it is an estimate.
fn rounded(number: f64) -> u64 {
    let unit = 10_f64.powf(number.max(1.0).log10().floor() - 1.0).max(1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, and at most 1e8"
    )]
    let rounded = ((number / unit).ceil() * unit) as u64;
    rounded
}
