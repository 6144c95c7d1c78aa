//! What the agent tells of the pool at one moment, and what chance alone would make of it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::finding::{Incident, Incidents, Side, Verdict};

/// How many times as far from even as chance puts a pool on average something must be to count as beyond chance. The
/// measures of a fair random balancer over five backends vary by a third of that average.
const BEYOND: f64 = 3.0;

/// The expected maximum of five independent standard normal variables: how far chance puts the hottest of five backends.
const MAXIMUM_OF_FIVE: f64 = 1.163;

/// The answer of `/api/v1/pools/{name}`, as far as it is shown.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    taken: String,
    pool: Pool,
}

#[derive(Debug, Deserialize)]
struct Pool {
    verdict: Verdict,
    explanation: String,
    backends: Vec<Backend>,
    measures: Signals<Option<Measures>>,
}

#[derive(Debug, Deserialize)]
struct Backend {
    address: SocketAddr,
    expected_share: f64,
    connections: Connections,
    share: Signals<Option<f64>>,
    skewed_in: Signals<Option<Side>>,
}

#[derive(Debug, Deserialize)]
struct Connections {
    opened: u64,
    active: u64,
}

#[derive(Debug, Deserialize)]
struct Signals<T> {
    opened: T,
}

/// How new connections were spread over the window.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub(super) struct Measures {
    /// Connections within the window.
    pub(super) total: f64,
    /// Gini coefficient: 0 is even.
    pub(super) gini: f64,
    /// What a fair random balancer would show at this traffic.
    pub(super) gini_by_chance: f64,
    /// Load of the hottest backend relative to its expected share: 1 is even.
    pub(super) max_to_mean: f64,
    /// The part of the capacity that stays idle when the hottest backend is full.
    pub(super) wasted_capacity: f64,
}

/// One backend at one moment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Load {
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// The part of new connections that it should get.
    pub(super) expected: f64,
    /// The part that it got over the window; none while nobody got anything.
    pub(super) share: Option<f64>,
    /// Connections opened since the agent's start.
    pub(super) opened: u64,
    /// Connections open now.
    pub(super) active: u64,
    /// What the agent finds of its part of new connections.
    pub(super) side: Option<Side>,
}

/// The pool at one moment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reading {
    /// When it was asked for, since the demo's begin.
    pub(super) at: Duration,
    /// When the agent read its counters, as the time since midnight.
    pub(super) taken: Duration,
    /// The backends in the order of the configuration.
    pub(super) loads: Vec<Load>,
    /// How new connections were spread; none while there are none.
    pub(super) measures: Option<Measures>,
    /// What the agent finds.
    pub(super) verdict: Verdict,
    /// The same in a sentence.
    pub(super) explanation: String,
    /// The incident that is on.
    pub(super) incident: Option<Incident>,
}

impl Reading {
    /// What the agent answered at the moment `at`.
    pub(super) fn new(at: Duration, answer: Answer, incidents: Incidents) -> Result<Self> {
        let taken = time_of_day(&answer.taken)
            .with_context(|| format!("the agent tells no time but {:?}", answer.taken))?;
        let load = |backend: Backend| Load {
            address: backend.address,
            expected: backend.expected_share,
            share: backend.share.opened,
            opened: backend.connections.opened,
            active: backend.connections.active,
            side: backend.skewed_in.opened,
        };
        Ok(Self {
            at,
            taken,
            loads: answer.pool.backends.into_iter().map(load).collect(),
            measures: answer.pool.measures.opened,
            verdict: answer.pool.verdict,
            explanation: answer.pool.explanation,
            incident: incidents.foremost(),
        })
    }

    /// Connections opened since the agent's start, over all backends.
    pub(super) fn opened(&self) -> u64 {
        self.loads.iter().map(|load| load.opened).sum()
    }

    /// Seconds from an earlier reading to this one, by the agent's clock.
    pub(super) fn seconds_since(&self, earlier: &Self) -> f64 {
        (self.taken.as_secs_f64() - earlier.taken.as_secs_f64()).rem_euclid(86_400.0)
    }
}

/// A measure with what it would be by chance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Gauge {
    /// Which measure it is.
    pub(super) kind: Kind,
    /// Its value.
    pub(super) now: f64,
    /// The value to expect of a fair random balancer.
    pub(super) by_chance: f64,
}

/// Which measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    MaxToMean,
    Gini,
    WastedCapacity,
}

impl Kind {
    /// In the order in which they are shown.
    pub(super) const ALL: [Self; 3] = [Self::MaxToMean, Self::Gini, Self::WastedCapacity];

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::MaxToMean => "max/mean",
            Self::Gini => "Gini",
            Self::WastedCapacity => "wasted capacity",
        }
    }

    /// A value as it is shown.
    pub(super) fn text(self, value: f64) -> String {
        match self {
            Self::MaxToMean => format!("{value:.2}"),
            Self::Gini => format!("{value:.3}"),
            Self::WastedCapacity => format!("{:.0} %", 100.0 * value),
        }
    }

    /// What a perfectly even pool has.
    fn even(self) -> f64 {
        if self == Self::MaxToMean { 1.0 } else { 0.0 }
    }
}

