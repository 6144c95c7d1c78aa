//! Failing connects: is a backend's part of failed attempts above what is tolerated?

use super::running_sum::{RunningSum, next, single};
use super::terms::{Finding, Terms, shown, within};

/// Alternatives: how far from the tolerated part to all.
const ALTERNATIVES: [f64; 4] = [0.05, 0.2, 0.5, 0.9];
/// A backend is fine again when its failures are shown to be below this many times what is tolerated; by an alternative
/// of this part of it.
const FINE: f64 = 5.0;
const CLEARLY_FINE: f64 = 0.1;
/// See `outside.rs` and `inside.rs`.
const CAP: f64 = 1e3;
const CAP_FINE: f64 = 10.0;

/// Tells whether connects to a backend fail more often than is tolerated: an e-detector for bounded means.
///
/// One observation is a tick with attempts to a backend, with x the part of them that failed, 0 to 1. Null hypothesis: the
/// mean of x, whatever came before, is at most b, the tolerated part. For an alternative a > b
///
/// ```text
/// L = x ln(a/b) + (1-x) ln((1-a)/(1-b))
/// ```
///
/// By convexity e^L is at most `x a/b + (1-x) (1-a)/(1-b)`, whose mean under the null is at most 1; the rest is as in
/// [`ShareDetector`](crate::ShareDetector). Nothing else is assumed: a burst of a thousand retries in one tick is one
/// observation, however they depend on each other. (Hoeffding 1963; Waudby-Smith and Ramdas, "Estimating means of
/// bounded random variables by betting", 2024.)
///
/// A backend fails from the alarm until the reverse test shows that less than five times the tolerated part fails. Nothing
/// is allocated after it was made.
#[derive(Debug, Clone)]
pub struct FailureDetector {
    terms: Terms,
    tolerated: f64,
    backends: Vec<Backend>,
    /// ln(a/b) and ln((1-a)/(1-b)) of each alternative.
    failed: [f64; ALTERNATIVES.len()],
    succeeded: [f64; ALTERNATIVES.len()],
    /// The same for the reverse test.
    still_failed: f64,
    fine: f64,
    statistic: f64,
    even: bool,
    /// Ticks since the onset, while something fails.
    failing_for: Option<f64>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Backend {
    sums: [RunningSum; ALTERNATIVES.len()],
    fine: f32,
    /// Ticks without attempts since the last with.
    silent: f32,
    failing: bool,
}

impl FailureDetector {
    /// `tolerated` is the part of attempts that may fail: 0.01 is one in a hundred; at least 1e-6, at most 0.15. `terms` are
    /// those of the pool; the tolerance of shares and the warm-up have no meaning here.
    pub fn new(backends: usize, terms: Terms, tolerated: f64) -> Self {
        let b = within(tolerated, 1e-6, 0.15);
        let alternatives = ALTERNATIVES.map(|part| b + part * (1.0 - b));
        let (edge, clear) = (FINE * b, CLEARLY_FINE * b);
        Self {
            terms: terms.checked(),
            tolerated: b,
            backends: vec![Backend::default(); backends],
            failed: alternatives.map(|a| (a / b).ln()),
            succeeded: alternatives.map(|a| ((1.0 - a) / (1.0 - b)).ln()),
            still_failed: (clear / edge).ln(),
            fine: ((1.0 - clear) / (1.0 - edge)).ln(),
            statistic: 0.0,
            even: false,
            failing_for: None,
        }
    }

    /// The detector for the pool after a change of its members: `origin[i]` is the index that backend i had before. A backend
    /// keeps its evidence, because that is about nobody else.
    #[must_use]
    pub fn inherit(&self, origin: &[Option<usize>]) -> Self {
        let mut heir = Self::new(origin.len(), self.terms, self.tolerated);
        for (backend, old) in heir.backends.iter_mut().zip(origin) {
            let old = old.and_then(|old| self.backends.get(old));
            *backend = old.copied().unwrap_or_default();
        }
        if heir.backends.iter().any(|backend| backend.failing) {
            heir.failing_for = self.failing_for;
        }
        heir.statistic = heir.mean();
        heir
    }

    /// One tick: failed connects and opened connections of each backend. A backend with neither was not observed. Slices of
    /// another length than there are backends are no observation.
    pub fn observe(&mut self, failed: &[u64], opened: &[u64]) {
        if let Some(ticks) = &mut self.failing_for {
            *ticks += 1.0;
        }
        if failed.len() == self.backends.len() && opened.len() == self.backends.len() {
            let cap = single(CAP * self.terms.false_alarm_ticks * self.alternatives());
            for (index, (&failed, &opened)) in failed.iter().zip(opened).enumerate() {
                self.note(index, failed as f64, opened as f64, cap);
            }
            self.statistic = self.mean();
            self.decide();
        }
    }

