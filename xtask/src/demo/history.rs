//! Everything that was read so far, with the moments at which something was done.

use std::time::Duration;

use super::finding::Verdict;
use super::phase::Phase;
use super::reading::{Gauge, Kind, Reading};

/// How far back rates reach, in seconds: six ticks, even if they come a little late.
const RATE_SPAN: f64 = 3.25;

/// The readings in order, and when phases began.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    readings: Vec<Reading>,
    entered: Vec<(Phase, Duration)>,
}

impl History {
    /// A phase begins.
    pub(super) fn enter(&mut self, phase: Phase, at: Duration) {
        self.entered.push((phase, at));
    }

    /// Adds a reading, unless the agent has not read its counters anew.
    pub(super) fn add(&mut self, reading: Reading) {
        if self
            .readings
            .last()
            .is_none_or(|last| last.taken != reading.taken)
        {
            self.readings.push(reading);
        }
    }

    /// The phase under way.
    pub(super) fn phase(&self) -> Option<Phase> {
        self.entered.last().map(|(phase, _)| *phase)
    }

    /// When a phase began, if it has.
    pub(super) fn entered(&self, phase: Phase) -> Option<Duration> {
        self.entered
            .iter()
            .find(|(entered, _)| *entered == phase)
            .map(|(_, at)| *at)
    }

    /// The newest reading.
    pub(super) fn latest(&self) -> Option<&Reading> {
        self.readings.last()
    }

    /// The readings of a phase, in order.
    pub(super) fn during(&self, phase: Phase) -> impl DoubleEndedIterator<Item = &Reading> {
        let begin = self.entered(phase).unwrap_or(Duration::MAX);
        let later = self
            .entered
            .iter()
            .map(|(_, at)| *at)
            .filter(move |at| *at > begin);
        let end = later.min().unwrap_or(Duration::MAX);
        self.readings
            .iter()
            .filter(move |reading| (begin..end).contains(&reading.at))
    }

    /// How long after the reload with the wrong weight the agent was seen to call the pool skewed, if it has.
    pub(super) fn detected_after(&self) -> Option<Duration> {
        let mut during = self.during(Phase::Wrong);
        let seen = during.find(|reading| reading.verdict == Verdict::Skewed)?;
        seen.at.checked_sub(self.entered(Phase::Wrong)?)
    }

    /// The agent's verdicts in order, with the moments at which they were first seen.
    pub(super) fn verdicts(&self) -> Vec<(Duration, Verdict)> {
        let mut verdicts: Vec<(Duration, Verdict)> = Vec::new();
        for reading in &self.readings {
            if verdicts
                .last()
                .is_none_or(|(_, last)| *last != reading.verdict)
            {
                verdicts.push((reading.at, reading.verdict));
            }
        }
        verdicts
    }

    /// A measure over time: moments and values, in order.
    pub(super) fn gauges(&self, kind: Kind) -> impl Iterator<Item = (Duration, Gauge)> {
        let gauge = move |reading: &Reading| Some((reading.at, reading.measures?.gauge(kind)));
        self.readings.iter().filter_map(gauge)
    }

