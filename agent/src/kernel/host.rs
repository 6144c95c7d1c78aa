//! What this host offers: kernel version, cgroup hierarchy, network namespace.

use std::fs::{self, File};
use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::model::NetnsCookie;

/// The oldest kernel that has all that is needed: `bpf_get_netns_cookie` for socket hooks and locked socket walks.
pub const OLDEST_KERNEL: KernelVersion = KernelVersion(5, 15);

/// A kernel's version, without the patch level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KernelVersion(pub u32, pub u32);

impl KernelVersion {
    /// The running kernel's; `None` if it calls itself something that does not begin with a version.
    pub fn running() -> Option<Self> {
        let release = rustix::system::uname();
        Self::parse(release.release().to_str().ok()?)
    }

    /// From a release such as `6.12.100+deb12-cloud-amd64`.
    fn parse(release: &str) -> Option<Self> {
        let mut parts = release.split(|c: char| !c.is_ascii_digit());
        Some(Self(
            parts.next()?.parse().ok()?,
            parts.next()?.parse().ok()?,
        ))
    }
}

impl std::fmt::Display for KernelVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// Why the root of the cgroup v2 hierarchy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    /// The list of mounts is not readable: /proc is missing.
    #[error("cannot read /proc/self/mountinfo")]
    Mounts(#[source] io::Error),
    /// Only cgroup v1, or nothing, is mounted.
    #[error(
        "no cgroup v2 hierarchy is mounted (the hook attaches to its root): boot with \
         systemd.unified_cgroup_hierarchy=1, or `mount -t cgroup2 none /sys/fs/cgroup/unified` and start again"
    )]
    NotMounted,
    /// The path does not exist or is not accessible.
    #[error("cannot open the cgroup {}", path.display())]
    Open {
        /// What was tried.
        path: PathBuf,
        /// Why it failed.
        #[source]
        error: io::Error,
    },
    /// The path is on another file system.
    #[error("{} is not a cgroup v2 directory", .0.display())]
    NotCgroup2(PathBuf),
    /// A child of the root, or the root of a container's namespace.
    #[error(
        "{} is not the root of the cgroup v2 hierarchy, but a part of it: connections of all other cgroups would be \
         missed. In a container, mount the host's cgroup2 root (`-v /sys/fs/cgroup:/sys/fs/cgroup:ro` with the host's \
         cgroup namespace) and name it with --cgroup",
        .0.display()
    )]
    NotRoot(PathBuf),
}

/// Whose connections are to be counted.
#[derive(Clone, Debug, Default)]
pub enum Extent {
    /// Those of the whole host.
    #[default]
    Host,
    /// The same; this is the root of its cgroup v2 hierarchy.
    HostAt(PathBuf),
    /// Those of this cgroup and the ones below it alone.
    Part(PathBuf),
}

impl From<Option<PathBuf>> for Extent {
    fn from(root: Option<PathBuf>) -> Self {
        root.map_or(Self::Host, Self::HostAt)
    }
}

/// The root of the host's cgroup v2 hierarchy, or of the part of it that is counted.
#[derive(Debug)]
pub struct CgroupRoot {
    /// Where it is mounted.
    pub path: PathBuf,
    /// Open for attaching.
    pub dir: File,
}

impl CgroupRoot {
    /// The cgroup to attach to; checked to be the root unless a part is wanted.
    pub fn of(extent: &Extent) -> Result<Self, CgroupError> {
        match extent {
            Extent::Host => Self::find(None),
            Extent::HostAt(path) => Self::find(Some(path)),
            Extent::Part(path) => Self::open(path),
        }
    }

