//! The time, twice: one clock for what is due, another for what is written into alerts.

use std::time::{Duration, Instant, SystemTime};

/// One moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    /// By the clock that nobody sets: everything is scheduled by it.
    pub(super) monotonic: Instant,
    /// By the clock on the wall, as it is set now.
    pub(super) wall: SystemTime,
    /// By the clock on the wall or, if that was set back since the agent started, as if it had not been. An alert must not
    /// end because this host's clock was set back.
    pub(super) horizon: SystemTime,
}

/// Both clocks at the moment when the agent started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    monotonic: Instant,
    wall: SystemTime,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self {
            monotonic: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    pub(super) fn now(&self) -> Now {
        self.at(self.monotonic.elapsed(), SystemTime::now())
    }

    /// The moment `passed` after the start, when the wall says `wall`.
    pub(super) fn at(&self, passed: Duration, wall: SystemTime) -> Now {
        Now {
            monotonic: self.monotonic + passed,
            wall,
            horizon: wall.max(self.wall + passed),
        }
    }
}
