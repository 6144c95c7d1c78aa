//! The files of a folder that may be configurations, within bounds.

use std::io;
use std::path::{Path, PathBuf};

/// The most files that are looked at.
const MOST_FILES: usize = 10_000;
/// How deep folders may be within each other.
const MOST_DEPTH: usize = 16;

/// Ends of names that are documents, or copies that no balancer reads.
const PASSED_OVER: [&str; 12] = [
    "~",
    ".md",
    ".rst",
    ".txt",
    ".html",
    ".log",
    ".bak",
    ".orig",
    ".rej",
    ".dpkg-old",
    ".dpkg-dist",
    ".rpmnew",
];

/// The files in `path` and the folders in it, sorted by path. Hidden ones are passed over, and links to folders are not
/// followed.
pub(super) fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![(path.to_owned(), 0)];
    while let Some((folder, depth)) = open.pop() {
        if depth > MOST_DEPTH {
            return Err(io::Error::other(format!(
                "folders in it are more than {MOST_DEPTH} deep; name the files"
            )));
        }
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with('.') || PASSED_OVER.iter().any(|end| name.ends_with(end)) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                open.push((entry.path(), depth + 1));
            } else if entry.path().is_file() {
                found.push(entry.path());
            }
        }
        if found.len() > MOST_FILES {
            return Err(io::Error::other(format!(
                "it holds more than {MOST_FILES} files; name the files"
            )));
        }
    }
    found.sort();
    Ok(found)
}
