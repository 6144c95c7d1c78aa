//! Waiting for a condition with a deadline, in place of sleeping and hoping.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// Waits until `condition` holds. The error names `what` was waited for.
pub fn wait_until(
    deadline: Duration,
    what: &str,
    mut condition: impl FnMut() -> bool,
) -> Result<()> {
    wait_for(deadline, what, || Ok(condition().then_some(())))
}

/// Waits until `look` finds something, and returns it; an error of `look` ends the waiting at once.
pub fn wait_for<T>(
    deadline: Duration,
    what: &str,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let began = Instant::now();
    let mut pause = Duration::from_micros(200);
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if began.elapsed() >= deadline {
            bail!("waited {deadline:?} in vain for {what}");
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
