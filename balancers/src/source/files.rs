//! Where texts come from: the host's files, or memory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::glob;

/// Reads files and finds them by pattern.
pub trait Files {
    /// The content of a file, or its first `limit` + 1 bytes if it is longer than `limit`.
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>>;

    /// The files that match a pattern of the shell (`*`, `?`, `[...]`), in the order of their names; at most `limit` + 1.
    /// None is no error.
    fn glob(&self, pattern: &str, limit: usize) -> io::Result<Vec<PathBuf>>;
}

/// The files of this host.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostFiles;

impl Files for HostFiles {
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        // Opening a FIFO would wait for its writer.
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        let mut bytes = Vec::new();
        File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn glob(&self, pattern: &str, limit: usize) -> io::Result<Vec<PathBuf>> {
        glob::on_host(pattern, limit)
    }
}

/// Texts in memory, by path: for tests, for standard input, and for dumps that hold several files.
#[derive(Clone, Debug, Default)]
pub struct MemoryFiles(BTreeMap<PathBuf, Vec<u8>>);

impl MemoryFiles {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more file.
    #[must_use]
    pub fn with(mut self, path: impl Into<PathBuf>, content: impl Into<Vec<u8>>) -> Self {
        self.insert(path, content);
        self
    }

    /// Adds a file, or replaces it.
    pub fn insert(&mut self, path: impl Into<PathBuf>, content: impl Into<Vec<u8>>) {
        self.0.insert(path.into(), content.into());
    }
}

impl Files for MemoryFiles {
    fn read(&self, path: &Path, _limit: u64) -> io::Result<Vec<u8>> {
        let found = self.0.get(path);
        found
            .cloned()
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn glob(&self, pattern: &str, limit: usize) -> io::Result<Vec<PathBuf>> {
        let matching = |path: &&PathBuf| glob::matches_path(pattern, path);
        Ok(self
            .0
            .keys()
            .filter(matching)
            .take(limit + 1)
            .cloned()
            .collect())
    }
}
