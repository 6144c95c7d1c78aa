//! Something that is done again and again until it is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::pace::await_turn;

/// A thread that repeats something. Dropping it ends it.
pub(super) struct Repeated {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Repeated {
    /// Does it now and so often in a second, until it fails or this is dropped.
    pub(super) fn start(
        per_second: u32,
        mut what: impl FnMut() -> Result<()> + Send + 'static,
    ) -> Result<Self> {
        let stop = Arc::<AtomicBool>::default();
        let (theirs, began) = (Arc::clone(&stop), Instant::now());
        let work = move || {
            for turn in 0.. {
                if !await_turn(turn, began, Some(per_second), &theirs) {
                    break;
                }
                if let Err(error) = what() {
                    eprintln!("{error:#}");
                    break;
                }
            }
        };
        let builder = std::thread::Builder::new().name("lab-repeated".to_owned());
        let thread = builder.spawn(work).context("cannot start a thread")?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }

    /// As [`Self::start`], once in so long a time.
    pub(super) fn every(
        period: Duration,
        mut what: impl FnMut() -> Result<()> + Send + 'static,
    ) -> Result<Self> {
        let mut due = Instant::now() + period;
        // A look now and then keeps the end near.
        Self::start(10, move || {
            if Instant::now() < due {
                return Ok(());
            }
            due += period;
            what()
        })
    }
}

impl Drop for Repeated {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if self
            .thread
            .take()
            .map(JoinHandle::join)
            .is_some_and(|end| end.is_err())
        {
            eprintln!("what the lab repeats has panicked");
        }
    }
}
