//! The detector for new connections: evidence, dispersion and the state they lead to.

use super::detection_time::DetectionTime;
use super::dispersion::Dispersion;
use super::inside::Inside;
use super::naming::Naming;
use super::outside::Outside;
use super::running_sum::MOST_PER_TICK;
use super::terms::{Finding, Side, Terms, shown};
use crate::Expected;

/// Tells whether the shares of new connections are inside the tolerance around the expected shares: an e-detector.
///
/// Null hypothesis: the share `p_i` of every backend is within `w_i (1 - t)` and `w_i (1 + t)`. Each backend has a few
/// alternatives on either side, each with a statistic of Shiryaev and Roberts; the pool's statistic is their mean and alarms
/// when it reaches A, the promised ticks between false alarms. That holds at any rate of traffic and for any k. (Shin, Ramdas,
/// Rinaldo, "E-detectors: a nonparametric framework for sequential change detection", 2022.) It assumes that the pool's
/// [dispersion](Self::dispersion), which is estimated, describes how connections come in clumps.
///
/// From the alarm the pool is [skewed](Finding::Skewed) until the reverse test shows every share inside its tolerance.
/// A pool of one backend has nothing to test: it stays [unknown](Finding::Unknown).
///
/// Nothing is allocated after it was made.
#[derive(Debug, Clone)]
pub struct ShareDetector {
    terms: Terms,
    outside: Outside,
    inside: Inside,
    dispersion: Dispersion,
    phi: f64,
    detection_time: DetectionTime,
    naming: Naming<Side>,
    /// Ticks with traffic until evidence counts.
    warm_up: u32,
    /// Ticks without traffic since the last with.
    silent: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    /// Not shown to be even.
    Open,
    Even,
    /// Since so many ticks.
    Skewed(f64),
}

impl ShareDetector {
    /// A detector that knows nothing yet.
    pub fn new(expected: &Expected, terms: Terms) -> Self {
        let terms = terms.checked();
        let shares = expected.shares();
        let dispersion = Dispersion::new(shares.len());
        Self {
            terms,
            outside: Outside::new(shares, &terms),
            inside: Inside::new(shares, &terms),
            phi: dispersion.phi(),
            dispersion,
            detection_time: DetectionTime::new(shares, terms.tolerance),
            naming: Naming::new(shares.len(), terms.suspicion()),
            warm_up: terms.warm_up_ticks,
            silent: 0,
            state: State::Open,
        }
    }

    /// Expects other shares of the same backends from now on. Evidence and dispersion stay.
    ///
    /// If the number of backends differs, all of them are taken for new ones: see [`inherit`](Self::inherit).
    pub fn expect(&mut self, expected: &Expected) {
        let shares = expected.shares();
        if shares.len() == self.backends() {
            self.outside.expect(shares, self.terms.tolerance);
            self.inside.expect(shares, self.terms.tolerance);
            self.detection_time.expect(shares, self.terms.tolerance);
        } else {
            *self = self.inherit(expected, &[]);
        }
    }

    /// The detector for the pool after a change of its members: `origin[i]` is the index that backend i had before, or
    /// None if it is new. Missing entries count as None.
    ///
    /// Evidence begins anew; dispersion is kept, because it is the clients' rather than the backends'. New backends cannot
    /// be cold for as many ticks with traffic as a warm-up has.
    #[must_use]
    pub fn inherit(&self, expected: &Expected, origin: &[Option<usize>]) -> Self {
        let mut heir = Self::new(expected, self.terms);
        heir.dispersion = self.dispersion.inherit(expected.len());
        heir.phi = self.phi;
        heir.warm_up = self.warm_up;
        for backend in 0..expected.len() {
            let wait = match origin.get(backend).copied().flatten() {
                Some(old) if old < self.backends() => self.outside.waits(old),
                _ => self.terms.warm_up_ticks,
            };
            heir.outside.wait(backend, wait);
        }
        heir
    }

    /// One tick: the new connections of each backend, in the order of the expected shares.
    ///
    /// A tick without any is no observation, only time that passes: silence is evidence of nothing. Neither is a slice of
    /// another length than there are backends.
    pub fn observe(&mut self, counts: &[u64]) {
        let total: f64 = counts.iter().map(|&count| count as f64).sum();
        if let State::Skewed(ticks) = &mut self.state {
            *ticks += 1.0;
        }
        if total < 1.0 || counts.len() != self.backends() {
            self.silent = self.silent.saturating_add(1);
            return;
        }
        let elapsed = self.silent as f32 + 1.0;
        self.silent = 0;
        // First, so that the first clumps already count for less. Also while skewed: a skew that lasts disturbs only the blocks in
        // which it began, and one that was none would otherwise never be known for what it is.
        self.dispersion.observe(counts);
        self.phi = self.dispersion.phi();
        if self.warm_up > 0 {
            self.warm_up -= 1;
        } else {
            self.outside.observe(counts, total, self.phi, elapsed);
            self.inside.observe(counts, total, self.phi);
            self.decide();
        }
    }

