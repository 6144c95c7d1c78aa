//! Where something was written.

use serde::Serialize;

/// Which of the [`Sources`](super::Sources).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct FileId(u32);

impl FileId {
    pub(super) const fn new(index: u32) -> Self {
        Self(index)
    }

    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A stretch of one text, on one line.
///
/// Ordered by file, then by position. 32 bits suffice: [`Limits`](super::Limits) keep texts far below 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Place {
    /// In which text.
    pub file: FileId,
    /// Offset of its first byte.
    #[serde(skip)]
    pub start: u32,
    /// Counted from 1.
    pub line: u32,
    /// In characters, counted from 1.
    pub column: u32,
    /// In characters; at least 1.
    pub length: u32,
}

impl Place {
    /// The beginning of a text: the place of what a text as a whole says, or fails to say.
    pub const fn top(file: FileId) -> Self {
        Self {
            file,
            start: 0,
            line: 1,
            column: 1,
            length: 1,
        }
    }
}
