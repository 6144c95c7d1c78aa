//! What the engine saw, in a file: written by `evenkeel run --record`, replayed by `evenkeel backtest`.
//!
//! A file is a header and blocks, appended one after the other, each of whole records and compressed on its own. A run of the
//! agent begins with what it was told to watch; then there is a record per tick with the counters that changed. Replayed
//! through the same engine it gives the same incidents. What engines do not look at (handshake times) is left out.
//!
//! All numbers of several bytes outside of records are little-endian. Header: `evenkrec`, version (4 bytes). Block: length of
//! what follows the lengths (4 bytes), length once inflated (4 bytes), a zlib stream (RFC 1950), which has a checksum of its
//! own. Records: see `format.rs`.

mod decoder;
mod encoder;
mod error;
mod format;
mod reader;
mod recorder;
mod writer;

use serde::{Deserialize, Serialize};

use crate::engine::Plan;
use crate::model::{Incident, NetnsCookie};

pub use error::RecordingError;
pub use reader::{Event, Reader};
pub use recorder::{Recorder, RecordingSample, RecordingStatistics};
pub use writer::{Writer, Written};

/// How large a file may become unless the command line says otherwise.
pub const DEFAULT_LIMIT: u64 = 1 << 30;

/// What an agent knew when it began to count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beginning {
    /// The version of evenkeel.
    pub version: String,
    /// The name of the host.
    pub node: String,
    /// The network namespace of the agent.
    pub own: NetnsCookie,
    /// Incidents of the run before that were on.
    pub past: Vec<Incident>,
    /// What it was told to watch.
    pub plan: Plan,
}
