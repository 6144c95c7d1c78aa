//! Which label explains a skew? Theil's T, split by groups of backends, against chance.

use crate::Expected;

/// A grouping beats chance when at most this part of groupings of the same sizes explain as much.
const SIGNIFICANCE: f64 = 0.01;
/// Up to so many different groupings all are tried; of more, a sample. Large pools get by with less: they are rarely in doubt.
const MOST: usize = 2000;
const BACKENDS_TRIED: usize = 500_000;

/// How much of a skew lies between the groups that a label makes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attribution {
    /// The part of Theil's T that is between groups, 0 to 1. The rest is within them.
    pub between: f64,
    /// What the best hundredth of random groupings of the same sizes reaches: the 99th percentile.
    pub by_chance: f64,
    /// The part of random groupings of the same sizes that explain at least as much, the one itself included: above 0, at
    /// most 1. Few backends have few groupings, and none can be rarer than one of them.
    pub probability: f64,
    /// Whether `probability` is at most 1 %.
    pub beats_chance: bool,
}

/// Splits the unevenness of `loads` by `groups`: one load and one group number per backend.
///
/// Theil's T is exactly `T = sum_g S_g ln(S_g / W_g) + sum_g S_g T_g`, with `S_g` and `W_g` the observed and expected share of
/// group g: between groups, and within them. (Theil, "Economics and Information Theory", 1967.) Backends are exchanged
/// among groups at random, with their load and expected share, to see what a label without meaning would explain: all ways
/// when they are few, else a sample that is the same each time.
///
/// None without load or unevenness, with fewer than two groups, when each backend is a group of its own, and when lengths
/// differ. Allocates; for incidents, not for every tick.
pub fn attribute(expected: &Expected, loads: &[f64], groups: &[u32]) -> Option<Attribution> {
    let shares = observed_shares(loads)?;
    if shares.len() != expected.len() || groups.len() != expected.len() {
        return None;
    }
    let mut labels = numbered(groups);
    let count = labels.iter().max()? + 1;
    if count < 2 || count == labels.len() {
        return None;
    }
    let pairs: Vec<(f64, f64)> = shares
        .into_iter()
        .zip(expected.shares().iter().copied())
        .collect();
    let total: f64 = pairs.iter().map(|&pair| theil(pair)).sum();
    if total <= 1e-12 {
        return None;
    }
    let mut sums = vec![(0.0, 0.0); count];
    let mut between =
        |labels: &[usize]| (between(&pairs, labels, &mut sums) / total).clamp(0.0, 1.0);
    let ours = between(&labels);
    let mut theirs = regroupings(&mut labels, &mut between);
    theirs.sort_unstable_by(f64::total_cmp);
    // The same grouping by other numbers differs by rounding only.
    let as_much = theirs.len() - theirs.partition_point(|&value| value < ours - 1e-9);
    let probability = as_much as f64 / theirs.len() as f64;
    Some(Attribution {
        between: ours,
        by_chance: theirs[(theirs.len() - 1) * 99 / 100],
        probability,
        beats_chance: probability <= SIGNIFICANCE,
    })
}

/// Shares of the loads; None if there is no load or one has no meaning.
fn observed_shares(loads: &[f64]) -> Option<Vec<f64>> {
    let largest = loads.iter().copied().fold(0.0, f64::max);
    let sound = loads.iter().all(|load| load.is_finite() && *load >= 0.0);
    if !sound || largest <= 0.0 {
        return None;
    }
    let total: f64 = loads.iter().map(|load| load / largest).sum();
    Some(loads.iter().map(|load| load / largest / total).collect())
}

/// The groups numbered from 0 without gaps.
fn numbered(groups: &[u32]) -> Vec<usize> {
    let mut distinct = groups.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    groups
        .iter()
        .map(|group| distinct.partition_point(|other| other < group))
        .collect()
}

fn theil((share, expected): (f64, f64)) -> f64 {
    if share > 0.0 {
        share * (share / expected).ln()
    } else {
        0.0
    }
}

/// T between the groups.
fn between(pairs: &[(f64, f64)], labels: &[usize], sums: &mut [(f64, f64)]) -> f64 {
    sums.fill((0.0, 0.0));
    for (pair, &label) in pairs.iter().zip(labels) {
        sums[label].0 += pair.0;
        sums[label].1 += pair.1;
    }
    sums.iter().map(|&sum| theil(sum)).sum()
}

/// What `between` gives for all ways, or many, to hand out the labels; the present one is among them.
fn regroupings(labels: &mut [usize], between: &mut impl FnMut(&[usize]) -> f64) -> Vec<f64> {
    let mut values = vec![between(labels)];
    let mut sorted = labels.to_vec();
    sorted.sort_unstable();
    if arrangements(&sorted) > MOST as f64 {
        let mut random = Random(1);
        for _ in 1..(BACKENDS_TRIED / labels.len()).clamp(200, MOST) {
            random.shuffle(labels);
            values.push(between(labels));
        }
    } else {
        values.clear();
        values.push(between(&sorted));
        while next_arrangement(&mut sorted) {
            values.push(between(&sorted));
        }
    }
    values
}

/// In how many ways these labels, sorted, can be arranged: k! over the factorials of the groups' sizes.
fn arrangements(sorted: &[usize]) -> f64 {
    let (mut ways, mut run) = (1.0, 0.0);
    for (index, label) in sorted.iter().enumerate() {
        let same = index > 0 && sorted[index - 1] == *label;
        run = if same { run + 1.0 } else { 1.0 };
        ways *= (index + 1) as f64 / run;
    }
    ways
}

/// The next arrangement in lexicographic order; false after the last. (Narayana Pandita, 14th century.)
fn next_arrangement(labels: &mut [usize]) -> bool {
    let Some(place) = labels.windows(2).rposition(|pair| pair[0] < pair[1]) else {
        return false;
    };
    let Some(other) = labels.iter().rposition(|&label| label > labels[place]) else {
        return false;
    };
    labels.swap(place, other);
    labels[place + 1..].reverse();
    true
}

/// `SplitMix64` (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Fisher and Yates.
    fn shuffle(&mut self, labels: &mut [usize]) {
        for last in (1..labels.len()).rev() {
            #[expect(clippy::cast_possible_truncation, reason = "at most `last`")]
            let other = ((u128::from(self.bits()) * (last as u128 + 1)) >> 64) as usize;
            labels.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrangements_are_counted_and_all_visited() {
        for labels in [
            vec![0, 0, 1, 1],
            vec![0, 0, 0, 1, 2],
            vec![0; 5],
            vec![0, 1, 2, 3],
        ] {
            let mut visited = labels.clone();
            let mut count = 1.0;
            while next_arrangement(&mut visited) {
                count += 1.0;
            }
            assert!((arrangements(&labels) - count).abs() < 1e-9, "{labels:?}");
        }
    }
}
