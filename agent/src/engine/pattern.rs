//! What a pool looks like when an incident is to be explained.

use std::cell::OnceCell;

use super::vantage::Vantage;
use crate::model::{Algorithm, PerSignal, Pool, Side, Signal};

/// The facts that causes are read from.
#[derive(Debug)]
pub(super) struct Pattern<'a> {
    /// The pool.
    pub(super) pool: &'a Pool,
    /// The signal that is skewed.
    pub(super) signal: Signal,
    /// The share that each backend should have.
    pub(super) expected: &'a [f64],
    /// The tolerance in force.
    pub(super) tolerance: f64,
    /// How much more than independent arrivals the counts vary, at least 1.
    pub(super) dispersion: f64,
    /// How many clients connect to this host, each counted by its part of the connections, if that is known.
    pub(super) clients: Option<f64>,
    /// What each agent of a fleet saw; empty on a single host.
    pub(super) vantages: &'a [Vantage],
    /// Each backend, in the order of the pool.
    pub(super) backends: Vec<Facts>,
    /// The weights that the connections fit, once somebody asked for them.
    pub(super) fitting: OnceCell<Option<Vec<u32>>>,
    /// What all of them have together.
    pub(super) totals: PerSignal<f64>,
}

/// What a backend did since the onset, or within the window if that is shorter.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts {
    /// Where it stands in the skewed signal.
    pub(super) side: Option<Side>,
    /// Connections established.
    pub(super) opened: u64,
    /// Those of the later half of the time: the onset is an estimate, and what it comes too early by does not count here.
    pub(super) opened_late: u64,
    /// Connection attempts that failed.
    pub(super) failed: u64,
    /// The same, with those shortly before the onset: a balancer gives a backend up after a failure, which therefore comes first.
    pub(super) failed_around: u64,
    /// Payload bytes.
    pub(super) bytes: u64,
    /// Open connections on average.
    pub(super) active: f64,
    /// Whether it joined the pool after others, and later than the traffic that is seen now.
    pub(super) newcomer: bool,
}

impl Facts {
    /// What the backend has of a signal.
    pub(super) fn load(&self, signal: Signal) -> f64 {
        match signal {
            Signal::Opened => self.opened as f64,
            Signal::Active => self.active,
            Signal::Bytes => self.bytes as f64,
            Signal::Failed => self.failed as f64,
        }
    }

    /// What all of `backends` have together.
    pub(super) fn totals(backends: &[Self]) -> PerSignal<f64> {
        let total = |signal| backends.iter().map(|facts| facts.load(signal)).sum();
        PerSignal {
            opened: total(Signal::Opened),
            active: total(Signal::Active),
            bytes: total(Signal::Bytes),
            failed: total(Signal::Failed),
        }
    }

    /// Connections that were tried.
    pub(super) fn attempts(&self) -> u64 {
        self.opened + self.failed
    }
}

