//! From findings to incidents: one signal of one pool.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use evenkeel_skew::Finding;

use super::causes::explain;
use super::detector::Test;
use super::judge::TOLERATED_FAILURES;
use super::pattern::Pattern;
use super::rules::Rules;
use super::vantage::Vantages;
use crate::model::{AlertName, CauseId, Deviation, Ending, Incident, Pool, Side, Signal};

/// An incident of a pool without traffic is over after this time: nothing will ever show the pool even.
const SILENCE: Duration = Duration::from_secs(15 * 60);
/// How often the figures of an open incident are brought up to date.
const REFRESH: Duration = Duration::from_secs(10);
/// How soon after its beginning for the first time. It is found by as few connections as possible, which may be too few for its
/// cause; from then on what is known doubles from one time to the next.
const FIRST_REFRESH: Duration = Duration::from_secs(1);

/// A lasting skew has at least so many decades of evidence beyond the threshold, unless it is a small one.
const PLENTY: f64 = 2.0;
/// By so many decades chance lets the evidence of a lasting skew dip.
const DIP: f64 = 0.5;

/// Where a signal of a pool stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Phase {
    /// Nothing is wrong.
    #[default]
    Quiet,
    /// Skewed, but not for as long as an incident takes.
    Held {
        /// The tick at which it began to be.
        since: u64,
    },
    /// There is an incident in the book.
    Open {
        /// The tick from which on it is known.
        since: u64,
        /// The tick at which its figures are next brought up to date.
        refresh: u64,
        /// The last tick at which there was traffic.
        traffic: u64,
    },
}

/// When something is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now<'a> {
    pub(super) tick: u64,
    pub(super) time: SystemTime,
    /// How many clients connect to this host, if that is known.
    pub(super) clients: Option<f64>,
    /// What each agent saw, if there are several.
    pub(super) vantages: &'a dyn Vantages,
}

/// What happened in a tick that the book must be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Nothing,
    Begin,
    Refresh,
    End(Ending),
}

impl Phase {
    /// Where a signal stands whose incident was on before this agent, or this test, began. Until a window has passed the book
    /// knows more of it.
    pub(super) fn resumed(tick: u64, rules: &Rules) -> Self {
        Self::open(tick, rules, rules.window.max(REFRESH))
    }

    fn open(tick: u64, rules: &Rules, refresh: Duration) -> Self {
        Self::Open {
            since: tick,
            refresh: tick + u64::from(rules.whole_ticks(refresh)),
            traffic: tick,
        }
    }

    /// Goes on by a tick. `busy`: whether the signal had any traffic within the window.
    pub(super) fn step(&mut self, finding: Finding, busy: bool, tick: u64, rules: &Rules) -> Step {
        let skewed = finding == Finding::Skewed;
        let over = |since: u64, time: Duration| (tick - since) as f64 >= rules.ticks(time);
        match self {
            Self::Quiet if skewed => {
                *self = Self::Held { since: tick };
                self.step(finding, busy, tick, rules)
            }
            Self::Held { since } if skewed && over(*since, rules.detection.hold) => {
                *self = Self::open(tick, rules, FIRST_REFRESH);
                Step::Begin
            }
            Self::Quiet => Step::Nothing,
            Self::Held { .. } => {
                if !skewed {
                    *self = Self::Quiet;
                }
                Step::Nothing
            }
            Self::Open { .. } if !skewed => {
                *self = Self::Quiet;
                Step::End(Ending::Recovered)
            }
            Self::Open {
                since,
                refresh,
                traffic,
            } => {
                if busy {
                    *traffic = tick;
                }
                if over(*traffic, SILENCE) {
                    *self = Self::Quiet;
                    return Step::End(Ending::NoTraffic);
                }
                if tick >= *refresh {
                    let known = tick - *since;
                    *refresh = tick + known.clamp(1, u64::from(rules.whole_ticks(REFRESH)));
                    return Step::Refresh;
                }
                Step::Nothing
            }
        }
    }
}

