//! What happens when, in words.

use std::net::SocketAddr;
use std::time::Duration;

/// The weight that nginx is given by mistake for one backend, where 1 was meant.
pub(super) const WRONG_WEIGHT: u32 = 8;

/// An act of the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// All weights are equal.
    Even,
    /// One weight is [`WRONG_WEIGHT`].
    Wrong,
    /// All weights are equal again.
    Repaired,
}

impl Phase {
    /// In the order in which they are played.
    pub(super) const ALL: [Self; 3] = [Self::Even, Self::Wrong, Self::Repaired];

    /// In a word or two.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Even => "even",
            Self::Wrong => "wrong weight",
            Self::Repaired => "repaired",
        }
    }

    /// What was done, once it was.
    pub(super) fn story(self, hot: SocketAddr) -> String {
        match self {
            Self::Even => "nginx spreads new connections over backends of equal weight".to_owned(),
            Self::Wrong => {
                format!("nginx reloaded with weight={WRONG_WEIGHT} on {hot} (a typo for 1)")
            }
            Self::Repaired => "nginx reloaded with the weight put right".to_owned(),
        }
    }

    /// What is going to be done.
    pub(super) fn plan(self) -> &'static str {
        match self {
            Self::Even => "even traffic",
            Self::Wrong => "then: a reload with a wrong weight",
            Self::Repaired => "then: a reload with the weight put right",
        }
    }
}

/// The phases spread over the time that there is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Script {
    total: Duration,
}

impl Script {
    /// A demo of `total`.
    pub(super) fn lasting(total: Duration) -> Self {
        Self { total }
    }

    /// How long it takes.
    pub(super) fn total(&self) -> Duration {
        self.total
    }

    /// When a phase begins.
    pub(super) fn begin(&self, phase: Phase) -> Duration {
        match phase {
            Phase::Even => Duration::ZERO,
            Phase::Wrong => self.total / 3,
            Phase::Repaired => self.total * 3 / 4,
        }
    }

    /// When a phase ends.
    pub(super) fn end(&self, phase: Phase) -> Duration {
        match phase {
            Phase::Even => self.begin(Phase::Wrong),
            Phase::Wrong => self.begin(Phase::Repaired),
            Phase::Repaired => self.total,
        }
    }

    /// The agent's sliding window: shorter than any phase, so that each shows its own picture before it ends. It is also
    /// how long the agent learns before it judges.
    pub(super) fn window(&self) -> Duration {
        Duration::from_secs((self.total.as_secs() / 10).clamp(2, 60))
    }
}

/// A moment as minutes and seconds: `1:05`.
pub(super) fn clock(moment: Duration) -> String {
    format!("{}:{:02}", moment.as_secs() / 60, moment.as_secs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_twenty_seconds_even_twenty_five_wrong_and_fifteen_repaired() {
        let script = Script::lasting(Duration::from_secs(60));
        assert_eq!(
            Phase::ALL.map(|phase| script.end(phase).as_secs()),
            [20, 45, 60]
        );
        assert_eq!(script.window().as_secs(), 6);
    }

    #[test]
    fn the_window_fits_into_every_phase_of_a_demo_of_any_length() {
        for seconds in 12..=3600 {
            let script = Script::lasting(Duration::from_secs(seconds));
            for phase in Phase::ALL {
                assert!(
                    script.end(phase) > script.begin(phase) + script.window(),
                    "{seconds} s, {phase:?}"
                );
            }
        }
    }

    #[test]
    fn the_clock_shows_minutes_and_seconds() {
        assert_eq!(clock(Duration::from_millis(65_900)), "1:05");
    }
}
