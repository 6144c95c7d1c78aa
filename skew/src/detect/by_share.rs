//! What tests know of a backend by its expected share alone, kept once for all backends that have the same.

/// Weights take few values, and backends of the same weight are near each other: so many shares are looked through.
const NEAR: usize = 16;

/// A `T` for each backend, made of its share.
#[derive(Debug, Clone)]
pub(super) struct ByShare<T> {
    /// Which of `made` a backend has.
    places: Vec<u32>,
    made: Vec<(f64, T)>,
}

impl<T> Default for ByShare<T> {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            made: Vec::new(),
        }
    }
}

impl<T> ByShare<T> {
    /// Replaces what there was.
    pub(super) fn expect(&mut self, shares: &[f64], make: impl Fn(f64) -> T) {
        self.places.clear();
        self.made.clear();
        for &share in shares {
            let tail = self.made.len().saturating_sub(NEAR);
            let near = &self.made[tail..];
            let known = near
                .iter()
                .position(|(of, _)| of.to_bits() == share.to_bits());
            let place = known.map_or(self.made.len(), |place| tail + place);
            if known.is_none() {
                self.made.push((share, make(share)));
            }
            // More backends than that have no detector: they would not fit into memory.
            self.places.push(u32::try_from(place).unwrap_or(u32::MAX));
        }
    }

    /// Of each backend.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.places
            .iter()
            .map(|&place| &self.made[place as usize].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Every backend has what is made of its own share, whatever the others have.
        #[test]
        fn each_backend_has_what_its_share_makes(shares in proptest::collection::vec(0..40_u8, 0..200)) {
            let shares: Vec<f64> = shares.into_iter().map(f64::from).collect();
            let mut made = ByShare::default();
            made.expect(&shares, |share| share);
            prop_assert_eq!(made.iter().copied().collect::<Vec<f64>>(), shares);
        }
    }

    #[test]
    fn equal_shares_are_kept_once() {
        let mut made = ByShare::default();
        made.expect(&[0.1; 10], |share| share);
        assert_eq!(made.made.len(), 1);
    }
}
