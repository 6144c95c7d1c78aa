//! The measures of one pool at one moment, and what each of them means.

/// How unevenly load is spread over the backends of a pool.
///
/// Below, `w_i` is the expected share of backend i, `s_i` its observed share, and `r_i = s_i / w_i` its relative load: 1 if the
/// backend gets what it should, 2 if twice that, 0 if nothing. The mean of r, weighted by w, is 1. With equal weights
/// every measure is the textbook one. All are finite, and all but [`gini_by_chance`](Self::gini_by_chance) are
/// independent of how much load there is: only its distribution counts.
///
/// They are for reading. With few connections all of them are large by chance alone, so none of them decides an alarm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measures {
    /// Gini coefficient: `1/2 sum_ij w_i w_j |r_i - r_j|`, in 0 to `1 - min w`.
    ///
    /// Half the mean difference between the relative loads of two units of capacity. 0: even; with k equal backends,
    /// (k - 1) / k: one gets everything. (Gini, "Variabilità e mutabilità", 1912.)
    pub gini: f64,
    /// The Gini coefficient to expect of a fair balancer that places connections at random, at this sample size and
    /// without clumps: see [`Expected::gini_by_chance`](crate::Expected::gini_by_chance).
    ///
    /// A `gini` of about this value, or below, says nothing against the balancer.
    pub gini_by_chance: f64,
    /// The hottest backend: `max r_i`, in 1 to `1 / min w`.
    ///
    /// "1.8" is 80 % above what its weight entitles it to. Peak-to-mean ratio.
    pub max_to_mean: f64,
    /// The coldest backend: `min r_i`, in 0 to 1. 0: some backend gets nothing.
    pub min_to_mean: f64,
    /// Coefficient of variation: `sqrt(sum w_i (r_i - 1)^2)`, in 0 to `sqrt(1 / min w - 1)`.
    ///
    /// The standard deviation of the relative load over its mean. Outliers weigh more than in `gini`.
    pub cv: f64,
    /// Jain's fairness index: `(sum w_i r_i)^2 / sum w_i r_i^2 = 1 / (1 + cv^2)`, in `min w` to 1.
    ///
    /// The part of the pool that is effectively in use: if m of k equal backends share the load evenly and the others
    /// get nothing, m / k. (Jain, Chiu, Hawe, DEC-TR-301, 1984.)
    pub jain: f64,
    /// Theil's T: `sum s_i ln r_i`, in 0 to `ln(1 / min w)`, in nats; `0 ln 0` is 0.
    ///
    /// The Kullback-Leibler divergence of the observed from the expected shares. It alone splits exactly into a part
    /// between and a part within groups of backends. (Theil, "Economics and Information Theory", 1967.)
    pub theil: f64,
    /// Hoover index: `1/2 sum |s_i - w_i|`, in 0 to `1 - min w`.
    ///
    /// The part of the traffic that would have to go elsewhere to make the pool even. (Hoover, "Interstate
    /// redistribution of population", 1941.)
    pub hoover: f64,
    /// Capacity wasted: `1 - 1 / max r_i`, in 0 to `1 - min w`.
    ///
    /// The part of the pool's capacity that idles when the hottest backend is full, if capacities are as the weights.
    pub wasted_capacity: f64,
}