    fn note(&mut self, index: usize, failed: f64, opened: f64, cap: f32) {
        let backend = &mut self.backends[index];
        let attempts = failed + opened;
        if attempts < 1.0 {
            backend.silent += 1.0;
            return;
        }
        let (bad, good) = (failed / attempts, opened / attempts);
        for (i, term) in backend.sums.iter_mut().enumerate() {
            let log_ratio = bad * self.failed[i] + good * self.succeeded[i];
            term.observe(log_ratio, backend.silent + 1.0, cap);
        }
        let log_ratio = bad * self.still_failed + good * self.fine;
        let enough = single(CAP_FINE * self.terms.recovery_ticks);
        backend.fine = next(backend.fine, log_ratio, enough);
        backend.silent = 0.0;
    }

    fn decide(&mut self) {
        let alarm = self.statistic >= self.terms.false_alarm_ticks;
        if alarm || self.failing_for.is_some() {
            self.mark(alarm);
        }
        let none = self.backends.iter().all(|backend| !backend.failing);
        self.failing_for = match self.failing_for {
            _ if none => None,
            None => self.onset(),
            since => since,
        };
        let fine = self.backends.iter().map(|backend| backend.fine);
        let least = f64::from(fine.fold(f32::INFINITY, f32::min));
        let enough = if self.even {
            1.0
        } else {
            self.terms.recovery_ticks
        };
        self.even = none && !self.backends.is_empty() && least >= enough;
    }

    /// Marks the backends that fail, as those of a share that is outside, and clears those that are fine again.
    fn mark(&mut self, alarm: bool) {
        let suspicion = self.terms.suspicion() * self.alternatives();
        for backend in &mut self.backends {
            if backend.failing && f64::from(backend.fine) >= self.terms.recovery_ticks {
                backend.failing = false;
                backend.sums = Default::default();
            } else if !backend.failing && backend.sum() >= suspicion {
                backend.fail();
            }
        }
        if alarm
            && self.backends.iter().all(|backend| !backend.failing)
            && let Some(leader) = self.leader()
        {
            self.backends[leader].fail();
        }
        self.statistic = self.mean();
    }

    fn leader(&self) -> Option<usize> {
        let sum = |index: &usize| self.backends[*index].sum();
        (0..self.backends.len()).max_by(|a, b| sum(a).total_cmp(&sum(b)))
    }

    /// Ticks since the failures of the leading backend began.
    fn onset(&self) -> Option<f64> {
        let backend = &self.backends[self.leader()?];
        let weighted: f64 = backend
            .sums
            .iter()
            .map(|term| term.sum() * term.age())
            .sum();
        (backend.sum() > 0.0).then(|| weighted / backend.sum() + f64::from(backend.silent))
    }

    /// What is known now: [`Finding::Skewed`] while some backend fails, [`Finding::Even`] when all were shown to be fine.
    pub fn finding(&self) -> Finding {
        if self.failing_for.is_some() {
            Finding::Skewed
        } else if self.statistic >= self.terms.suspicion() {
            Finding::Suspect
        } else if self.even {
            Finding::Even
        } else {
            Finding::Unknown
        }
    }

    /// Whether connects to this backend fail.
    pub fn failing(&self, backend: usize) -> bool {
        self.backends
            .get(backend)
            .is_some_and(|backend| backend.failing)
    }

    /// Decimal logarithm of the pool's statistic, 0 without evidence.
    pub fn evidence(&self) -> f64 {
        shown(self.statistic)
    }

    /// What [`evidence`](Self::evidence) must reach for an alarm.
    pub fn threshold(&self) -> f64 {
        shown(self.terms.false_alarm_ticks)
    }

    /// Estimate of the ticks since failures began: see [`ShareDetector::onset_ticks_ago`](crate::ShareDetector::onset_ticks_ago).
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rounded, not negative, and saturating"
    )]
    pub fn onset_ticks_ago(&self) -> Option<u64> {
        let ticks = match self.finding() {
            Finding::Skewed => self.failing_for,
            Finding::Suspect => self.onset(),
            Finding::Even | Finding::Unknown => None,
        };
        ticks.map(|ticks| ticks.round() as u64)
    }

    /// Takes these backends for failing since now, until each is shown to be fine: for failures that were found before this
    /// detector was made.
    pub fn latch(&mut self, failing: &[bool]) {
        self.reset();
        for (backend, _) in self
            .backends
            .iter_mut()
            .zip(failing)
            .filter(|(_, fails)| **fails)
        {
            backend.fail();
        }
        self.failing_for = failing.contains(&true).then_some(0.0);
    }

    /// Ends all failures from outside and forgets all evidence.
    pub fn reset(&mut self) {
        *self = Self::new(self.backends.len(), self.terms, self.tolerated);
    }

    fn alternatives(&self) -> f64 {
        (self.backends.len() * ALTERNATIVES.len()).max(1) as f64
    }

    fn mean(&self) -> f64 {
        let sum: f64 = self.backends.iter().map(Backend::sum).sum();
        sum / self.alternatives()
    }
}

impl Backend {
    fn sum(&self) -> f64 {
        self.sums.iter().map(|term| term.sum()).sum()
    }

    fn fail(&mut self) {
        self.failing = true;
        self.fine = 0.0;
    }
}
