//! Ctrl-C: noted by a handler, acted upon by whoever looks, so that everything that was started is ended in order.

use std::io::Write as _;
use std::sync::atomic::{AtomicI32, Ordering};

use anyhow::{Context as _, Result, bail};
use rustix::process::Signal;

/// The signals that ask for the end: from the keyboard, from another process, from a terminal that is closed.
const SIGNALS: [Signal; 3] = [Signal::INT, Signal::TERM, Signal::HUP];

/// The number of the signal that came; 0 for none.
static CAME: AtomicI32 = AtomicI32::new(0);

extern "C" fn note(signal: libc::c_int) {
    CAME.store(signal, Ordering::Relaxed);
}

/// Notes signals while it lives.
pub(crate) struct Stop(());

impl Stop {
    /// From now on signals are noted instead of ending this process.
    pub(crate) fn listen() -> Result<Self> {
        let handler: extern "C" fn(libc::c_int) = note;
        for signal in SIGNALS {
            handle(signal, handler as libc::sighandler_t)?;
        }
        Ok(Self(()))
    }

    /// An error once somebody wants the end.
    #[expect(
        clippy::unused_self,
        reason = "without `listen` there is nothing to look at"
    )]
    pub(crate) fn check(&self) -> Result<()> {
        if CAME.load(Ordering::Relaxed) != 0 {
            bail!("stopped");
        }
        Ok(())
    }

    /// Ends this process by the signal that was noted, as its parent expects; returns if there was none.
    pub(crate) fn settle(self) -> Result<()> {
        drop(self);
        let Some(signal) = Signal::from_named_raw(CAME.load(Ordering::Relaxed)) else {
            return Ok(());
        };
        // The terminal may be what is gone.
        drop(writeln!(
            std::io::stderr(),
            "stopped; nothing is left behind"
        ));
        rustix::process::kill_process(rustix::process::getpid(), signal)
            .context("cannot end by a signal")
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        for signal in SIGNALS {
            if let Err(error) = handle(signal, libc::SIG_DFL) {
                eprintln!("{error:#}");
            }
        }
    }
}

fn handle(signal: Signal, handler: libc::sighandler_t) -> Result<()> {
    // SAFETY: the handler is either the default or `note`, which only stores to an atomic: allowed in a signal handler.
    let previous = unsafe { libc::signal(signal.as_raw(), handler) };
    if previous == libc::SIG_ERR {
        return Err(std::io::Error::last_os_error())
            .with_context(|| format!("cannot handle {signal:?}"));
    }
    Ok(())
}
