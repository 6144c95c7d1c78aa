//! From loads to measures, without allocating.

use std::error::Error;
use std::fmt;

use crate::expected::Expected;
use crate::measures::Measures;

/// Measures pools, one after the other; keeps the memory that sorting needs.
///
/// One meter serves any number of pools of any size. It allocates only when a pool is larger than all before it.
#[derive(Debug, Default)]
pub struct Meter {
    backends: Vec<Backend>,
}

#[derive(Debug, Clone, Copy)]
struct Backend {
    relative_load: f64,
    expected_share: f64,
}

impl Meter {
    /// A meter without memory of its own yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Measures counts, such as connections opened in a window: one per backend, in the order of the expected shares.
    ///
    /// `None` if all counts are zero: no load is neither even nor uneven. Their sum is the sample size of
    /// [`Measures::gini_by_chance`]. Any counts do, up to `u64::MAX` each.
    pub fn measure(
        &mut self,
        expected: &Expected,
        counts: &[u64],
    ) -> Result<Option<Measures>, LoadError> {
        let total = counts.iter().map(|&count| count as f64).sum();
        self.measure_sample(expected, counts, total)
    }

    /// Measures counts that are not independent of each other, such as bytes or connections summed over ticks.
    ///
    /// As [`Meter::measure`], but for `sample_size`: the number of independent connections that the counts stand for.
    pub fn measure_sample(
        &mut self,
        expected: &Expected,
        counts: &[u64],
        sample_size: f64,
    ) -> Result<Option<Measures>, LoadError> {
        check_length(expected, counts.len())?;
        let total = counts.iter().map(|&count| u128::from(count)).sum::<u128>() as f64;
        Ok(self.measure_parts(
            expected,
            counts.iter().map(|&count| count as f64),
            total,
            sample_size,
        ))
    }

    /// Measures levels, such as connections active on average over a window, or bytes: one per backend, in the order of
    /// the expected shares.
    ///
    /// `None` if all levels are zero. `sample_size` is the number of independent connections that the levels stand for,
    /// which [`Measures::gini_by_chance`] needs and the levels cannot tell: for active connections the mean number of
    /// them in the pool, for bytes the connections that carried them.
    pub fn measure_levels(
        &mut self,
        expected: &Expected,
        levels: &[f64],
        sample_size: f64,
    ) -> Result<Option<Measures>, LoadError> {
        check_length(expected, levels.len())?;
        if let Some((index, &level)) = levels
            .iter()
            .enumerate()
            .find(|(_, level)| !(level.is_finite() && **level >= 0.0))
        {
            return Err(LoadError::NotALevel { index, level });
        }
        // In units of the largest, so that the sum of huge levels stays finite.
        let largest = levels.iter().copied().fold(0.0, f64::max);
        let parts = levels.iter().map(|level| level / largest);
        let total = if largest > 0.0 {
            parts.clone().sum()
        } else {
            0.0
        };
        Ok(self.measure_parts(expected, parts, total, sample_size))
    }

    /// `loads` are finite, not negative, as many as there are backends, and sum to `total`.
    fn measure_parts(
        &mut self,
        expected: &Expected,
        loads: impl Iterator<Item = f64>,
        total: f64,
        sample_size: f64,
    ) -> Option<Measures> {
        if total <= 0.0 {
            return None;
        }
        self.backends.clear();
        let (mut square, mut theil, mut moved) = (0.0, 0.0, 0.0);
        for (load, &expected_share) in loads.zip(expected.shares()) {
            let share = load / total;
            let relative_load = share / expected_share;
            square += expected_share * (relative_load - 1.0).powi(2);
            moved += (share - expected_share).abs();
            if share > 0.0 {
                theil += share * relative_load.ln();
            }
            self.backends.push(Backend {
                relative_load,
                expected_share,
            });
        }
        self.backends
            .sort_unstable_by(|a, b| a.relative_load.total_cmp(&b.relative_load));
        let (coldest, hottest) = (
            self.backends.first()?.relative_load,
            self.backends.last()?.relative_load,
        );
        // Rounding may leave an even pool a last digit on the wrong side of the range.
        let max_to_mean = hottest.max(1.0);
        Some(Measures {
            gini: gini(&self.backends),
            gini_by_chance: expected.gini_by_chance(sample_size, 1.0),
            max_to_mean,
            min_to_mean: coldest.min(1.0),
            cv: square.sqrt(),
            jain: 1.0 / (1.0 + square),
            theil: theil.max(0.0),
            hoover: moved / 2.0,
            wasted_capacity: 1.0 - 1.0 / max_to_mean,
        })
    }
}

/// The Gini coefficient of backends in ascending order of relative load.
///
/// Each gap between neighbours is crossed by all pairs of a backend above and one below it, so that the sum over pairs is
/// the sum over gaps of gap * (weight above) * (weight below). No term is negative and equal loads give exactly 0. It
/// starts at the hottest, because there gaps are as wide as weights are small, and the weight above must be precise.
fn gini(ascending: &[Backend]) -> f64 {
    let (mut gini, mut above) = (0.0, 0.0);
    for pair in ascending.windows(2).rev() {
        above += pair[1].expected_share;
        gini += (pair[1].relative_load - pair[0].relative_load) * above * (1.0 - above);
    }
    gini
}

fn check_length(expected: &Expected, loads: usize) -> Result<(), LoadError> {
    if loads == expected.len() {
        Ok(())
    } else {
        Err(LoadError::Length {
            backends: expected.len(),
            loads,
        })
    }
}

/// Loads that do not fit the pool.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LoadError {
    /// There must be one load per backend. Loads and shares of different pools, or of before and after a change of
    /// membership, were mixed.
    Length {
        /// Backends that have an expected share.
        backends: usize,
        /// Loads that were given.
        loads: usize,
    },
    /// A level is negative, infinite or not a number.
    NotALevel {
        /// Position of the level.
        index: usize,
        /// Its value.
        level: f64,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { backends, loads } => {
                write!(
                    f,
                    "{loads} loads for {backends} backends: give one per backend, zeros included"
                )
            }
            Self::NotALevel { index, level } => write!(
                f,
                "level {level} at index {index} is not a finite number >= 0"
            ),
        }
    }
}

impl Error for LoadError {}