    /// The one that is mounted, or the one that is named; checked to be the root either way.
    pub fn find(named: Option<&Path>) -> Result<Self, CgroupError> {
        if let Some(path) = named {
            return Self::open(path)?.checked();
        }
        let mounts = fs::read_to_string("/proc/self/mountinfo").map_err(CgroupError::Mounts)?;
        // In a container there may be two: the part that is its own, and the host's root.
        let mut refused = CgroupError::NotMounted;
        for point in cgroup2_mounts(&mounts) {
            match Self::open(&point).and_then(Self::checked) {
                Ok(root) => return Ok(root),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    fn open(path: &Path) -> Result<Self, CgroupError> {
        let failed = |error| CgroupError::Open {
            path: path.to_owned(),
            error,
        };
        let dir = File::open(path).map_err(failed)?;
        let kind = rustix::fs::fstatfs(&dir).map_err(|error| failed(error.into()))?;
        if kind.f_type != libc::CGROUP2_SUPER_MAGIC {
            return Err(CgroupError::NotCgroup2(path.to_owned()));
        }
        Ok(Self {
            path: path.to_owned(),
            dir,
        })
    }

    /// The same, if it is the root of the hierarchy.
    fn checked(self) -> Result<Self, CgroupError> {
        let number = self.dir.metadata().map(|metadata| metadata.ino());
        // The kernel numbers the root of the real hierarchy 1; a namespace's root keeps its own number.
        match number {
            Ok(1) => Ok(self),
            Ok(_) => Err(CgroupError::NotRoot(self.path)),
            Err(error) => Err(CgroupError::Open {
                path: self.path,
                error,
            }),
        }
    }
}

/// The mount points of the cgroup2 file system. What each shows is not told apart here: in a cgroup namespace the host's root
/// goes by a name such as `/../..`. (Format: `proc_pid_mountinfo(5)`: the mount point is the fifth field.)
fn cgroup2_mounts(mountinfo: &str) -> impl Iterator<Item = PathBuf> {
    mountinfo.lines().filter_map(|line| {
        let (mount, kind) = line.split_once(" - ")?;
        let point = mount.split(' ').nth(4)?;
        kind.starts_with("cgroup2 ")
            .then(|| PathBuf::from(unescape(point)))
    })
}

/// Spaces and the like stand as octal escapes in mountinfo.
fn unescape(field: &str) -> String {
    field
        .replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\134", "\\")
}

/// Whether this process sees all processes of the host, and so all network namespaces.
pub fn in_initial_pid_namespace() -> bool {
    // The kernel's PROC_PID_INIT_INO: the initial PID namespace's inode is fixed.
    const INITIAL: u64 = 0xEFFF_FFFC;
    fs::metadata("/proc/self/ns/pid").is_ok_and(|namespace| namespace.ino() == INITIAL)
}

/// The cookie of the calling thread's network namespace (`SO_NETNS_COOKIE`, Linux 5.14).
pub fn netns_cookie() -> io::Result<NetnsCookie> {
    // A socket that sends nothing; the address does not matter.
    let socket = UdpSocket::bind(("127.0.0.1", 0))
        .or_else(|_no_ipv4| UdpSocket::bind(("::1", 0)))
        .or_else(|_no_loopback| UdpSocket::bind(("0.0.0.0", 0)))?;
    let mut cookie = 0_u64;
    let mut length = libc::socklen_t::try_from(size_of::<u64>()).map_err(io::Error::other)?;
    // SAFETY: the socket is open, and the option writes eight bytes at most into the eight of `cookie`.
    let outcome = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            SO_NETNS_COOKIE,
            (&raw mut cookie).cast(),
            &raw mut length,
        )
    };
    if outcome != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(NetnsCookie(cookie))
}

/// From the kernel's `asm-generic/socket.h`.
const SO_NETNS_COOKIE: libc::c_int = 71;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_releases() {
        assert_eq!(
            KernelVersion::parse("6.12.100+deb12-cloud-amd64"),
            Some(KernelVersion(6, 12))
        );
        assert_eq!(KernelVersion::parse("5.15"), Some(KernelVersion(5, 15)));
        assert_eq!(KernelVersion::parse("linux"), None);
        assert!(KernelVersion(6, 1) > OLDEST_KERNEL && KernelVersion(5, 10) < OLDEST_KERNEL);
    }

    #[test]
    fn cgroup2_is_found_behind_the_v1_mounts() {
        let mounts = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
                      32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
                      41 31 0:38 /docker/x /mnt/part rw shared:1 - cgroup2 cgroup2 rw\n\
                      41 31 0:38 / /sys/fs/cgroup/uni\\040fied rw shared:1 - cgroup2 cgroup2 rw\n";
        let found: Vec<PathBuf> = cgroup2_mounts(mounts).collect();
        assert_eq!(
            found,
            [Path::new("/mnt/part"), Path::new("/sys/fs/cgroup/uni fied")]
        );
        let v1 = "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n";
        assert_eq!(cgroup2_mounts(v1).next(), None);
    }
}
