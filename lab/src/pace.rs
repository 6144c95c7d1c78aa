//! A steady pace that can be stopped at any time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Longest sleep between two looks at the stop flag.
const NAP: Duration = Duration::from_millis(20);

/// Sleeps until number `index` is due, of so many per second since `began`; at once without a rate. False if it shall not be
/// made any more.
pub(crate) fn await_turn(
    index: u64,
    began: Instant,
    per_second: Option<u32>,
    stop: &AtomicBool,
) -> bool {
    let due = per_second
        .map(|rate| began + Duration::from_secs_f64(index as f64 / f64::from(rate.max(1))));
    while !stop.load(Ordering::Relaxed) {
        let Some(rest) = due.and_then(|due| due.checked_duration_since(Instant::now())) else {
            return true;
        };
        if rest.is_zero() {
            return true;
        }
        std::thread::sleep(rest.min(NAP));
    }
    false
}
