//! Asking the running agent to read its configuration again, and what came of it.
//!
//! A reload is asked for by SIGHUP or over HTTP and carried out by [`crate::app`] alone, one at a time.

use std::time::SystemTime;

use tokio::sync::{mpsc, oneshot, watch};

/// What came of the last reload; the start of the agent counts as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReloadStatus {
    /// Whether the configuration in force is the one in the file.
    pub successful: bool,
    /// When a configuration was last taken over.
    pub last_success: SystemTime,
    /// Why the last attempt failed, if it did.
    pub error: Option<String>,
}

/// A reload that waits to be carried out; answered with nothing or with what is wrong with the file.
pub type Request = oneshot::Sender<Result<(), String>>;

/// Asks for reloads and reads their outcome.
#[derive(Clone, Debug)]
pub struct ReloadHandle {
    requests: mpsc::Sender<Request>,
    status: watch::Receiver<ReloadStatus>,
}

impl ReloadHandle {
    /// A handle, and what carries its requests out: the queue to serve and the status to keep.
    pub fn channel() -> (Self, mpsc::Receiver<Request>, watch::Sender<ReloadStatus>) {
        // Reloads are rare and serial: the queue only has to bridge two that come at once.
        let (requests, queue) = mpsc::channel(4);
        let (keeper, status) = watch::channel(ReloadStatus {
            successful: true,
            last_success: SystemTime::now(),
            error: None,
        });
        (Self { requests, status }, queue, keeper)
    }

    /// Reads the configuration again; on error the old one stays in force and the message says what to change.
    pub async fn reload(&self) -> Result<(), String> {
        let (answer, outcome) = oneshot::channel();
        let stopping = |_| "the agent is stopping".to_owned();
        self.requests
            .send(answer)
            .await
            .map_err(|_closed| "the agent is stopping".to_owned())?;
        outcome.await.map_err(stopping)?
    }

    /// The outcome of the last reload.
    pub fn status(&self) -> ReloadStatus {
        self.status.borrow().clone()
    }
}
