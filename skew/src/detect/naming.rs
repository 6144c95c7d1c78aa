//! Which backends are named while a pool is skewed.
//!
//! At the alarm: those that contribute to the evidence as much as makes a pool suspect, and if there is none, the one that
//! contributes most. Later a backend is named when it contributes that much, and no longer when what it contributes is no
//! evidence at all (below 1), so that names do not flicker; the last ones stay until the end.

/// The names, as an optional label for each backend.
#[derive(Debug, Clone)]
pub(super) struct Naming<T> {
    names: Vec<Option<T>>,
    suspicion: f64,
}

impl<T: Copy + PartialEq> Naming<T> {
    pub(super) fn new(backends: usize, suspicion: f64) -> Self {
        Self {
            names: vec![None; backends],
            suspicion,
        }
    }

    pub(super) fn get(&self, backend: usize) -> Option<T> {
        self.names.get(backend).copied().flatten()
    }

    pub(super) fn clear(&mut self) {
        self.names.fill(None);
    }

    /// To be told in every tick in which the pool is skewed. `evidence` gives, for each backend, the labels it may have with
    /// what each contributes.
    pub(super) fn update<const N: usize>(&mut self, evidence: impl Fn(usize) -> [(f64, T); N]) {
        let suspicion = self.suspicion;
        let next = |backend, name| next_name(&evidence(backend), name, suspicion);
        let mut named = self.names.iter().enumerate();
        if named.any(|(backend, name)| next(backend, *name).is_some()) {
            for (backend, name) in self.names.iter_mut().enumerate() {
                *name = next(backend, *name);
            }
        } else if self.names.iter().all(Option::is_none) {
            let leader = (0..self.names.len())
                .filter_map(|backend| Some((backend, strongest(&evidence(backend))?)))
                .max_by(|(_, a), (_, b)| a.0.total_cmp(&b.0));
            if let Some((backend, (_, label))) = leader {
                self.names[backend] = Some(label);
            }
        }
    }
}

fn next_name<T: Copy + PartialEq>(
    labels: &[(f64, T)],
    name: Option<T>,
    suspicion: f64,
) -> Option<T> {
    let strong = strongest(labels).filter(|(amount, _)| *amount >= suspicion);
    let keeps = |&&(amount, label): &&(f64, T)| Some(label) == name && amount >= 1.0;
    let named = strong.or_else(|| labels.iter().find(keeps).copied());
    named.map(|(_, label)| label)
}

fn strongest<T: Copy>(labels: &[(f64, T)]) -> Option<(f64, T)> {
    labels.iter().copied().max_by(|a, b| a.0.total_cmp(&b.0))
}
