//! Judges one pool: which signal is compared with which expectation, and what is found.

use std::time::Duration;

use evenkeel_skew::{
    Expected, FailureDetector, Finding, LearnedShares, LevelDetector, ShareDetector,
};

use super::detector::Test;
use super::rules::Rules;
use super::window::Sums;
use crate::model::{Algorithm, Expectation, Judgement, PerSignal, Pool, Signal, Verdict};

/// The part of a backend's connection attempts that may fail before it counts as failing.
pub(super) const TOLERATED_FAILURES: f64 = 0.01;
/// Learned shares forget half of what they know in this time.
const LEARNING_HALF_LIFE: Duration = Duration::from_secs(60 * 60);
/// Connections that a backend must have had before its share counts as learned: a standard error of 3 %.
const LEARNED_FROM: u64 = 1000;
/// Learned shares move slowly: the tests are told of them once in so many ticks.
const LEARN_EVERY: u64 = 60;

/// What one tick brings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observation<'a> {
    /// Connections established in this tick, by backend.
    pub(super) opened: &'a [u64],
    /// Connection attempts that failed in this tick, by backend.
    pub(super) failed: &'a [u64],
    /// What the window holds.
    pub(super) sums: &'a Sums,
    /// Ticks that the window holds.
    pub(super) ticks: u32,
}

/// The tests of one pool.
#[derive(Debug)]
pub(super) struct Judge {
    opened: Option<ShareDetector>,
    active: Option<LevelDetector>,
    bytes: Option<LevelDetector>,
    failed: FailureDetector,
    learned: Option<LearnedShares>,
    /// What shares are compared with: by the weights, or as learned last.
    expected: Expected,
    ticks: u64,
    /// Whether tests were made that do not know of incidents that are on.
    fresh: bool,
    /// Memory for levels.
    levels: Vec<f64>,
}

impl Judge {
    /// Knows nothing of the pool yet.
    pub(super) fn new(pool: &Pool, rules: &Rules) -> Self {
        let learned = (pool.spec.expectation() == Expectation::Learned).then(|| {
            let half_life = rules.ticks(LEARNING_HALF_LIFE);
            LearnedShares::new(pool.endpoints.len(), half_life, LEARNED_FROM)
        });
        let mut judge = Self {
            opened: None,
            active: None,
            bytes: None,
            failed: FailureDetector::new(
                pool.endpoints.len(),
                rules.terms(pool),
                TOLERATED_FAILURES,
            ),
            learned,
            expected: pool.expected.clone(),
            ticks: 0,
            fresh: true,
            levels: Vec::with_capacity(pool.endpoints.len()),
        };
        if judge.learned.is_none() {
            judge.begin(pool, rules);
        }
        judge
    }

    /// Makes the tests of shares, now that there is something to compare with.
    fn begin(&mut self, pool: &Pool, rules: &Rules) {
        let terms = rules.terms(pool);
        let window = rules.whole_ticks(rules.window);
        let level = || LevelDetector::new(&self.expected, &terms, window, window);
        let active = rules.judges(Signal::Active, pool).then(level);
        let bytes = rules.judges(Signal::Bytes, pool).then(level);
        self.opened = rules
            .judges(Signal::Opened, pool)
            .then(|| ShareDetector::new(&self.expected, terms));
        (self.active, self.bytes) = (active, bytes);
        self.fresh = true;
    }

    /// Goes on with a changed pool: `origin` tells where each backend was in `old`.
    pub(super) fn inherit(
        old: &Self,
        pool: &Pool,
        rules: &Rules,
        origin: &[Option<usize>],
    ) -> Self {
        let mut judge = Self::new(pool, rules);
        if let (Some(learned), Some(before)) = (&mut judge.learned, &old.learned) {
            *learned = before.inherit(origin);
            if let Some(expected) = learned.expected() {
                judge.expected = expected;
                judge.begin(pool, rules);
            }
        }
        let expected = &judge.expected;
        if let (Some(new), Some(old)) = (&mut judge.opened, &old.opened) {
            *new = old.inherit(expected, origin);
        }
        for (new, old) in [
            (&mut judge.active, &old.active),
            (&mut judge.bytes, &old.bytes),
        ] {
            if let (Some(new), Some(old)) = (new, old) {
                *new = old.inherit(expected, origin);
            }
        }
        judge.failed = old.failed.inherit(origin);
        judge
    }

