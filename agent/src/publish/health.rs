//! Whether the agent lives, and whether what it shows can be trusted yet.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::model::{Canary, State};

/// Missed ticks that are still fine: one that is late because the host is busy must not restart the agent.
pub(super) const MISSED_TICKS: u32 = 5;

/// When the engine last published, by a clock that nobody sets.
#[derive(Debug)]
pub(super) struct Pulse {
    started: Instant,
    /// Milliseconds after `started`.
    last: AtomicU64,
}

impl Pulse {
    /// A pulse that beats for the first time now: the engine has as long for its first tick as for any other.
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            last: AtomicU64::new(0),
        }
    }

    /// The engine has published.
    pub(super) fn beat(&self) {
        let millis = self.started.elapsed().as_millis();
        self.last
            .store(u64::try_from(millis).unwrap_or(u64::MAX), Relaxed);
    }

    /// How long ago the engine published.
    pub(super) fn age(&self) -> Duration {
        let last = Duration::from_millis(self.last.load(Relaxed));
        self.started.elapsed().saturating_sub(last)
    }
}

/// Whether ticks advance: the last is `age` old. The error says what is wrong.
///
/// With short intervals `grace` counts instead of the number of missed ticks.
pub(super) fn alive(age: Duration, interval: Duration, grace: Duration) -> Result<(), String> {
    let limit = grace.max(interval.saturating_mul(MISSED_TICKS));
    if age < limit {
        return Ok(());
    }
    Err(format!(
        "no tick for {:.1} s, expected every {} s: the agent hangs",
        age.as_secs_f64(),
        interval.as_secs_f64()
    ))
}

/// Whether the counts can be trusted: the hook was proven to see traffic. The error says why not.
pub(super) fn ready(state: &State) -> Result<(), String> {
    if let Some(fleet) = &state.kernel.fleet {
        return match (&fleet.error, fleet.answered) {
            (Some(error), _) => Err(format!("{error}; what is shown is of before")),
            (None, None) => Err("the store has not answered yet".to_owned()),
            (None, Some(_)) => Ok(()),
        };
    }
    if state.tick == 0 {
        return Err("no tick yet: the kernel's counters were not read so far".to_owned());
    }
    match &state.kernel.canary {
        Canary::Counted => Ok(()),
        Canary::Pending => Err(
            "no canary connection was judged yet: it is not proven that traffic is counted"
                .to_owned(),
        ),
        Canary::Missed { reason } => Err(format!(
            "the agent is blind, its own canary connection was not counted: {reason}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(10);

    #[test]
    fn a_late_tick_is_forgiven_for_five_intervals_and_at_least_for_the_grace() {
        let seconds = Duration::from_secs;
        for (age, interval, fine) in [
            (9, 1, true),
            (10, 1, false),
            (29, 6, true),
            (30, 6, false),
            (299, 60, true),
            (300, 60, false),
        ] {
            let verdict = alive(seconds(age), seconds(interval), GRACE);
            assert_eq!(verdict.is_ok(), fine, "{age} s at every {interval} s");
        }
        let message = alive(seconds(12), seconds(1), GRACE).unwrap_err();
        assert!(message.starts_with("no tick for 12.0 s, expected every 1 s"));
    }

    #[test]
    fn the_pulse_ages_from_the_last_beat() {
        let pulse = Pulse {
            started: Instant::now()
                .checked_sub(Duration::from_secs(100))
                .unwrap(),
            last: AtomicU64::new(0),
        };
        assert!(pulse.age() >= Duration::from_secs(100));
        pulse.beat();
        assert!(pulse.age() < Duration::from_secs(10));
    }
}
