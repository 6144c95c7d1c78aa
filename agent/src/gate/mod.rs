//! The gate: is a pool's traffic within its limits, beyond them, or were there too few connections to tell?
//!
//! [`judge()`] decides, purely. [`Plan`]s are the pools, [`live`] counts in the kernel while a command runs, and
//! [`report`] tells what came of it. [`hermetic`] needs neither command nor kernel.

mod assemble;
mod binomial;
mod dispersion;
mod gini;
pub mod hermetic;
mod judge;
mod limits;
pub mod live;
mod needed;
mod noise;
mod plan;
pub mod report;
pub mod series;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

pub use assemble::{judged, usual_signal};
pub use judge::{Check, Judgement, Observation, Outcome, Side, Wasted, judge};
pub use limits::{Limit, Limits};
pub use noise::{Basis, Noise};
pub use plan::{Expect, Member, Plan};