    /// Takes in a tick.
    pub(super) fn observe(&mut self, pool: &Pool, rules: &Rules, seen: Observation<'_>) {
        self.ticks += 1;
        self.learn(pool, rules, seen.opened);
        if let Some(test) = &mut self.opened {
            test.observe(seen.opened);
        }
        self.failed.observe(seen.failed, seen.opened);
        let dispersion = self.dispersion();
        let ticks = f64::from(seen.ticks.max(1));
        let opened: f64 = seen.sums.opened.iter().map(|n| *n as f64).sum();
        let active: f64 = seen.sums.active.iter().map(|n| *n as f64).sum::<f64>() / ticks;
        let mut observe = |test: &mut Option<LevelDetector>, loads: &[u64], unit: f64, sample| {
            if let Some(test) = test {
                test.set_dispersion(dispersion);
                self.levels.clear();
                self.levels.extend(loads.iter().map(|n| *n as f64 / unit));
                test.observe(&self.levels, sample);
            }
        };
        observe(&mut self.active, &seen.sums.active, ticks, active);
        // Bytes come in connections, and it is their number that chance plays with.
        observe(&mut self.bytes, &seen.sums.bytes, 1.0, opened + active);
    }

    /// Learned shares stand still while there may be something wrong with them.
    fn learn(&mut self, pool: &Pool, rules: &Rules, opened: &[u64]) {
        let quiet = !self.is(Finding::Skewed) && !self.is(Finding::Suspect);
        let Some(learned) = &mut self.learned else {
            return;
        };
        learned.observe(opened, !quiet);
        if !quiet || !self.ticks.is_multiple_of(LEARN_EVERY) {
            return;
        }
        let Some(expected) = learned.expected() else {
            return;
        };
        self.expected = expected;
        if self.opened.is_none() && self.active.is_none() && self.bytes.is_none() {
            self.begin(pool, rules);
        }
        if let Some(test) = &mut self.opened {
            test.expect(&self.expected);
        }
        for test in [&mut self.active, &mut self.bytes].into_iter().flatten() {
            test.expect(&self.expected);
        }
    }

    fn is(&self, finding: Finding) -> bool {
        Signal::ALL
            .into_iter()
            .filter_map(|signal| self.test(signal))
            .any(|test| test.finding() == finding)
    }

    /// Whether there are tests, since this was asked last, that do not know of incidents that are on.
    pub(super) fn take_fresh(&mut self) -> bool {
        std::mem::take(&mut self.fresh)
    }

    /// What shares are compared with.
    pub(super) fn expected(&self) -> &Expected {
        &self.expected
    }

    /// The test of a signal, if the pool is judged by it.
    pub(super) fn test(&self, signal: Signal) -> Option<&dyn Test> {
        fn some(test: &impl Test) -> &dyn Test {
            test
        }
        match signal {
            Signal::Opened => self.opened.as_ref().map(some),
            Signal::Active => self.active.as_ref().map(some),
            Signal::Bytes => self.bytes.as_ref().map(some),
            Signal::Failed => Some(&self.failed),
        }
    }

    /// The test of a signal, to be changed.
    pub(super) fn test_mut(&mut self, signal: Signal) -> Option<&mut dyn Test> {
        fn some(test: &mut impl Test) -> &mut dyn Test {
            test
        }
        match signal {
            Signal::Opened => self.opened.as_mut().map(some),
            Signal::Active => self.active.as_mut().map(some),
            Signal::Bytes => self.bytes.as_mut().map(some),
            Signal::Failed => Some(&mut self.failed),
        }
    }

    /// How much more than independent arrivals the counts vary.
    pub(super) fn dispersion(&self) -> f64 {
        self.opened.as_ref().map_or(1.0, ShareDetector::dispersion)
    }

    /// Ticks until a doubling is seen at `rate` new connections a tick.
    pub(super) fn detection_ticks(&self, rate: f64) -> Option<f64> {
        let ticks = self.opened.as_ref()?.detection_ticks(rate);
        ticks.is_finite().then_some(ticks)
    }
}

/// What the signals say together: the worst of them; even if the signal that the algorithm aims at is even.
pub(super) fn overall(algorithm: Algorithm, signals: &PerSignal<Option<Judgement>>) -> Verdict {
    let of = |signal| {
        let judgement: &Option<Judgement> = signals.get(signal);
        judgement.map(|judgement| judgement.verdict)
    };
    let any = |verdict| {
        Signal::ALL
            .into_iter()
            .any(|signal| of(signal) == Some(verdict))
    };
    let aim = match algorithm {
        Algorithm::LoadDependent => of(Signal::Active),
        _ => of(Signal::Opened)
            .or(of(Signal::Active))
            .or(of(Signal::Bytes)),
    };
    if any(Verdict::Skewed) {
        Verdict::Skewed
    } else if any(Verdict::Suspect) {
        Verdict::Suspect
    } else if aim == Some(Verdict::Even) {
        Verdict::Even
    } else {
        Verdict::Unknown
    }
}
