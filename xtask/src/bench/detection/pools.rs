//! Pools whose shares are inside the tolerance, so that every alarm is a false one.

use anyhow::{Context, Result};
use evenkeel_skew::{Expected, Terms};

use super::random::Random;

/// The agent's tolerance, and its promise: ticks of a second.
pub(super) const TOLERANCE: f64 = 0.25;
pub(super) const DAY: f64 = 86_400.0;
pub(super) const PROMISE: f64 = 90.0 * DAY;

/// The agent's terms, with this mean time between false alarms.
pub(super) fn terms(false_alarm_ticks: f64) -> Terms {
    Terms {
        tolerance: TOLERANCE,
        false_alarm_ticks,
        recovery_ticks: DAY,
        warm_up_ticks: 60,
    }
}

/// Expected shares in proportion to weights.
pub(super) fn expected(weights: &[f64]) -> Result<Expected> {
    Expected::from_weights(weights).context("weights of the bench")
}

/// How the true shares lie to the expected ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shares {
    /// Equal, as expected.
    Fair,
    /// As the weights 1, 2, 3 and 10 in turn, as expected.
    Weighted,
    /// Anywhere within 20 % of equal ones, other ones in each run.
    Anywhere,
    /// At the very edge of the tolerance: half of the backends above, half below. The worst that is no skew.
    Edge,
}

impl Shares {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Fair => "equal",
            Self::Weighted => "by weight",
            Self::Anywhere => "within 20 %",
            Self::Edge => "at the edge of the tolerance",
        }
    }

    /// The weights that are configured.
    pub(super) fn weights(self, backends: usize) -> Vec<f64> {
        match self {
            Self::Weighted => (0..backends)
                .map(|backend| [1.0, 2.0, 3.0, 10.0][backend % 4])
                .collect(),
            Self::Fair | Self::Anywhere | Self::Edge => vec![1.0; backends],
        }
    }

    /// The loads that the backends get.
    pub(super) fn loads(self, backends: usize, random: &mut Random) -> Vec<f64> {
        match self {
            Self::Fair | Self::Weighted => self.weights(backends),
            Self::Anywhere => within(backends, 0.2, random),
            Self::Edge => edge(backends),
        }
    }
}

/// Loads whose relative loads are all within `distance` of 1.
fn within(backends: usize, distance: f64, random: &mut Random) -> Vec<f64> {
    loop {
        let loads: Vec<f64> = (0..backends)
            .map(|_| 1.0 + distance * (2.0 * random.unit() - 1.0))
            .collect();
        let mean = loads.iter().sum::<f64>() / backends as f64;
        if loads
            .iter()
            .all(|load| (load / mean - 1.0).abs() <= distance)
        {
            return loads;
        }
    }
}

fn edge(backends: usize) -> Vec<f64> {
    let load = |backend| match backend {
        backend if backend < backends / 2 => 1.0 + TOLERANCE,
        backend if backend < backends / 2 * 2 => 1.0 - TOLERANCE,
        _ => 1.0,
    };
    (0..backends).map(load).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_inside_the_tolerance() {
        let mut random = Random::new(1, 0);
        for shares in [
            Shares::Fair,
            Shares::Weighted,
            Shares::Anywhere,
            Shares::Edge,
        ] {
            for backends in [2, 5, 200] {
                let expected = expected(&shares.weights(backends)).unwrap();
                let loads = shares.loads(backends, &mut random);
                let total: f64 = loads.iter().sum();
                for (load, share) in loads.iter().zip(expected.shares()) {
                    let distance = (load / total / share - 1.0).abs();
                    assert!(distance <= TOLERANCE + 1e-12, "{shares:?}: {distance}");
                }
            }
        }
    }
}
