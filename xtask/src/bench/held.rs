//! What a process holds in the kernel and takes from the machine, as `/proc` tells it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

const BPF_PROG_TYPE_SOCK_OPS: u64 = 13;

/// How often programs ran, and how long that took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Runs {
    /// Runs.
    pub(super) count: u64,
    /// Nanoseconds; only while [`super::bpf::RunTimes`] is alive.
    pub(super) nanos: u64,
}

impl Runs {
    /// What came since `earlier`.
    pub(super) fn since(self, earlier: Self) -> Self {
        Self {
            count: self.count.saturating_sub(earlier.count),
            nanos: self.nanos.saturating_sub(earlier.nanos),
        }
    }
}

/// The runs of all eBPF programs that a process holds, summed.
pub(super) fn runs(pid: u32) -> Result<Runs> {
    let programs = descriptors(pid, |info| {
        let runs = Runs {
            count: field(info, "run_cnt")?,
            nanos: field(info, "run_time_ns")?,
        };
        Some((field(info, "prog_id")?, runs))
    })?;
    Ok(programs.values().fold(Runs::default(), |sum, runs| Runs {
        count: sum.count + runs.count,
        nanos: sum.nanos + runs.nanos,
    }))
}

/// The kernel's id of the `sock_ops` program that a process holds.
pub(super) fn hook(pid: u32) -> Result<u32> {
    let programs = descriptors(pid, |info| {
        let id = field(info, "prog_id")?;
        (field(info, "prog_type")? == BPF_PROG_TYPE_SOCK_OPS).then_some((id, ()))
    })?;
    let id = programs
        .keys()
        .next()
        .context("the process has no program on the hook")?;
    Ok(u32::try_from(*id)?)
}

/// The kernel memory of all eBPF maps that a process holds, in bytes.
pub(super) fn map_memory(pid: u32) -> Result<u64> {
    let maps = descriptors(pid, |info| {
        Some((field(info, "map_id")?, field(info, "memlock")?))
    })?;
    Ok(maps.values().sum())
}

/// What `read` finds in the process' descriptors, by a number of which each counts once.
fn descriptors<T>(pid: u32, read: impl Fn(&str) -> Option<(u64, T)>) -> Result<BTreeMap<u64, T>> {
    let folder = format!("/proc/{pid}/fdinfo");
    let listed = fs::read_dir(&folder).with_context(|| format!("cannot list {folder}"))?;
    let texts = listed
        .flatten()
        .filter_map(|entry| fs::read_to_string(entry.path()).ok());
    Ok(texts.filter_map(|text| read(&text)).collect())
}

fn field(info: &str, name: &str) -> Option<u64> {
    let value = info
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    value.trim().parse().ok()
}

/// CPU time of a process in seconds, threads that have ended included.
pub(super) fn cpu_time(pid: u32) -> Result<f64> {
    // `clock_getcpuclockid(3)`: the inverted id, shifted, with the type of clock (2: scheduler) in the lowest bits.
    let clock = (!pid.cast_signed() << 3) | 2;
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` outlives the call.
    if unsafe { libc::clock_gettime(clock, &raw mut time) } != 0 {
        bail!(
            "process {pid} has no CPU clock: {}",
            std::io::Error::last_os_error()
        );
    }
    Ok(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
}

/// CPU time of the threads of this name in seconds.
pub(super) fn thread_time(pid: u32, name: &str) -> Result<f64> {
    let mut nanos = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
        let read = |file| fs::read_to_string(task.path().join(file));
        if read("comm").is_ok_and(|comm| comm.trim() == name) {
            let times = read("schedstat")?;
            let running = times.split(' ').next().unwrap_or_default();
            nanos += running
                .parse::<u64>()
                .with_context(|| format!("not times: {times:?}"))?;
        }
    }
    Ok(nanos as f64 / 1e9)
}

/// Memory of a process in user space, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    /// Resident now.
    pub(super) now: u64,
    /// The most that ever was, since the start or [`forget_peak`].
    pub(super) peak: u64,
}

/// The memory of a process.
pub(super) fn memory(pid: u32) -> Result<Memory> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let bytes = |name| -> Result<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let line = line.with_context(|| format!("no {name} in the status of process {pid}"))?;
        let kilobytes = line.trim_start_matches(':').trim().trim_end_matches(" kB");
        Ok(kilobytes.parse::<u64>()? * 1024)
    };
    Ok(Memory {
        now: bytes("VmRSS")?,
        peak: bytes("VmHWM")?,
    })
}

/// Lets the peak begin anew (`proc_pid_clear_refs(5)`).
pub(super) fn forget_peak(pid: u32) -> Result<()> {
    let file = PathBuf::from(format!("/proc/{pid}/clear_refs"));
    fs::write(&file, "5").with_context(|| format!("cannot write {}", file.display()))
}
