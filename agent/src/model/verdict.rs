//! What the engine finds of a pool and of a backend.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::counters::Signal;
use super::detection::Algorithm;
use super::state::{BackendState, PoolState};

/// What a pool is found to be, in one signal or over all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// There is evidence that every share is within the tolerance: the balancer is not the problem.
    Even,
    /// Some evidence of skew, not enough to alarm.
    Suspect,
    /// A share is outside its tolerance, at the promised rate of false alarms.
    Skewed,
    /// Too little traffic to tell.
    #[default]
    Unknown,
}

impl Verdict {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 4] = [Self::Even, Self::Suspect, Self::Skewed, Self::Unknown];

    /// The name that users read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Even => "even",
            Self::Suspect => "suspect",
            Self::Skewed => "skewed",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One `T` for each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PerVerdict<T> {
    /// See [`Verdict::Even`].
    pub even: T,
    /// See [`Verdict::Suspect`].
    pub suspect: T,
    /// See [`Verdict::Skewed`].
    pub skewed: T,
    /// See [`Verdict::Unknown`].
    pub unknown: T,
}

impl<T> PerVerdict<T> {
    /// The value of `verdict`.
    pub fn get(&self, verdict: Verdict) -> &T {
        match verdict {
            Verdict::Even => &self.even,
            Verdict::Suspect => &self.suspect,
            Verdict::Skewed => &self.skewed,
            Verdict::Unknown => &self.unknown,
        }
    }

    /// The value of `verdict`, to be changed.
    pub fn get_mut(&mut self, verdict: Verdict) -> &mut T {
        match verdict {
            Verdict::Even => &mut self.even,
            Verdict::Suspect => &mut self.suspect,
            Verdict::Skewed => &mut self.skewed,
            Verdict::Unknown => &mut self.unknown,
        }
    }
}

/// On which side of its tolerance a share is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// More than it should have; of failing connects: the backend that fails.
    Hot,
    /// Less than it should have.
    Cold,
}

impl Side {
    /// How metrics and the API say it: 1 or -1.
    pub const fn sign(self) -> i8 {
        match self {
            Self::Hot => 1,
            Self::Cold => -1,
        }
    }
}

/// When a doubling is seen within this time, little traffic is not what is missing.
const SOON: Duration = Duration::from_secs(300);

/// What a pool's verdict means for whoever looks for a problem.
pub fn explanation(pool: &PoolState) -> String {
    match pool.verdict {
        Verdict::Even => format!(
            "The traffic is even ({} within the tolerance): the balancer is not the problem, look elsewhere.{}",
            shares(pool, Verdict::Even),
            avoided(pool)
        ),
        Verdict::Suspect => match shares(pool, Verdict::Suspect) {
            none if none.is_empty() => {
                "There is some evidence that connections to a backend fail, not enough to alarm."
                    .to_owned()
            }
            signals => format!("There is some evidence of skew ({signals}), not enough to alarm."),
        },
        Verdict::Skewed => {
            let signals = shares(pool, Verdict::Skewed);
            let skewed =
                (!signals.is_empty()).then(|| format!("The traffic is skewed: {signals}."));
            let failing = pool.signals.failed.judgement;
            let failing = failing
                .filter(|found| found.verdict == Verdict::Skewed)
                .map(|_| "Connections to a backend fail.".to_owned());
            let said: Vec<String> = skewed.into_iter().chain(failing).collect();
            said.join(" ")
        }
        Verdict::Unknown => why_unknown(pool),
    }
}

/// Whom a balancer that follows load sends less, because connections last longer there: no skew, but worth a look.
fn avoided(pool: &PoolState) -> String {
    if pool.pool.spec.algorithm != Algorithm::LoadDependent {
        return String::new();
    }
    let relative = |backend: &BackendState| Some(backend.shares.opened? / backend.expected_share);
    let named = pool.pool.names.iter().zip(&pool.backends);
    let least = named
        .filter_map(|(name, backend)| Some((name, relative(backend)?)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .filter(|(_, relative)| *relative < 1.0 - pool.tolerance);
    least.map_or_else(String::new, |(name, relative)| {
        format!(
            " The balancer sends {name} {relative:.2} times its share of new connections because they last longer there: if \
             anything is slow, it is that backend."
        )
    })
}

/// The signals with that verdict whose shares are compared.
fn shares(pool: &PoolState, verdict: Verdict) -> String {
    let has = |signal: &Signal| {
        let judgement = pool.signals.get(*signal).judgement;
        judgement.is_some_and(|found| found.verdict == verdict)
    };
    let named = [Signal::Opened, Signal::Active, Signal::Bytes]
        .into_iter()
        .filter(has);
    named.map(Signal::noun).collect::<Vec<_>>().join(", ")
}

fn why_unknown(pool: &PoolState) -> String {
    let signals = [Signal::Opened, Signal::Active, Signal::Bytes];
    let judged = |signal: &Signal| pool.signals.get(*signal).judgement.is_some();
    let busy = |signal: &Signal| pool.signals.get(*signal).total > 0.0;
    match pool.detection_time {
        Some(time) if time > SOON => {
            return format!(
                "Too little traffic yet to tell. At the present rate it takes {} to see a doubling.",
                words(time)
            );
        }
        Some(time) => {
            return format!(
                "Not decided yet: a doubling would be seen in {}, but that every share is within the tolerance takes longer \
                 to show, the more so if one is close to its edge.",
                words(time)
            );
        }
        None => {}
    }
    let said = if pool.backends.len() < 2 {
        "A pool of one backend has nothing to be uneven about."
    } else if !signals.iter().any(busy) {
        "No traffic to judge by."
    } else if !signals.iter().any(judged) {
        "There is traffic, but nothing to compare its shares with yet: they are still being learned."
    } else {
        "Too little traffic yet to tell."
    };
    said.to_owned()
}

/// A time as people say it: two units at most.
pub fn words(time: Duration) -> String {
    let seconds = time.as_secs().max(1);
    // Whole minutes are precise enough from an hour on, whole hours from a day on.
    let rounded = match seconds {
        0..3600 => seconds,
        3600..86_400 => seconds / 60 * 60,
        86_400..8_640_000 => seconds / 3600 * 3600,
        _ => return "more than 100 days".to_owned(),
    };
    humantime::format_duration(Duration::from_secs(rounded)).to_string()
}

/// What one signal of a pool tells.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Judgement {
    /// What follows from it.
    pub verdict: Verdict,
    /// The evidence of skew, as a decimal logarithm: the alarm is at `threshold`.
    pub evidence: f64,
    /// What the evidence has to reach.
    pub threshold: f64,
}