impl Gauge {
    /// How far the pool is from even; 0 is even.
    pub(super) fn excess(&self) -> f64 {
        self.now - self.kind.even()
    }

    /// How far chance alone would put it.
    pub(super) fn excess_by_chance(&self) -> f64 {
        self.by_chance - self.kind.even()
    }

    /// Whether chance does not explain it.
    pub(super) fn beyond_chance(&self) -> bool {
        self.excess() > BEYOND * self.excess_by_chance()
    }
}

impl Measures {
    /// One measure, beside what a fair random balancer would show at the same traffic over five equal backends.
    pub(super) fn gauge(&self, kind: Kind) -> Gauge {
        // A backend gets total/5 connections, with a standard deviation of the root of that.
        let max_to_mean = 1.0 + MAXIMUM_OF_FIVE * (5.0 / self.total.max(1.0)).sqrt();
        let (now, by_chance) = match kind {
            Kind::MaxToMean => (self.max_to_mean, max_to_mean),
            Kind::Gini => (self.gini, self.gini_by_chance),
            Kind::WastedCapacity => (self.wasted_capacity, 1.0 - 1.0 / max_to_mean),
        };
        Gauge {
            kind,
            now,
            by_chance,
        }
    }
}

/// The time since midnight of a time in RFC 3339.
fn time_of_day(time: &str) -> Option<Duration> {
    let (_, clock) = time.split_once('T')?;
    let mut parts = clock
        .trim_end_matches('Z')
        .split(':')
        .map(str::parse::<f64>);
    let (hours, minutes, seconds) = (
        parts.next()?.ok()?,
        parts.next()?.ok()?,
        parts.next()?.ok()?,
    );
    Duration::try_from_secs_f64((hours * 60.0 + minutes) * 60.0 + seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"{
        "taken": "2026-01-02T23:59:59.500Z", "interval_seconds": 0.5, "window_seconds": 10.0,
        "pool": {
            "name": "checkout", "verdict": "skewed", "explanation": "The traffic is skewed: new connections.",
            "backends": [{
                "address": "127.0.0.11:8080", "expected_share": 0.2,
                "connections": {"opened": 40, "failed": 0, "closed": 38, "active": 2},
                "share": {"opened": 0.25, "active": null, "bytes": null, "failed": null},
                "skewed": 1, "skewed_in": {"opened": "hot", "active": null, "bytes": null, "failed": null}
            }],
            "measures": {
                "opened": {"total": 160, "gini": 0.1, "gini_by_chance": 0.07, "max_to_mean": 1.25, "wasted_capacity": 0.2},
                "failed": null
            }
        }
    }"#;

    fn measures(total: f64, max_to_mean: f64) -> Measures {
        Measures {
            total,
            gini: 0.0,
            gini_by_chance: 0.02,
            max_to_mean,
            wasted_capacity: 0.0,
        }
    }

    #[test]
    fn the_agents_answer_is_understood() {
        let reading = Reading::new(
            Duration::from_secs(3),
            serde_json::from_str(ANSWER).unwrap(),
            serde_json::from_str(r#"{"taken": "", "incidents": []}"#).unwrap(),
        )
        .unwrap();
        let load = &reading.loads[0];
        assert_eq!(
            (load.opened, load.active, load.expected, load.share),
            (40, 2, 0.2, Some(0.25))
        );
        assert_eq!(
            Kind::MaxToMean.text(reading.measures.unwrap().max_to_mean),
            "1.25"
        );
        assert_eq!(reading.taken, Duration::from_millis(86_399_500));
        assert_eq!(reading.verdict, Verdict::Skewed);
        assert_eq!(load.side, Some(Side::Hot));
        assert_eq!(reading.incident, None);
    }

    #[test]
    fn time_goes_on_over_midnight() {
        let reading = |milliseconds| Reading {
            at: Duration::ZERO,
            taken: Duration::from_millis(milliseconds),
            loads: Vec::new(),
            measures: None,
            verdict: Verdict::Unknown,
            explanation: String::new(),
            incident: None,
        };
        let seconds = reading(1_500).seconds_since(&reading(86_399_500));
        assert!((seconds - 2.0).abs() < 1e-6, "{seconds}");
    }

    #[test]
    fn what_chance_does_is_not_beyond_chance_and_a_wrong_weight_is() {
        // 3,000 connections over five backends: the hottest gets 4.7 % more by chance.
        let usual = measures(3_000.0, 1.05).gauge(Kind::MaxToMean);
        assert!((usual.by_chance - 1.0475).abs() < 0.001, "{usual:?}");
        assert!(!usual.beyond_chance());
        assert!(
            measures(3_000.0, 1.2)
                .gauge(Kind::MaxToMean)
                .beyond_chance()
        );
        assert!(!measures(30.0, 1.2).gauge(Kind::MaxToMean).beyond_chance());
    }
}
