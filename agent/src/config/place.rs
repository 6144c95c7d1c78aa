//! Values that know where they were written.

use serde::{Deserialize, Deserializer};
use serde_saphyr::{Location, Spanned};

/// A stretch of the configuration text.
///
/// 32 bits suffice: a file is at most [`MAX_BYTES`](super::file::MAX_BYTES) long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Counted from 1.
    pub(super) line: u32,
    /// In characters, counted from 1.
    pub(super) column: u32,
    /// In characters; 0 for a block mapping or list, of which only the start is known.
    pub(super) length: u32,
    /// Offset of the first byte; `None` where the parser states none (syntax errors).
    pub(super) start: Option<u32>,
    /// In bytes; 0 where `start` is `None`.
    bytes: u32,
}

impl Place {
    /// One character, at a line and column counted from 1 and a byte offset.
    pub(super) fn point(line: usize, column: usize, start: usize) -> Self {
        Self {
            line: narrow(line as u64),
            column: narrow(column as u64),
            length: 1,
            start: Some(narrow(start as u64)),
            bytes: 0,
        }
    }

    /// What is written here; empty if the parser stated no offset.
    pub(super) fn text(self, source: &str) -> &str {
        let Some(start) = self.start else { return "" };
        let start = start as usize;
        source
            .get(start..start + self.bytes as usize)
            .unwrap_or_default()
    }
}

impl From<Location> for Place {
    fn from(location: Location) -> Self {
        let span = location.span();
        Self {
            line: narrow(location.line()),
            column: narrow(location.column()),
            length: narrow(span.len()),
            start: span.byte_offset().map(narrow),
            bytes: span.byte_len().map_or(0, narrow),
        }
    }
}

/// Saturates; nothing in a file of at most [`MAX_BYTES`](super::file::MAX_BYTES) comes near.
fn narrow(wide: u64) -> u32 {
    u32::try_from(wide).unwrap_or(u32::MAX)
}

/// A value and where it was written; for a YAML alias, where the anchored value was.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    /// What was written.
    pub(super) value: T,
    /// Where.
    pub(super) place: Place,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<T>::deserialize(deserializer)?;
        Ok(Self {
            value: spanned.value,
            place: spanned.defined.into(),
        })
    }
}
