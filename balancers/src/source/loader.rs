//! Reads the files of one configuration, within bounds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::files::Files;
use super::place::{FileId, Place};
use super::{Source, Sources};
use crate::error::{ReadError, Why};

/// How large a configuration may be. What exceeds them is an error, never a part silently left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The length of one file, in bytes.
    pub file_bytes: u64,
    /// The length of all texts together, in bytes; a file that is included twice counts twice.
    pub total_bytes: u64,
    /// How often files may be included, all together.
    pub inclusions: usize,
    /// How deep inclusions may be within each other.
    pub include_depth: usize,
    /// How deep blocks may be within each other, across files.
    pub block_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 8 << 20,
            total_bytes: 16 << 20,
            inclusions: 10_000,
            include_depth: 16,
            block_depth: 64,
        }
    }
}

/// Reads files, once each, and counts what was read.
pub struct Loader<'a> {
    files: &'a dyn Files,
    limits: Limits,
    sources: Sources,
    known: BTreeMap<PathBuf, FileId>,
    /// The files that are being read, each within the one before.
    open: Vec<FileId>,
    bytes: u64,
    inclusions: usize,
}

impl<'a> Loader<'a> {
    /// Nothing read yet.
    pub fn new(files: &'a dyn Files, limits: Limits) -> Self {
        Self {
            files,
            limits,
            sources: Sources::default(),
            known: BTreeMap::new(),
            open: Vec::new(),
            bytes: 0,
            inclusions: 0,
        }
    }

    /// The bounds.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The text of a file that was entered.
    pub fn source(&self, file: FileId) -> &Source {
        self.sources.get(file)
    }

    /// All texts, when all is read.
    pub fn into_sources(self) -> Sources {
        self.sources
    }

    /// The files that match a pattern.
    pub fn glob(&self, pattern: &str, by: Place) -> Result<Vec<PathBuf>, ReadError> {
        let most = self.limits.inclusions;
        let found = self
            .files
            .glob(pattern, most)
            .map_err(|error| self.error(by, Why::Unreadable(pattern.to_owned(), error)))?;
        if found.len() > most {
            return Err(self.error(by, Why::TooManyFiles(most)));
        }
        Ok(found)
    }

    /// Begins to read a file, included at `by`; [`leave`](Self::leave) ends it.
    pub fn enter(&mut self, path: &Path, by: Option<Place>) -> Result<FileId, ReadError> {
        let result = self.try_enter(path, by);
        result.map_err(|why| match by {
            Some(place) => self.error(place, why),
            None => ReadError::file(path.display().to_string(), why),
        })
    }

    fn try_enter(&mut self, path: &Path, by: Option<Place>) -> Result<FileId, Why> {
        if by.is_some() {
            self.inclusions += 1;
        }
        if self.inclusions > self.limits.inclusions {
            return Err(Why::TooManyFiles(self.limits.inclusions));
        }
        if self.open.len() > self.limits.include_depth {
            return Err(Why::TooDeepIncludes(self.limits.include_depth));
        }
        let file = match self.known.get(path) {
            Some(file) => *file,
            None => self.load(path)?,
        };
        if self.open.contains(&file) {
            return Err(Why::Cycle(path.display().to_string()));
        }
        self.bytes += self.sources.get(file).text.len() as u64;
        if self.bytes > self.limits.total_bytes {
            return Err(Why::TooManyBytes(self.limits.total_bytes));
        }
        self.open.push(file);
        Ok(file)
    }

    /// Ends the file that was entered last.
    pub fn leave(&mut self) {
        self.open.pop();
    }

    /// An error at a place in what was read.
    pub fn error(&self, place: Place, why: Why) -> ReadError {
        ReadError::at(&self.sources, place, why)
    }

    fn load(&mut self, path: &Path) -> Result<FileId, Why> {
        let limit = self.limits.file_bytes;
        let name = path.display().to_string();
        let bytes = self
            .files
            .read(path, limit)
            .map_err(|error| Why::Unreadable(name.clone(), error))?;
        if bytes.len() as u64 > limit {
            return Err(Why::TooLong(name, limit));
        }
        if bytes.contains(&0) {
            return Err(Why::Binary(name));
        }
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        };
        let file = self.sources.add(name, text);
        self.known.insert(path.to_owned(), file);
        Ok(file)
    }
}