impl Pattern<'_> {
    /// The same as a skew of new connections.
    pub(super) fn of_opened(&self) -> Self {
        Self {
            signal: Signal::Opened,
            backends: self.backends.clone(),
            fitting: OnceCell::new(),
            totals: self.totals,
            ..*self
        }
    }

    /// The algorithm that the pool's source states.
    pub(super) fn algorithm(&self) -> Algorithm {
        self.pool.spec.algorithm
    }

    /// What all backends have of a signal.
    pub(super) fn total(&self, signal: Signal) -> f64 {
        *self.totals.get(signal)
    }

    /// The backends on one side, the farthest from its expectation first.
    ///
    /// Names outlast what they rest on: a backend whose figures are by now on the other side of its expectation is left out,
    /// unless that leaves nobody.
    pub(super) fn on(&self, side: Side) -> Vec<usize> {
        let all = 0..self.backends.len();
        let nobody = all.clone().all(|backend| !self.stands(backend));
        let mut found: Vec<usize> = all
            .filter(|backend| self.backends[*backend].side == Some(side))
            .filter(|backend| nobody || self.stands(*backend))
            .collect();
        let relative = |backend: &usize| self.relative(*backend, self.signal);
        match side {
            Side::Hot => found.sort_by(|a, b| relative(b).total_cmp(&relative(a))),
            Side::Cold => found.sort_by(|a, b| relative(a).total_cmp(&relative(b))),
        }
        found
    }

    /// Whether a backend is named, and its figures are on that side of its expectation. That a backend fails stands for itself.
    fn stands(&self, backend: usize) -> bool {
        let relative = || self.relative(backend, self.signal);
        match self.backends[backend].side {
            None => false,
            Some(_) if self.signal == Signal::Failed => true,
            Some(Side::Hot) => relative() > 1.0,
            Some(Side::Cold) => relative() < 1.0,
        }
    }

    /// A backend's share of a signal over the expected one; 1 when there is nothing to share.
    pub(super) fn relative(&self, backend: usize, signal: Signal) -> f64 {
        let total = self.total(signal);
        if total > 0.0 {
            self.backends[backend].load(signal) / total / self.expected[backend]
        } else {
            1.0
        }
    }

    /// Whether all backends are within twice the tolerance in a signal of which there is some.
    pub(super) fn looks_even(&self, signal: Signal) -> bool {
        self.total(signal) > 0.0
            && (0..self.backends.len())
                .all(|backend| (self.relative(backend, signal) - 1.0).abs() <= 2.0 * self.tolerance)
    }

    /// The name of a backend.
    pub(super) fn name(&self, backend: usize) -> &str {
        &self.pool.names[backend]
    }

    /// The names of some backends, as a sentence lists them.
    pub(super) fn names(&self, backends: &[usize]) -> String {
        const SHOWN: usize = 3;
        let names: Vec<&str> = backends.iter().take(SHOWN).map(|b| self.name(*b)).collect();
        match (backends.len().saturating_sub(SHOWN), names.as_slice()) {
            (0, [one]) => (*one).to_owned(),
            (0, [first, second]) => format!("{first} and {second}"),
            (0, _) => names.join(", "),
            (more, _) => format!("{} and {more} more", names.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::{BackendSpec, NetnsCookie, PoolSpec, Role, Source, Weight};

    fn pool(backends: u8) -> Pool {
        let backend = |last| BackendSpec {
            identity: None,
            address: ([192, 0, 2, last], 80).into(),
            netns: None,
            weight: Weight::ONE,
            share: None,
            labels: BTreeMap::new(),
        };
        let spec = PoolSpec {
            name: "shop".to_owned(),
            role: Role::Upstream,
            source: Source::Config,
            tolerance: None,
            algorithm: Algorithm::default(),
            expected: None,
            standby: Vec::new(),
            backends: (1..=backends).map(backend).collect(),
            findings: Vec::new(),
        };
        Pool::new(spec, NetnsCookie(1)).unwrap()
    }

    #[test]
    fn a_backend_whose_figures_have_turned_is_not_named() {
        let pool = pool(3);
        let named = |active: [f64; 3]| {
            let sides = [Some(Side::Hot), Some(Side::Hot), None];
            let facts = |(side, active)| Facts {
                side,
                active,
                ..Facts::default()
            };
            let backends: Vec<Facts> = sides.into_iter().zip(active).map(facts).collect();
            let pattern = Pattern {
                totals: Facts::totals(&backends),
                pool: &pool,
                signal: Signal::Active,
                expected: pool.expected.shares(),
                tolerance: 0.25,
                dispersion: 1.0,
                clients: None,
                fitting: OnceCell::new(),
                vantages: &[],
                backends,
            };
            (pattern.on(Side::Hot), pattern.on(Side::Cold))
        };
        assert_eq!(named([8.0, 4.1, 0.0]), (vec![0, 1], vec![]));
        assert_eq!(named([8.0, 2.0, 2.0]), (vec![0], vec![]));
        let repaired = [3.9, 3.9, 4.2];
        assert_eq!(named(repaired), (vec![0, 1], vec![]), "someone is named");
    }
}
