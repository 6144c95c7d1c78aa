//! What the lab's own tests share.
#![allow(dead_code, reason = "every test binary uses its own part of this")]

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use evenkeel_lab::wait::wait_until;

/// Long enough for anything that happens at all.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// One test at a time: they measure, and they look for left-overs of this process.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The namespaces of this process.
pub(crate) fn namespaces() -> Vec<String> {
    let prefix = format!("ek-{}-", std::process::id());
    let listed = Command::new("ip").args(["netns", "list"]).output().unwrap();
    let names = String::from_utf8(listed.stdout).unwrap();
    names
        .lines()
        .filter(|line| line.starts_with(&prefix))
        .map(str::to_owned)
        .collect()
}

/// Links of the kind veth in the namespace of the test.
pub(crate) fn veths() -> String {
    let listed = Command::new("ip")
        .args(["-oneline", "link", "show", "type", "veth"])
        .output()
        .unwrap();
    String::from_utf8(listed.stdout).unwrap()
}

/// The processes whose parent is `parent`.
pub(crate) fn children(parent: u32) -> Vec<u32> {
    let pids = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let folder = entry.unwrap().path();
        let stat = std::fs::read_to_string(folder.join("stat")).ok()?;
        let found = stat
            .rsplit(')')
            .next()?
            .split_whitespace()
            .nth(1)?
            .parse::<u32>()
            .ok()?;
        (found == parent).then(|| folder.file_name()?.to_str()?.parse().ok())?
    });
    pids.collect()
}

/// Asserts that nothing of the test remains: namespaces, links, child processes, and the given processes.
pub(crate) fn assert_nothing_left(veths_before: &str, processes: &[u32]) {
    assert_eq!(namespaces(), Vec::<String>::new());
    assert_eq!(veths(), veths_before);
    assert_eq!(children(std::process::id()), Vec::<u32>::new());
    let gone = || {
        processes
            .iter()
            .all(|pid| !Path::new("/proc").join(pid.to_string()).exists())
    };
    wait_until(
        DEADLINE,
        &format!("the processes {processes:?} to be gone"),
        gone,
    )
    .unwrap();
}
