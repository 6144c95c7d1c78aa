//! The texts of a process' configuration: files in its root, and what stands in its command line.

use std::io;
use std::path::{Path, PathBuf};

use evenkeel_balancers::source::Files;

use super::command_line::Told;
use super::rooted::Rooted;

/// Files as the process sees them. What its command line holds is read with the first file, as a document after it: Envoy
/// merges both, and lists of it, as of clusters, are appended.
pub(super) struct Texts<'a> {
    root: &'a Rooted,
    first: PathBuf,
    /// Whether the first text is a file.
    in_file: bool,
    inline: Option<&'a str>,
}

impl<'a> Texts<'a> {
    pub(super) fn new(root: &'a Rooted, pid: u32, told: &'a Told) -> Self {
        let file = told.paths.first();
        let line = || PathBuf::from(format!("command line of process {pid}"));
        Self {
            root,
            first: file.cloned().unwrap_or_else(line),
            in_file: file.is_some(),
            inline: told.inline.as_deref(),
        }
    }

    /// What the configuration begins with: a file, or a name for the command line.
    pub(super) fn first(&self) -> &Path {
        &self.first
    }
}

impl Files for Texts<'_> {
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let Some(inline) = self.inline.filter(|_| path == self.first) else {
            return self.root.read(path, limit);
        };
        let mut bytes = Vec::new();
        if self.in_file {
            bytes = self.root.read(path, limit)?;
            bytes.extend_from_slice(b"\n---\n");
        }
        bytes.extend_from_slice(inline.as_bytes());
        Ok(bytes)
    }

    fn glob(&self, pattern: &str, limit: usize) -> io::Result<Vec<PathBuf>> {
        self.root.glob(pattern, limit)
    }
}
