//! What each thread of this process may do, by what the kernel says of it.

use std::fs;
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::{Kept, PrivilegesError};
use crate::kernel::Capabilities;

/// How long a thread that has ended may stay in the list.
const LINGERING: Duration = Duration::from_secs(2);

/// What a thread may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// Capabilities in force.
    pub effective: Capabilities,
    /// Capabilities that it can put in force.
    pub permitted: Capabilities,
    /// Capabilities that programs may inherit.
    pub inheritable: Capabilities,
    /// Capabilities that programs could get.
    pub bounding: Capabilities,
    /// Capabilities that programs would have.
    pub ambient: Capabilities,
    /// Whether starting a program never gives rights.
    pub no_new_privs: bool,
    /// Whether system calls are filtered.
    pub filtered: bool,
}

/// The standing of all threads of a process.
///
/// # Errors
/// If `/proc` does not tell.
pub fn standings(process: &Path) -> io::Result<Vec<Standing>> {
    let mut found = Vec::new();
    for thread in fs::read_dir(process.join("task"))? {
        match fs::read_to_string(thread?.path().join("status")) {
            Ok(status) => found.push(Standing::parse(&status).ok_or_else(|| {
                io::Error::other("/proc/<pid>/task/<tid>/status has not what it should")
            })?),
            // It has ended meanwhile.
            Err(error) if gone(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

fn gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ESRCH)
}

/// Makes sure that no thread can do more than was kept.
///
/// # Errors
/// If one can.
pub fn check_threads(kept: &Kept) -> Result<(), PrivilegesError> {
    let deadline = Instant::now() + LINGERING;
    loop {
        let all = standings(Path::new("/proc/self")).map_err(PrivilegesError::Unknown)?;
        let Some((name, what)) = all
            .iter()
            .find_map(|one| Some((&one.name, one.left(kept)?)))
        else {
            return Ok(());
        };
        // The loader is waited for, and still may be in the list for a moment.
        if Instant::now() >= deadline {
            let name = name.clone();
            return Err(PrivilegesError::Left { name, what });
        }
        thread::sleep(Duration::from_millis(1));
    }
}

impl Standing {
    fn parse(status: &str) -> Option<Self> {
        let set = |name| Capabilities::of_status(status, name);
        let word = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.trim())
        };
        Some(Self {
            name: word("Name:")?.to_owned(),
            effective: set("CapEff")?,
            permitted: set("CapPrm")?,
            inheritable: set("CapInh")?,
            bounding: set("CapBnd")?,
            ambient: set("CapAmb")?,
            no_new_privs: word("NoNewPrivs:")? == "1",
            filtered: word("Seccomp:") == Some("2"),
        })
    }

    /// What the thread can do beyond what was kept.
    fn left(&self, kept: &Kept) -> Option<String> {
        let kept = kept.capabilities();
        let sets = [
            ("effective", self.effective, kept),
            ("permitted", self.permitted, kept),
            ("inheritable", self.inheritable, Capabilities::default()),
            ("ambient", self.ambient, Capabilities::default()),
        ];
        let more = sets
            .iter()
            .find(|(_, has, may)| has.bits() & !may.bits() != 0);
        if let Some((set, has, _)) = more {
            return Some(format!("{set} capabilities {:#x}", has.bits()));
        }
        if !self.no_new_privs {
            return Some("programs could give it new ones".to_owned());
        }
        (!self.filtered).then(|| "all system calls".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tevenkeel-tick\nCapInh:\t0000000000000000\nCapPrm:\t0000000000000000\n\
                          CapEff:\t0000000000000000\nCapBnd:\t000000c000001000\nCapAmb:\t0000000000000000\n\
                          NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t2\n";

    #[test]
    fn a_thread_with_anything_left_is_told() {
        let kept = Kept::default();
        assert_eq!(Standing::parse(STATUS).unwrap().left(&kept), None);
        for (from, to, left) in [
            (
                "CapPrm:\t0000000000000000",
                "CapPrm:\t0000000000200000",
                "permitted capabilities 0x200000",
            ),
            (
                "CapAmb:\t0000000000000000",
                "CapAmb:\t0000000000000001",
                "ambient capabilities 0x1",
            ),
            (
                "NoNewPrivs:\t1",
                "NoNewPrivs:\t0",
                "programs could give it new ones",
            ),
            ("Seccomp:\t2", "Seccomp:\t0", "all system calls"),
        ] {
            let status = Standing::parse(&STATUS.replace(from, to)).unwrap();
            assert_eq!(status.left(&kept).as_deref(), Some(left));
        }
    }

    #[test]
    fn all_threads_of_this_process_are_seen() {
        let (started, go_on) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
        thread::scope(|scope| {
            let named = thread::Builder::new().name("looked-at".to_owned());
            let wait = || {
                started.wait();
                go_on.wait();
            };
            named.spawn_scoped(scope, wait).unwrap();
            started.wait();
            let all = standings(Path::new("/proc/self")).unwrap();
            go_on.wait();
            assert!(all.iter().any(|one| one.name == "looked-at"), "{all:?}");
        });
    }
}
