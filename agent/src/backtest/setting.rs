//! What is tried: how pools are judged, and which.

use std::time::Duration;

use crate::config::Config;
use crate::engine::Plan;
use crate::model::{Detection, PoolSpec, Signal};

/// What takes the place of the recorded configuration in all settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Basis {
    /// How pools are judged.
    pub detection: Option<Detection>,
    /// How far back windows reach.
    pub window: Option<Duration>,
    /// The pools.
    pub pools: Option<Vec<PoolSpec>>,
}

impl Basis {
    /// What a configuration says; pools only if it has any.
    pub fn of(config: &Config) -> Self {
        Self {
            detection: Some(config.detection.clone()),
            window: Some(config.window),
            pools: (!config.pools.is_empty()).then(|| config.pools.clone()),
        }
    }
}

/// One setting that is tried; what is `None` stays as it was recorded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Setting {
    /// The tolerance of all pools, also of those that state one.
    pub tolerance: Option<f64>,
    /// See [`Detection::false_alarm_every`].
    pub false_alarm_every: Option<Duration>,
    /// See [`Detection::hold`].
    pub hold: Option<Duration>,
    /// See [`Detection::signals`].
    pub signals: Option<Vec<Signal>>,
}

impl Setting {
    /// The recorded plan with this setting in force.
    pub(super) fn applied(&self, basis: &Basis, recorded: &Plan) -> Plan {
        let mut plan = recorded.clone();
        if let Some(detection) = &basis.detection {
            plan.detection = detection.clone();
        }
        if let Some(window) = basis.window {
            plan.window = window;
        }
        if let Some(pools) = &basis.pools {
            plan.pools = Some(pools.clone());
            plan.found.clear();
        }
        // A window of less than a tick holds nothing.
        plan.window = plan.window.max(plan.interval);
        if let Some(tolerance) = self.tolerance {
            plan.detection.tolerance = tolerance;
            for pool in plan.pools.iter_mut().flatten().chain(&mut plan.found) {
                pool.tolerance = None;
            }
        }
        let Detection {
            false_alarm_every,
            hold,
            signals,
            ..
        } = &mut plan.detection;
        *false_alarm_every = self.false_alarm_every.unwrap_or(*false_alarm_every);
        *hold = self.hold.unwrap_or(*hold);
        if let Some(chosen) = &self.signals {
            signals.clone_from(chosen);
        }
        plan
    }
}
