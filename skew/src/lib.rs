//! How evenly is traffic spread over the backends of a pool?
//!
//! A pool has an [`Expected`] share for each backend, made from weights. A [`Meter`] compares the loads that were observed
//! with it and gives [`Measures`]: the Gini coefficient, the hottest backend against the mean, the capacity that the
//! unevenness wastes, and more. All of them are weight-aware: a backend of weight 3 with three times the load is even.
//!
//! Few connections over many backends look uneven even when the balancer is perfect. So the Gini coefficient comes with
//! the one that a fair random balancer would show at the same traffic: [`Measures::gini_by_chance`].
//!
//! Whether it *is* uneven is decided by detectors, with a promised rate of false alarms: [`ShareDetector`] for new
//! connections, [`LevelDetector`] for open ones and bytes, [`FailureDetector`] for failing connects.
//!
//! Pure computation: no clock, no randomness, no I/O, and no allocation once a meter has seen its largest pool or
//! a detector was made.
//!
//! ```
//! use evenkeel_skew::{Expected, Meter};
//!
//! // The first backend is three times as large as the others.
//! let expected = Expected::from_weights(&[3.0, 1.0, 1.0])?;
//! let mut meter = Meter::new();
//!
//! let even = meter.measure(&expected, &[600, 200, 200])?.expect("there is load");
//! assert!(even.gini < 1e-9);
//!
//! // Its weight was lost: everyone gets the same.
//! let skewed = meter.measure(&expected, &[333, 333, 333])?.expect("there is load");
//! assert!(skewed.gini > 5.0 * skewed.gini_by_chance);
//! assert!((skewed.max_to_mean - 5.0 / 3.0).abs() < 1e-9);
//!
//! // No load, no measures.
//! assert_eq!(meter.measure(&expected, &[0, 0, 0])?, None);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bessel;
mod chance;
mod detect;
mod expected;
mod measures;
mod meter;

pub use detect::{
    Attribution, FailureDetector, Finding, LearnedShares, LevelDetector, ShareDetector, Side,
    Terms, attribute, fitting_weights,
};
pub use expected::{Expected, MIN_SHARE, WeightError};
pub use measures::Measures;
pub use meter::{LoadError, Meter};
