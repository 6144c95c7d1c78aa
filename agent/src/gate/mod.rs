//! The gate: is a pool's traffic within its limits, beyond them, or were there too few connections to tell?

mod binomial;
mod dispersion;
mod gini;
mod judge;
mod limits;
mod needed;
mod noise;
pub mod series;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

pub use judge::{Check, Judgement, Observation, Outcome, Side, Wasted, judge};
pub use limits::{Limit, Limits};
pub use noise::{Basis, Noise};
