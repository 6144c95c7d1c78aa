//! The rule for levels: open connections and bytes over a window.

use super::dispersion::Scale;
use super::judgement::{Backend, Judgement, Limits};
use super::limits::{log_probability, normal_deviate};
use super::naming::Naming;
use super::terms::{Finding, Side, Terms, shown};
use crate::Expected;

/// A skew that is neither confirmed nor refuted for so many hold times is over.
const PATIENCE: u32 = 10;

/// Tells whether the shares of levels, such as open connections, are inside the tolerance around the expected shares.
///
/// A connection that stays open is in the level of every tick, so that levels are not new evidence each time and do not add
/// up. Instead each backend's share is taken for a count among the independent connections that the levels stand for,
/// with Poisson limits (Wilson and Hilferty, 1931): a backend is outside when the limit of its relative load is. As
/// often as once in each window, for each of k backends and two sides, chance has a try; the limits are set so that all
/// tries together succeed once in [`Terms::false_alarm_ticks`].
///
/// The pool is skewed when a backend is outside for the hold time without a break. It is even when all limits, set for
/// [`Terms::recovery_ticks`], are inside for the hold time. A skew ends when the pool is even; or, because a few connections
/// can never show that, when no backend was shown to be outside for ten hold times.
///
/// Ticks without any level are no observation. Nothing is allocated after it was made.
#[derive(Debug, Clone)]
pub struct LevelDetector {
    terms: Terms,
    limits: Limits,
    hold: u32,
    window: u32,
    backends: Vec<Backend>,
    /// Observations until the window is over and compared with the one before.
    window_left: u32,
    windows: Scale,
    given_dispersion: f64,
    naming: Naming<Side>,
    state: State,
    /// The largest deviate beyond a boundary in the last observation.
    deviate: f64,
    /// Observations in a row: with all limits inside, with some not, and with none outside.
    inside_for: u32,
    not_inside_for: u32,
    quiet_for: u32,
    /// Ticks so far.
    now: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Open,
    Even,
    /// Since this tick.
    Skewed(u64),
}

impl LevelDetector {
    /// A rule for levels that are means over `window_ticks`, by which a backend must be outside for `hold_ticks`. Both are
    /// at least 1.
    pub fn new(expected: &Expected, terms: &Terms, hold_ticks: u32, window_ticks: u32) -> Self {
        let terms = terms.checked();
        let (hold, window) = (hold_ticks.max(1), window_ticks.max(1));
        let (tries, backends) = (f64::from(window), expected.len());
        let comparisons = 2.0 * backends as f64;
        let mut detector = Self {
            terms,
            limits: Limits {
                outside: normal_deviate(tries / (terms.false_alarm_ticks * comparisons)),
                inside: normal_deviate(tries / terms.recovery_ticks),
            },
            hold,
            window,
            backends: vec![Backend::default(); backends],
            window_left: window,
            windows: Scale::new(1, backends),
            given_dispersion: 1.0,
            naming: Naming::new(backends, f64::from(hold)),
            state: State::Open,
            deviate: 0.0,
            inside_for: 0,
            not_inside_for: 0,
            quiet_for: 0,
            now: 0,
        };
        detector.expect(expected);
        detector
    }

    /// Expects other shares of the same backends from now on. If their number differs, all are taken for new ones.
    pub fn expect(&mut self, expected: &Expected) {
        if expected.len() != self.backends.len() {
            *self = self.inherit(expected, &[]);
            return;
        }
        for (backend, &share) in self.backends.iter_mut().zip(expected.shares()) {
            backend.expect(share, self.terms.tolerance);
        }
    }

    /// The detector for the pool after a change of its members: see [`ShareDetector::inherit`](crate::ShareDetector::inherit).
    #[must_use]
    pub fn inherit(&self, expected: &Expected, origin: &[Option<usize>]) -> Self {
        let mut heir = Self::new(expected, &self.terms, self.hold, self.window);
        heir.windows = self.windows.inherit(expected.len());
        heir.given_dispersion = self.given_dispersion;
        for (index, backend) in heir.backends.iter_mut().enumerate() {
            let old = origin.get(index).copied().flatten();
            let old = old.and_then(|old| self.backends.get(old));
            backend.wait = old.map_or(self.terms.warm_up_ticks, |old| old.wait);
        }
        heir
    }

    /// The dispersion of the connections that make the levels, if it is known from elsewhere: how the pool's new connections
    /// are spread. The larger one of this and what changes from window to window show is in force.
    pub fn set_dispersion(&mut self, dispersion: f64) {
        self.given_dispersion = dispersion;
    }

    /// One tick: the mean level of each backend over the window that ends with it, in the order of the expected shares.
    ///
    /// `sample_size` is the number of independent connections that the levels stand for: of open connections their mean
    /// number in the pool, of bytes the connections that carried them. Without any, or with all levels 0, there is
    /// nothing to see. Levels that are negative or not a number count as 0.
    pub fn observe(&mut self, levels: &[f64], sample_size: f64) {
        self.now += 1;
        let largest = levels.iter().copied().fold(0.0, f64::max).min(f64::MAX);
        let nothing = largest <= 0.0 || sample_size.is_nan() || sample_size <= 0.0;
        if nothing || levels.len() != self.backends.len() {
            return;
        }
        // In units of the largest, so that the sum of huge levels stays finite.
        let clean = levels
            .iter()
            .map(|level| level.clamp(0.0, f64::MAX).max(0.0) / largest);
        let total: f64 = clean.clone().sum();
        let sample = (sample_size / self.dispersion()).min(1e15);
        self.judge(clean.clone().map(|level| level / total), sample);
        self.decide();
        let skewed = matches!(self.state, State::Skewed(_));
        self.learn(
            clean.map(|level| level / total * sample_size.min(1e15)),
            skewed,
        );
    }

