//! How far counts may be off the shares that the balancer aims at.

use super::binomial::{normal_deviate, student_deviate};
use super::dispersion::Dispersion;
use super::judge::Observation;
use crate::model::Algorithm;

/// Round robin is taken for so much better than chance at most.
const LEAST_PHI: f64 = 0.01;

/// Where the noise is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// From how much the counts varied during the run.
    Measured,
    /// The run was too short to measure it: each connection is taken for placed by lot, on its own.
    Assumed,
    /// Not at all.
    Unknown,
}

/// The noise of a pool's counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// Variance of the counts over that of independent connections, as far as it has to be reckoned with: an upper limit, not
    /// the best guess. `None` if nothing is known.
    pub phi: Option<f64>,
    /// The best guess.
    pub estimate: Option<f64>,
    /// Connections that a count may be off besides, because each scheduler is somewhere in its turn.
    pub slack: f64,
    /// Where this is known from.
    pub basis: Basis,
}

impl Noise {
    /// `risk` is the smallest probability that a decision is made at.
    pub(super) fn of(observation: &Observation<'_>, found: Option<Dispersion>, risk: f64) -> Self {
        let in_turn = observation.algorithm == Algorithm::Rotation;
        // Chance is the least of noise where connections are placed by it, whatever a short run shows.
        let floor = if in_turn || !observation.countable {
            LEAST_PHI
        } else {
            1.0
        };
        let (phi, basis) = match found {
            Some(found) => {
                // An estimated variance has heavier tails: Student's.
                let heavier = student_deviate(risk, found.freedom) / normal_deviate(risk);
                let phi = found.phi * heavier * heavier;
                (Some(phi.max(floor)), Basis::Measured)
            }
            None if observation.countable => (Some(1.0), Basis::Assumed),
            None => (None, Basis::Unknown),
        };
        Self {
            phi,
            estimate: found.map(|found| found.phi),
            slack: if in_turn && observation.countable {
                f64::from(observation.schedulers.max(1))
            } else {
                0.0
            },
            basis,
        }
    }
}
