//! SIGINT and SIGTERM as messages, so that nothing ends without having cleaned up.

use std::sync::mpsc::{self, Receiver};

use anyhow::Context as _;
use rustix::process::Signal;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

/// Signals that were sent to this process.
pub(super) struct Signals {
    /// One message each.
    pub(super) received: Receiver<Signal>,
    /// Carries them; nothing else runs in it.
    _runtime: Runtime,
}

impl Signals {
    /// From now on, they do not end the process.
    pub(super) fn listen() -> anyhow::Result<Self> {
        let context = "cannot listen for signals";
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context(context)?;
        let (sender, received) = mpsc::channel();
        let inside = runtime.enter();
        for (kind, name) in [
            (SignalKind::interrupt(), Signal::INT),
            (SignalKind::terminate(), Signal::TERM),
        ] {
            let mut stream = signal(kind).context(context)?;
            let sender = sender.clone();
            runtime.spawn(async move {
                while stream.recv().await.is_some() && sender.send(name).is_ok() {}
            });
        }
        drop(inside);
        Ok(Self {
            received,
            _runtime: runtime,
        })
    }
}
