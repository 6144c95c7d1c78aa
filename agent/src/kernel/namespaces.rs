//! The host's network namespaces, and running code in each.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Finds the network namespaces that this process can name: those of all visible processes, and those kept by mounts.
///
/// The list is kept from call to call so that finding them again allocates little; a namespace is held open only
/// while it is visited, for an open one would not go away when its last process does.
#[derive(Debug, Default)]
pub(super) struct Namespaces {
    seen: HashSet<u64>,
    paths: Vec<PathBuf>,
    hidden: u64,
}

/// How a visit of all namespaces went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Visited {
    /// Namespaces in which the work was done.
    pub(super) done: u64,
    /// Namespaces that could not be entered, or in which the work failed.
    pub(super) failed: u64,
    /// Processes whose namespace may not be looked at, for lack of `CAP_SYS_PTRACE`: it may be one that nothing else shows.
    pub(super) hidden: u64,
}

impl Namespaces {
    /// Does `work` once in each namespace, on the calling thread, which is back in its own afterwards.
    ///
    /// # Errors
    /// If the thread's own namespace cannot be opened, or cannot be returned to.
    pub(super) fn visit(
        &mut self,
        mut work: impl FnMut() -> io::Result<()>,
    ) -> io::Result<Visited> {
        let own = File::open("/proc/thread-self/ns/net")?;
        self.find(own.metadata()?.ino());
        let mut visited = Visited {
            hidden: self.hidden,
            ..Visited::default()
        };
        // The own namespace needs no privilege to be in.
        count(&mut visited, work());
        let mut elsewhere = false;
        for path in &self.paths {
            let namespace = match File::open(path) {
                Ok(namespace) => namespace,
                // The process ended since it was listed, and took its namespace along.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(_denied) => {
                    visited.failed += 1;
                    continue;
                }
            };
            match enter(&namespace) {
                Ok(()) => {
                    elsewhere = true;
                    count(&mut visited, work());
                }
                Err(_denied) => visited.failed += 1,
            }
        }
        if elsewhere {
            enter(&own)?;
        }
        Ok(visited)
    }

    /// Lists one path for each namespace but the own one.
    fn find(&mut self, own: u64) {
        self.seen.clear();
        self.seen.insert(own);
        self.paths.clear();
        self.hidden = 0;
        if let Ok(processes) = fs::read_dir("/proc") {
            for process in processes.flatten() {
                let name = process.file_name();
                if name
                    .as_encoded_bytes()
                    .first()
                    .is_some_and(u8::is_ascii_digit)
                {
                    self.note(process.path().join("ns/net"));
                }
            }
        }
        // `ip netns add` and container runtimes keep namespaces without a process by mounting them.
        if let Ok(mounts) = fs::read_to_string("/proc/self/mountinfo") {
            for point in mounts.lines().filter_map(netns_mount) {
                self.note(PathBuf::from(point));
            }
        }
    }

    fn note(&mut self, path: PathBuf) {
        match inode(&path) {
            Ok(inode) if self.seen.insert(inode) => self.paths.push(path),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => self.hidden += 1,
            // One that is known, or has ended meanwhile.
            Ok(_) | Err(_) => {}
        }
    }
}

fn count(visited: &mut Visited, outcome: io::Result<()>) {
    match outcome {
        Ok(()) => visited.done += 1,
        Err(_failed) => visited.failed += 1,
    }
}

fn enter(namespace: &File) -> io::Result<()> {
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
    Ok(())
}

/// A namespace's number; following the link asks the kernel for the namespace itself.
fn inode(path: &Path) -> io::Result<u64> {
    fs::metadata(path).map(|namespace| namespace.ino())
}

/// The mount point of a line of mountinfo, if it keeps a network namespace.
fn netns_mount(line: &str) -> Option<&str> {
    let mut fields = line.split(' ').skip(3);
    let (root, point) = (fields.next()?, fields.next()?);
    root.starts_with("net:[").then_some(point)
}
