//! What can be wrong with a recording.

use std::io;
use std::path::PathBuf;

use super::format::VERSION;

/// Why a recording cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The system refuses.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file begins as no recording does.
    #[error(
        "{}: byte 0: this is no recording: name a file that `evenkeel run --record FILE` wrote",
        .path.display()
    )]
    NotARecording {
        /// The file.
        path: PathBuf,
    },
    /// Another version of evenkeel wrote it.
    #[error(
        "{}: byte 8: this recording has format {found}, and this evenkeel ({}) knows format {VERSION}: use the evenkeel \
         that wrote it, or record anew",
        .path.display(),
        env!("CARGO_PKG_VERSION")
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// What it says of itself.
        found: u32,
    },
    /// A block in the middle is not as it was written.
    #[error(
        "{}: byte {offset}: {what}: the file was damaged after it was written. What is before can be replayed: \
         `head -c {offset}`",
        .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the block begins, in bytes.
        offset: u64,
        /// What is wrong.
        what: String,
    },
}
