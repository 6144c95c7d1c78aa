//! `cargo xtask bench detection`: how well skew is detected, on simulated traffic: false alarms, delays, the rules that
//! users have today, and the cost.
//!
//! Everything is seeded: the same sources give the same figures, but for those of the cost.

mod balancer;
mod bound;
mod changes;
mod cost;
mod delays;
mod false_alarms;
mod interval;
mod levels;
mod parallel;
mod peers;
mod peers_report;
mod pools;
mod random;
mod rules;
mod split;
mod sticky;
mod tally;
mod traffic;

use super::optimized::Section;

/// What is simulated: without optimization it would take hours.
pub(super) const SECTIONS: [Section; 5] = [
    ("detection-false-alarms", false_alarms::measure),
    ("detection-levels", levels::measure),
    ("detection-delays", delays::measure),
    ("detection-peers", peers::measure),
    ("detection-cost", cost::measure),
];