/// Whether what is seen now still is the skew of an incident. When it has been repaired the evidence falls at once, while the figures
/// become those of a pool that was skewed for a part of the time: they would be explained by something that never was.
pub(super) fn is_shown(test: &dyn Test, incident: &Incident) -> bool {
    let height = incident.evidence.min(test.threshold() + PLENTY);
    test.evidence() + DIP >= height
}

/// The incident as it is now: `before` is what the book has of it.
pub(super) fn incident(
    pattern: &Pattern<'_>,
    test: &dyn Test,
    rules: &Rules,
    now: Now<'_>,
    before: Option<&Arc<Incident>>,
) -> Incident {
    let (cause, other_causes) = match (explain(pattern), before) {
        // Only as much evidence as before refutes what was known.
        ((cause, _), Some(before))
            if cause.id == CauseId::Unexplained && test.evidence() < before.evidence =>
        {
            (before.cause.clone(), before.other_causes.clone())
        }
        (found, _) => found,
    };
    let evidence = before.map_or(0.0, |incident| incident.evidence);
    let started = before.map_or_else(|| onset(test, rules, now), |incident| incident.started);
    let detected = before.map_or(now.time, |incident| incident.detected);
    let pool = pattern.pool;
    let peak = before.map_or(0.0, |incident| incident.peak_max_to_mean);
    let highest = (0..pattern.backends.len())
        .map(|backend| pattern.relative(backend, pattern.signal))
        .fold(0.0, f64::max);
    let hot = deviations(pattern, Side::Hot);
    Incident {
        alert: before.map_or_else(
            || AlertName::at_detection(pattern.signal, &hot),
            |incident| incident.alert,
        ),
        id: before.map_or_else(
            || id(pool, pattern.signal, now),
            |incident| incident.id.clone(),
        ),
        pool: pool.spec.name.clone(),
        role: pool.spec.role,
        signal: pattern.signal,
        started,
        detected,
        ended: None,
        hot,
        cold: deviations(pattern, Side::Cold),
        cause,
        other_causes,
        change: before.and_then(|incident| incident.change.clone()),
        evidence: test.evidence().max(evidence),
        threshold: test.threshold(),
        peak_max_to_mean: match pattern.signal {
            Signal::Failed => 0.0,
            _ => highest.max(peak),
        },
        tolerance: rules.tolerance(pool),
        false_alarm_every: rules.detection.false_alarm_every,
    }
}

fn onset(test: &dyn Test, rules: &Rules, now: Now<'_>) -> SystemTime {
    let ticks = test.onset_ticks_ago().unwrap_or(0);
    let ago = rules
        .interval
        .saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX));
    now.time.checked_sub(ago).unwrap_or(now.time)
}

fn deviations(pattern: &Pattern<'_>, side: Side) -> Vec<Deviation> {
    let total = pattern.total(pattern.signal);
    let share = |backend: usize| {
        let facts = &pattern.backends[backend];
        match pattern.signal {
            Signal::Failed => facts.failed as f64 / facts.attempts().max(1) as f64,
            signal => facts.load(signal) / total.max(f64::MIN_POSITIVE),
        }
    };
    let on = pattern.on(side).into_iter();
    on.map(|backend| Deviation {
        backend: pattern.name(backend).to_owned(),
        observed_share: share(backend),
        expected_share: match pattern.signal {
            Signal::Failed => TOLERATED_FAILURES,
            _ => pattern.expected[backend],
        },
    })
    .collect()
}

/// A name that sorts by time and does not come twice: the moment, and a hash of what it is about.
fn id(pool: &Pool, signal: Signal, now: Now<'_>) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let since = now
        .time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let mut hasher = DefaultHasher::new();
    (&pool.spec.name, signal, since, now.tick, &pool.endpoints).hash(&mut hasher);
    let moment = crate::model::rfc3339(now.time).to_string();
    let digits: String = moment
        .chars()
        .filter(char::is_ascii_digit)
        .take("YYYYMMDDhhmmss".len())
        .collect();
    format!("{digits}-{:08x}", hasher.finish() >> 32)
}