    fn decide(&mut self) {
        let inside = self.inside.statistic();
        match self.state {
            State::Skewed(_) if inside >= self.terms.recovery_ticks => {
                self.outside.reset();
                self.naming.clear();
                self.dispersion.interrupt();
                self.state = State::Even;
            }
            State::Skewed(_) => self.name(),
            _ if self.outside.statistic() >= self.terms.false_alarm_ticks => {
                self.state = State::Skewed(self.outside.age().unwrap_or(0.0));
                self.inside.reset();
                self.dispersion.interrupt();
                self.name();
            }
            State::Open if inside >= self.terms.recovery_ticks => self.state = State::Even,
            State::Even if inside < 1.0 => self.state = State::Open,
            State::Open | State::Even => {}
        }
    }

    fn name(&mut self) {
        self.naming.update(|backend| {
            let (hot, cold) = self.outside.of(backend);
            [(hot, Side::Hot), (cold, Side::Cold)]
        });
    }

    /// What is known now. Evidence of a skew goes before evidence of none.
    ///
    /// `Even` holds from when the reverse test has reached [`Terms::recovery_ticks`] until nothing of that evidence is left.
    pub fn finding(&self) -> Finding {
        match self.state {
            State::Skewed(_) => Finding::Skewed,
            _ if self.outside.statistic() >= self.terms.suspicion() => Finding::Suspect,
            State::Even => Finding::Even,
            State::Open => Finding::Unknown,
        }
    }

    /// Decimal logarithm of the pool's statistic: 0 without evidence, at most 3 above the [threshold](Self::threshold) and the
    /// logarithm of the number of alternatives.
    pub fn evidence(&self) -> f64 {
        shown(self.outside.statistic())
    }

    /// What [`evidence`](Self::evidence) must reach for an alarm: the decimal logarithm of [`Terms::false_alarm_ticks`].
    pub fn threshold(&self) -> f64 {
        shown(self.terms.false_alarm_ticks)
    }

    /// Decimal logarithm of the least evidence, over backends and sides, that a share is inside its tolerance.
    pub fn even_evidence(&self) -> f64 {
        shown(self.inside.statistic())
    }

    /// On which side a backend is outside its tolerance. Only while the pool is skewed; then at least one is.
    ///
    /// A backend is named when its own part of the evidence reaches the square root of the promised time, or if none does so
    /// at the alarm, when it has the largest part. It stays so until its evidence is gone or the skew ends.
    pub fn side(&self, backend: usize) -> Option<Side> {
        self.naming.get(backend)
    }

    /// Decimal logarithms of what a backend contributes to the pool's statistic: (hot, cold). 0 is no evidence.
    pub fn backend_evidence(&self, backend: usize) -> (f64, f64) {
        let (hot, cold) = self.outside.of(backend);
        (shown(hot), shown(cold))
    }

    /// Estimate of the ticks since the skew began, ticks without traffic included: 0 if this tick is the first of it.
    ///
    /// The mean time of change of the leading backend, weighted as in the statistic. From the alarm on the estimate is
    /// kept and the time since added. None while the pool is neither suspect nor skewed.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rounded, not negative, and saturating"
    )]
    pub fn onset_ticks_ago(&self) -> Option<u64> {
        let ticks = match (self.state, self.finding()) {
            (State::Skewed(ticks), _) => ticks,
            (_, Finding::Suspect) => self.outside.age()? + self.silent as f64,
            _ => return None,
        };
        Some(ticks.round() as u64)
    }

    /// The dispersion in force, at least 1: the variance of the counts over that of independent connections.
    pub fn dispersion(&self) -> f64 {
        self.phi
    }

    /// Ticks it takes at least, on average, to see a backend of median share get twice its connections, at `rate` new
    /// connections per tick in the pool: `ln A phi / (rate I)`, Lorden's bound.
    ///
    /// The detector needs about 1.3 times as long, and a few ticks at any rate. Infinite at rate 0 and where a doubling is
    /// within the tolerance.
    pub fn detection_ticks(&self, rate: f64) -> f64 {
        if rate > 0.0 {
            let evidence = self.terms.false_alarm_ticks.ln();
            let bound = self.detection_time.connections(evidence, self.phi) / rate;
            bound.max(evidence / MOST_PER_TICK)
        } else {
            f64::INFINITY
        }
    }

    /// Takes the pool for skewed since now, with these backends named, until it is shown to be even: for a skew that was found
    /// before this detector was made.
    pub fn latch(&mut self, named: &[Option<Side>]) {
        self.reset();
        self.naming.set(named);
        self.dispersion.interrupt();
        self.state = State::Skewed(0.0);
    }

    /// Ends a skew from outside: forgets evidence on both sides. Dispersion is kept.
    pub fn reset(&mut self) {
        self.outside.reset();
        self.inside.reset();
        self.naming.clear();
        self.state = State::Open;
    }

    fn backends(&self) -> usize {
        self.outside.len()
    }
}
