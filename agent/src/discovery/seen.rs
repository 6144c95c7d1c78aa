//! Which files a reading of a configuration has looked at, so that a change of any of them is noticed, those that it
//! includes and those that come to match its patterns too.
//!
//! Compared by content: times of files are too coarse to tell two writes shortly after another, and configurations are
//! small. The same files on another root (a container's) are compared in the same way.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use evenkeel_balancers::source::Files;

/// What was looked at, as it was then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    files: BTreeMap<(PathBuf, u64), Print>,
    patterns: BTreeMap<(String, usize), Print>,
}

/// A hash of what was read; `None` if it could not be.
type Print = Option<u64>;

impl Seen {
    /// Whether nothing of it has changed.
    pub(super) fn is_current(&self, files: &dyn Files) -> bool {
        let same_file = |((path, limit), print): (&(PathBuf, u64), &Print)| {
            print_of(&files.read(path, *limit)) == *print
        };
        let same_matches = |((pattern, limit), print): (&(String, usize), &Print)| {
            print_of(&files.glob(pattern, *limit)) == *print
        };
        self.files.iter().all(same_file) && self.patterns.iter().all(same_matches)
    }

    /// The files.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.keys().map(|(path, _)| path.as_path())
    }
}

fn print_of<T: Hash>(read: &io::Result<T>) -> Print {
    let content = read.as_ref().ok()?;
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    Some(hasher.finish())
}

/// Files that note what is looked at.
pub(super) struct Noted<'a> {
    files: &'a dyn Files,
    seen: RefCell<Seen>,
}

impl<'a> Noted<'a> {
    /// Nothing looked at yet.
    pub(super) fn new(files: &'a dyn Files) -> Self {
        Self {
            files,
            seen: RefCell::default(),
        }
    }

    /// All that was looked at.
    pub(super) fn into_seen(self) -> Seen {
        self.seen.into_inner()
    }
}

impl Files for Noted<'_> {
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let read = self.files.read(path, limit);
        let key = (path.to_owned(), limit);
        self.seen.borrow_mut().files.insert(key, print_of(&read));
        read
    }

    fn glob(&self, pattern: &str, limit: usize) -> io::Result<Vec<PathBuf>> {
        let found = self.files.glob(pattern, limit);
        let key = (pattern.to_owned(), limit);
        self.seen
            .borrow_mut()
            .patterns
            .insert(key, print_of(&found));
        found
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_balancers::source::MemoryFiles;

    use super::*;

    #[test]
    fn a_changed_a_new_and_a_missing_file_are_noticed() {
        let mut files = MemoryFiles::new().with("a.conf", "one").with("x/b", "two");
        let noted = Noted::new(&files);
        noted.read(Path::new("a.conf"), 100).unwrap();
        noted.glob("x/*", 100).unwrap();
        assert!(noted.read(Path::new("c.conf"), 100).is_err());
        let seen = noted.into_seen();
        assert!(seen.is_current(&files));

        let changed = files.clone().with("a.conf", "One");
        assert!(!seen.is_current(&changed));
        let grown = files.clone().with("x/c", "");
        assert!(!seen.is_current(&grown));
        files.insert("c.conf", "");
        assert!(!seen.is_current(&files));
    }
}
