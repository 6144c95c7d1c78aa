//! The families about the recording, which are there while one is made.

use std::fmt;

use super::family::{Exposition, Family};
use crate::recording::RecordingSample;

const BYTES: Family = Family::counter(
    "evenkeel_record",
    "Bytes written to the file that --record names; absent without it.",
)
.in_bytes();
const DROPPED: Family = Family::counter(
    "evenkeel_record_dropped_ticks",
    "Ticks that are missing in the recording because the disk was too slow; absent without --record.",
);

/// Writes the families, if there is a recording.
pub(super) fn write(out: &mut Exposition<'_>, recording: Option<RecordingSample>) -> fmt::Result {
    let Some(recording) = recording else {
        return Ok(());
    };
    out.counter(&BYTES, recording.bytes)?;
    out.counter(&DROPPED, recording.dropped_ticks)
}
