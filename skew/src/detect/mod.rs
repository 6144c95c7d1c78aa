//! Is a pool skewed? Evidence with a promised rate of false alarms, and what it points to.
//!
//! Measures say how uneven a pool looks; they do not say whether that is chance. The detectors here do: each is told what
//! happened in a tick and keeps a statistic that reaches its threshold by chance at most once in the promised time, whatever
//! the rate of traffic, and as soon as possible once a share really leaves its tolerance.
//!
//! - [`ShareDetector`]: new connections, which are new evidence every tick.
//! - [`LevelDetector`]: open connections and bytes, which are not.
//! - [`FailureDetector`]: failing connects, per backend.
//! - [`LearnedShares`]: a pool's own long-run shares, where weights are not what the balancer aims at.
//! - [`attribute`] and [`fitting_weights`]: which label, and which other weights, explain a skew.

mod attribution;
mod by_share;
mod detection_time;
mod dispersion;
mod failure;
mod fitting;
mod inside;
mod judgement;
mod learned;
mod level;
mod limits;
mod naming;
mod outside;
mod running_sum;
mod share;
mod terms;

pub use attribution::{Attribution, attribute};
pub use failure::FailureDetector;
pub use fitting::fitting_weights;
pub use learned::LearnedShares;
pub use level::LevelDetector;
pub use share::ShareDetector;
pub use terms::{Finding, Side, Terms};
