//! The processes of this host, as `/proc` shows them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, clock_gettime};

/// The processes at one moment.
#[derive(Debug)]
pub(super) struct Table(BTreeMap<u32, Process>);

/// A process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) parent: u32,
    /// The file name of its program; the name that the process gives itself where that may not be seen.
    pub(super) program: String,
    /// Its command line, which a process may overwrite with a title.
    pub(super) arguments: Vec<String>,
    pub(super) started: SystemTime,
}

impl Table {
    /// Reads all processes; those that end meanwhile are left out.
    pub(super) fn read() -> io::Result<Self> {
        let booted = booted();
        let mut table = BTreeMap::new();
        for entry in std::fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            if let Some(process) = Process::read(pid, booted) {
                table.insert(pid, process);
            }
        }
        Ok(Self(table))
    }

    /// All, ordered by id.
    pub(super) fn processes(&self) -> impl Iterator<Item = &Process> {
        self.0.values()
    }

    pub(super) fn get(&self, pid: u32) -> Option<&Process> {
        self.0.get(&pid)
    }
}

impl Process {
    fn read(pid: u32, booted: SystemTime) -> Option<Self> {
        let folder = folder(pid);
        let stat = std::fs::read_to_string(folder.join("stat")).ok()?;
        let line = std::fs::read(folder.join("cmdline")).ok()?;
        let stat = Stat::parse(&stat)?;
        let arguments = String::from_utf8_lossy(&line);
        Some(Self {
            pid,
            parent: stat.parent,
            program: program(&folder).unwrap_or(stat.name),
            arguments: arguments
                .trim_end_matches('\0')
                .split('\0')
                .map(str::to_owned)
                .collect(),
            started: booted + stat.started,
        })
    }

    /// Its first argument, which is the whole title where a process has set one.
    pub(super) fn title(&self) -> &str {
        self.arguments.first().map_or("", String::as_str)
    }

    /// The file that the program was loaded from, also if it was replaced since.
    pub(super) fn program_file(&self) -> PathBuf {
        folder(self.pid).join("exe")
    }

    /// The folder that relative paths of the process start from; as it was named when the process went there.
    pub(super) fn working_folder(&self) -> Option<PathBuf> {
        std::fs::read_link(folder(self.pid).join("cwd")).ok()
    }
}

pub(super) fn folder(pid: u32) -> PathBuf {
    Path::new("/proc").join(pid.to_string())
}

/// The file name of the program; a program that was replaced since is marked, and still goes by its name.
fn program(folder: &Path) -> Option<String> {
    let path = std::fs::read_link(folder.join("exe")).ok()?;
    let name = path.file_name().map(OsStr::to_string_lossy)?;
    Some(name.trim_end_matches(" (deleted)").to_owned())
}

/// When the system started, by the present setting of the clock.
fn booted() -> SystemTime {
    let up = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(up.tv_sec).unwrap_or(0);
    let nanoseconds = u32::try_from(up.tv_nsec).unwrap_or(0);
    let now = SystemTime::now();
    now.checked_sub(Duration::new(seconds, nanoseconds))
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

/// What is used of `/proc/<pid>/stat`; proc(5) has the fields.
struct Stat {
    name: String,
    parent: u32,
    /// After the system started.
    started: Duration,
}

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        // The name stands in brackets and may hold anything, brackets too.
        let (before, after) = text.rsplit_once(") ")?;
        let (_, name) = before.split_once('(')?;
        let mut fields = after.split_ascii_whitespace();
        let parent = fields.nth(1)?.parse().ok()?;
        // The 22nd field; two of those after the name are read.
        let ticks: u64 = fields.nth(17)?.parse().ok()?;
        let per_second = rustix::param::clock_ticks_per_second().max(1);
        Some(Self {
            name: name.to_owned(),
            parent,
            started: Duration::from_millis(ticks.saturating_mul(1000) / per_second),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_stat_is_read_whatever_the_name() {
        let line = "77 (a) b (c) S 12 77 77 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 250 0 0";
        let stat = Stat::parse(line).unwrap();
        assert_eq!((stat.name.as_str(), stat.parent), ("a) b (c", 12));
        let per_second = rustix::param::clock_ticks_per_second();
        assert_eq!(stat.started, Duration::from_millis(250_000 / per_second));
        assert!(Stat::parse("77 (cut off) S 12").is_none());
    }

    #[test]
    fn this_process_is_among_all() {
        let table = Table::read().unwrap();
        let own = table.get(std::process::id()).unwrap();
        let age = SystemTime::now().duration_since(own.started).unwrap();
        assert!(age < Duration::from_secs(600), "{age:?}");
        assert!(std::env::args().eq(own.arguments.iter().cloned()));
    }
}
