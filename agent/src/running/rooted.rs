//! Files as another process sees them: its root, its mounts, its links.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use evenkeel_balancers::source::{Files, is_pattern, matches_name};
use rustix::fs::{CWD, Dir, Mode, OFlags, ResolveFlags, openat, openat2};

use super::process::folder;

/// The root folder of a process. Links are followed within it, absolute ones too: through the path `/proc/<pid>/root` they
/// would lead out of a container.
#[derive(Debug)]
pub(super) struct Rooted(OwnedFd);

impl Rooted {
    /// Opens the root of a process.
    pub(super) fn of(pid: u32) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = openat(CWD, folder(pid).join("root"), flags, Mode::empty())?;
        Ok(Self(root))
    }

    /// The root in which a process found a file when it started: its own, or the one that it had before it made another
    /// folder its root, as HAProxy does by `chroot`. That is known if it shares its mounts with this process.
    pub(super) fn holding(pid: u32, path: &Path) -> io::Result<Self> {
        let own = Self::of(pid)?;
        let shares_mounts = || {
            let mounts = |process: &Path| std::fs::read_link(process.join("ns/mnt")).ok();
            let theirs = mounts(&folder(pid));
            theirs.is_some() && theirs == mounts(Path::new("/proc/self"))
        };
        if own.open(path, OFlags::PATH).is_err() && shares_mounts() {
            return Self::of(std::process::id());
        }
        Ok(own)
    }

    /// A path by which this process reaches a file in the root, while what it is returned with is kept.
    pub(super) fn reach(&self, path: &Path) -> io::Result<(PathBuf, File)> {
        let file = self.open(path, OFlags::PATH)?;
        let number = std::os::fd::AsRawFd::as_raw_fd(&file);
        Ok((PathBuf::from(format!("/proc/self/fd/{number}")), file))
    }

    /// When a file was last changed.
    pub(super) fn modified(&self, path: &Path) -> io::Result<SystemTime> {
        self.open(path, OFlags::PATH)?.metadata()?.modified()
    }

    fn open(&self, path: &Path, flags: OFlags) -> io::Result<File> {
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let file = openat2(
            &self.0,
            path,
            flags | OFlags::CLOEXEC,
            Mode::empty(),
            resolve,
        )?;
        Ok(File::from(file))
    }

    /// The names in a folder that match. A folder that is not there, or no folder, holds nothing.
    fn names(&self, folder: &Path, pattern: &str) -> io::Result<Vec<PathBuf>> {
        let opened = match self.open(folder, OFlags::RDONLY | OFlags::DIRECTORY) {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(error),
            Err(_) => return Ok(Vec::new()),
        };
        let mut found = Vec::new();
        for entry in Dir::new(OwnedFd::from(opened))? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            let shown = name.to_string_lossy();
            if shown != "." && shown != ".." && matches_name(pattern, &shown) {
                found.push(folder.join(name));
            }
        }
        Ok(found)
    }
}

impl Files for Rooted {
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        // Looked at before it is opened for reading: a FIFO would wait for its writer.
        if !self.open(path, OFlags::PATH)?.metadata()?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        let file = self.open(path, OFlags::RDONLY | OFlags::NONBLOCK)?;
        let mut bytes = Vec::new();
        file.take(limit + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn glob(&self, pattern: &str, limit: usize) -> io::Result<Vec<PathBuf>> {
        let mut found = vec![PathBuf::new()];
        for part in Path::new(pattern).components() {
            let text = part.as_os_str().to_string_lossy();
            if matches!(part, Component::Normal(_)) && is_pattern(&text) {
                let mut matching = Vec::new();
                for folder in &found {
                    matching.extend(self.names(folder, &text)?);
                }
                found = matching;
            } else {
                for path in &mut found {
                    path.push(part);
                }
            }
        }
        found.retain(|path| self.open(path, OFlags::PATH).is_ok());
        found.sort();
        found.truncate(limit + 1);
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A root of our own: links in it that begin at `/` stay in it.
    #[test]
    fn absolute_links_stay_within_the_root() {
        let root = tempfile::tempdir().unwrap();
        let etc = root.path().join("etc/nginx");
        std::fs::create_dir_all(etc.join("enabled")).unwrap();
        std::fs::write(etc.join("site"), "inside").unwrap();
        std::os::unix::fs::symlink("/etc/nginx/site", etc.join("enabled/a")).unwrap();
        std::os::unix::fs::symlink("/nowhere", etc.join("enabled/broken")).unwrap();
        std::fs::write(etc.join("enabled/.hidden"), "").unwrap();
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let rooted = Rooted(openat(CWD, root.path(), flags, Mode::empty()).unwrap());

        let found = rooted.glob("/etc/nginx/enabled/*", 10).unwrap();
        assert_eq!(found, [PathBuf::from("/etc/nginx/enabled/a")]);
        assert_eq!(rooted.read(&found[0], 100).unwrap(), b"inside");
        assert!(rooted.read(Path::new("/etc/nginx"), 100).is_err());
        assert!(rooted.glob("/etc/none/*", 10).unwrap().is_empty());
    }
}