    /// Connections opened per second around the time of `reading`, which is one of these, by backend; none at the begin.
    pub(super) fn rates(&self, reading: &Reading) -> Option<Vec<f64>> {
        let mut before = self
            .readings
            .iter()
            .take_while(|other| other.at < reading.at);
        let base = before.find(|other| reading.seconds_since(other) <= RATE_SPAN)?;
        let seconds = reading.seconds_since(base);
        let pairs = reading.loads.iter().zip(&base.loads);
        Some(
            pairs
                .map(|(now, then)| now.opened.saturating_sub(then.opened) as f64 / seconds)
                .collect(),
        )
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::demo::finding::{Cause, Deviation, Incident, Side};
    use crate::demo::reading::{Load, Measures};

    /// A pool of five, of whose connections the third backend gets the part `hot`.
    pub(in crate::demo) fn reading(seconds: u64, hot: f64) -> Reading {
        let load = |number: u8| Load {
            address: ([127, 0, 0, 11 + number], 8080).into(),
            expected: 0.2,
            share: Some(if number == 2 { hot } else { (1.0 - hot) / 4.0 }),
            opened: 0,
            active: if number == 2 { 8 } else { 1 },
            side: None,
        };
        Reading {
            at: Duration::from_secs(seconds),
            taken: Duration::from_secs(seconds),
            loads: (0..5).map(load).collect(),
            measures: Some(Measures {
                total: 3_000.0,
                gini: hot - 0.2,
                gini_by_chance: 0.02,
                max_to_mean: 5.0 * hot,
                wasted_capacity: 1.0 - 0.2 / hot,
            }),
            verdict: Verdict::Unknown,
            explanation: "Too little traffic yet to tell.".to_owned(),
            incident: None,
        }
    }

    /// The reading with what the agent says of it.
    fn judged(mut reading: Reading, verdict: Verdict) -> Reading {
        reading.verdict = verdict;
        if verdict == Verdict::Even {
            reading.explanation = "The traffic is even (new connections, open connections within the tolerance): the balancer is not \
                                   the problem, look elsewhere."
                .to_owned();
        }
        if verdict == Verdict::Skewed {
            reading.explanation = "The traffic is skewed: new connections.".to_owned();
            let hot = reading.loads[2].address;
            for load in &mut reading.loads {
                load.side = Some(if load.address == hot {
                    Side::Hot
                } else {
                    Side::Cold
                });
            }
            reading.incident = Some(Incident {
                signal: "opened".to_owned(),
                hot: vec![Deviation {
                    backend: hot,
                    observed_share: 8.0 / 12.0,
                    expected_share: 0.2,
                }],
                cause: Cause {
                    id: "weights_differ".to_owned(),
                    text: "The shares fit the weights 1, 1, 8, 1, 1 (in the order of the pool), which are not those expected: \
                           another configuration is loaded in the balancer, or the pool's description is out of date."
                        .to_owned(),
                },
            });
        }
        reading
    }

    /// A minute of the demo up to `seconds`, at 300 connections a second, with the skew at once in the picture. The agent
    /// finds the pool even after 9 seconds, skewed 2 seconds after the reload, and even 8 seconds after the repair.
    pub(in crate::demo) fn minute(seconds: u64) -> History {
        let mut history = History::default();
        let mut opened = [0; 5];
        for second in 0..=seconds {
            if let Some(number) = [0, 20, 45].into_iter().position(|begin| begin == second) {
                history.enter(Phase::ALL[number], Duration::from_secs(second));
            }
            let wrong = (20..45).contains(&second);
            let mut reading = reading(second, if wrong { 8.0 / 12.0 } else { 0.2 });
            for (load, opened) in reading.loads.iter_mut().zip(opened) {
                load.opened = opened;
            }
            let verdict = match second {
                0..9 => Verdict::Unknown,
                22..53 => Verdict::Skewed,
                _ => Verdict::Even,
            };
            history.add(judged(reading, verdict));
            let now = if wrong {
                [25, 25, 200, 25, 25]
            } else {
                [60; 5]
            };
            opened
                .iter_mut()
                .zip(now)
                .for_each(|(opened, now)| *opened += now);
        }
        history
    }

    #[test]
    fn readings_belong_to_the_phase_in_which_they_were_made() {
        let history = minute(50);
        let count = |phase| history.during(phase).count();
        assert_eq!(Phase::ALL.map(count), [20, 25, 6]);
        assert_eq!(history.phase(), Some(Phase::Repaired));
        assert_eq!(minute(10).during(Phase::Wrong).count(), 0);
    }

    #[test]
    fn the_same_tick_is_not_kept_twice() {
        let mut history = History::default();
        history.add(reading(1, 0.2));
        history.add(reading(1, 0.2));
        assert_eq!(history.gauges(Kind::Gini).count(), 1);
    }

    #[test]
    fn verdicts_are_kept_with_their_times() {
        let history = minute(60);
        let seconds = |(at, verdict): (Duration, Verdict)| (at.as_secs(), verdict);
        let verdicts: Vec<_> = history.verdicts().into_iter().map(seconds).collect();
        assert_eq!(
            verdicts,
            [
                (0, Verdict::Unknown),
                (9, Verdict::Even),
                (22, Verdict::Skewed),
                (53, Verdict::Even)
            ]
        );
        assert_eq!(history.detected_after(), Some(Duration::from_secs(2)));
        assert_eq!(minute(21).detected_after(), None);
    }

    #[test]
    fn rates_are_differences_of_counters_over_the_last_seconds() {
        let history = minute(30);
        assert_eq!(
            history.rates(history.latest().unwrap()).unwrap(),
            [25.0, 25.0, 200.0, 25.0, 25.0]
        );
        assert_eq!(minute(0).rates(minute(0).latest().unwrap()), None);
    }
}
