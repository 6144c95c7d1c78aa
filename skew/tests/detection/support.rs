//! What the tests of the detectors share.

use evenkeel_skew::{Expected, Finding, ShareDetector, Terms};

use super::traffic::Traffic;

/// The defaults of the agent, in ticks of a second.
pub(crate) const TERMS: Terms = Terms {
    tolerance: 0.25,
    false_alarm_ticks: 90.0 * 86_400.0,
    recovery_ticks: 86_400.0,
    warm_up_ticks: 60,
};

pub(crate) fn equal(backends: usize) -> Expected {
    Expected::from_weights(&vec![1.0; backends]).expect("weights are positive")
}

pub(crate) fn run(detector: &mut ShareDetector, traffic: &mut Traffic, ticks: u32) {
    for _ in 0..ticks {
        detector.observe(traffic.tick());
    }
}

/// Ticks until the detector finds this.
pub(crate) fn ticks_until(
    finding: Finding,
    detector: &mut ShareDetector,
    traffic: &mut Traffic,
) -> u32 {
    for tick in 0..100_000 {
        if detector.finding() == finding {
            return tick;
        }
        detector.observe(traffic.tick());
    }
    panic!("not {finding:?} in 100,000 ticks");
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