    /// Judges the share of each backend in a sample.
    fn judge(&mut self, shares: impl Iterator<Item = f64>, sample: f64) {
        let root = sample.cbrt();
        let (mut all_inside, mut none_outside) = (true, true);
        self.deviate = 0.0;
        for (backend, share) in self.backends.iter_mut().zip(shares) {
            let judgement = backend.judge(share, sample, root, self.limits);
            all_inside &= matches!(judgement, Judgement::Inside);
            if let Judgement::Outside(deviate, _) = judgement {
                self.deviate = self.deviate.max(deviate);
            }
            backend.note(&judgement, self.limits.outside, self.now);
            none_outside &= backend.outside.is_none();
        }
        self.inside_for = in_a_row(self.inside_for, all_inside);
        self.not_inside_for = in_a_row(self.not_inside_for, !all_inside);
        self.quiet_for = in_a_row(self.quiet_for, none_outside);
    }

    fn decide(&mut self) {
        let confirmed =
            |backend: &Backend| backend.outside.filter(|outside| outside.held >= self.hold);
        let first = self
            .backends
            .iter()
            .filter_map(confirmed)
            .map(|outside| outside.since)
            .min();
        match (self.state, first) {
            (State::Skewed(_), _) if self.inside_for >= self.hold => self.leave(State::Even),
            (State::Skewed(_), None) if self.quiet_for >= PATIENCE.saturating_mul(self.hold) => {
                self.leave(State::Open);
            }
            (State::Skewed(_), _) => {}
            (_, Some(since)) => self.state = State::Skewed(since),
            (State::Open, None) if self.inside_for >= self.hold => self.state = State::Even,
            (State::Even, None) if self.not_inside_for >= self.hold => self.state = State::Open,
            (State::Open | State::Even, None) => {}
        }
        if matches!(self.state, State::Skewed(_)) {
            let backends = &self.backends;
            self.naming.update(|backend| {
                let held = |side| match backends[backend].outside {
                    Some(outside) if outside.side == side => f64::from(outside.held),
                    _ => 0.0,
                };
                [(held(Side::Hot), Side::Hot), (held(Side::Cold), Side::Cold)]
            });
        }
    }

    fn leave(&mut self, state: State) {
        self.naming.clear();
        self.state = state;
    }

    /// Learns how much shares change from one window to the next, but not from a skew.
    fn learn(&mut self, counts: impl Iterator<Item = f64>, skewed: bool) {
        self.window_left -= 1;
        if skewed {
            self.windows.interrupt();
        }
        if self.window_left == 0 {
            self.window_left = self.window;
            if !skewed {
                let phi = self.windows.phi();
                self.windows.push(counts, phi);
            }
        }
    }

    /// What is known now: see [`Finding`]. Suspect is a backend that is outside, but not yet for the hold time.
    pub fn finding(&self) -> Finding {
        match self.state {
            State::Skewed(_) => Finding::Skewed,
            _ if self.quiet_for == 0 && self.deviate >= self.limits.outside => Finding::Suspect,
            State::Even => Finding::Even,
            State::Open => Finding::Unknown,
        }
    }

    /// Decimal logarithm of how rare levels as uneven as the last ones are by chance, in ticks between them: comparable with
    /// [`threshold`](Self::threshold), which it must pass for the hold time. 0 is no evidence.
    pub fn evidence(&self) -> f64 {
        let tries = f64::from(self.window) / (2.0 * self.backends.len() as f64);
        let log = tries.ln() - log_probability(self.deviate);
        (log / std::f64::consts::LN_10).max(0.0)
    }

    /// The decimal logarithm of [`Terms::false_alarm_ticks`].
    pub fn threshold(&self) -> f64 {
        shown(self.terms.false_alarm_ticks)
    }

    /// On which side a backend is outside its tolerance. Only while the pool is skewed; then at least one is.
    pub fn side(&self, backend: usize) -> Option<Side> {
        self.naming.get(backend)
    }

    /// Ticks since a backend that is named was first outside, ticks without any level included; 0 is this tick. None while the
    /// pool is neither suspect nor skewed.
    pub fn onset_ticks_ago(&self) -> Option<u64> {
        let since = match (self.state, self.finding()) {
            (State::Skewed(since), _) => Some(since),
            (_, Finding::Suspect) => {
                let outside = self.backends.iter().filter_map(|backend| backend.outside);
                outside.map(|outside| outside.since).min()
            }
            _ => None,
        };
        since.map(|since| self.now - since)
    }

    /// The dispersion in force, at least 1.
    pub fn dispersion(&self) -> f64 {
        self.windows.phi().max(self.given_dispersion)
    }

    /// Takes the pool for skewed since now, with these backends named, until that ends: for a skew that was found before this
    /// detector was made.
    pub fn latch(&mut self, named: &[Option<Side>]) {
        self.reset();
        self.naming.set(named);
        self.state = State::Skewed(self.now);
    }

    /// Ends a skew from outside: nothing of the past counts any more. Dispersion is kept.
    pub fn reset(&mut self) {
        for backend in &mut self.backends {
            backend.outside = None;
        }
        (self.inside_for, self.not_inside_for, self.quiet_for) = (0, 0, 0);
        self.deviate = 0.0;
        self.leave(State::Open);
    }
}

fn in_a_row(before: u32, again: bool) -> u32 {
    if again { before.saturating_add(1) } else { 0 }
}
