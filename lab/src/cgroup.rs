//! The cgroup v2 hierarchy of this machine.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

/// Where its root is mounted. (Format: `proc_pid_mountinfo(5)`: the root is the fourth field, the mount point the fifth.)
pub fn root() -> Result<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let point = mounts.lines().find_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        let mut fields = place.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        (kind.starts_with("cgroup2 ") && root == "/").then_some(point)
    });
    point
        .map(PathBuf::from)
        .context("no cgroup v2 hierarchy is mounted")
}
