//! What goes wrong in a pool.

/// A change of the loads of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// One backend gets twice what it got, for the others' share of the rest.
    Doubled,
    /// One backend gets half as much again.
    HalfMore,
    /// One backend gets nothing.
    Dead,
    /// Two backends get twice what they got.
    TwoHot,
    /// All get the same, though every other one has three times the weight.
    WeightsLost,
}

impl Change {
    pub(super) const ALL: [Self; 5] = [
        Self::Doubled,
        Self::HalfMore,
        Self::Dead,
        Self::TwoHot,
        Self::WeightsLost,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Doubled => "one doubled",
            Self::HalfMore => "one +50 %",
            Self::Dead => "one dead",
            Self::TwoHot => "two doubled",
            Self::WeightsLost => "weights lost",
        }
    }

    /// The weights of the pool; its loads before the change.
    pub(super) fn weights(self, backends: usize) -> Vec<f64> {
        match self {
            Self::WeightsLost => (0..backends)
                .map(|backend| [3.0, 1.0][backend % 2])
                .collect(),
            _ => vec![1.0; backends],
        }
    }

    /// The loads afterwards.
    pub(super) fn loads(self, backends: usize) -> Vec<f64> {
        let (changed, load) = match self {
            Self::Doubled => (1, 2.0),
            Self::HalfMore => (1, 1.5),
            Self::Dead => (1, 0.0),
            Self::TwoHot => (2, 2.0),
            Self::WeightsLost => (0, 1.0),
        };
        (0..backends)
            .map(|backend| if backend < changed { load } else { 1.0 })
            .collect()
    }
}
