//! The standard `process_*` families, from `/proc/self`.

use std::fmt;
use std::fs;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::family::{Exposition, Family};

const CPU: Family = Family::counter(
    "process_cpu",
    "Total user and system CPU time spent by the agent.",
)
.in_seconds();
const RESIDENT: Family =
    Family::gauge("process_resident_memory", "Resident memory of the agent.").in_bytes();
const VIRTUAL: Family =
    Family::gauge("process_virtual_memory", "Virtual memory of the agent.").in_bytes();
const OPEN_FDS: Family = Family::gauge(
    "process_open_fds",
    "File descriptors that the agent has open.",
);
const MAX_FDS: Family = Family::gauge(
    "process_max_fds",
    "File descriptors that the agent may have open.",
);
const START_TIME: Family = Family::gauge(
    "process_start_time",
    "When the agent started, since the Unix epoch.",
)
.in_seconds();

/// What the host says of this process. A figure that cannot be read (no `/proc`) is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Process {
    /// User and system CPU time.
    pub cpu: Option<Duration>,
    /// Resident memory in bytes.
    pub resident: Option<u64>,
    /// Virtual memory in bytes.
    pub virtual_size: Option<u64>,
    /// Open file descriptors.
    pub open_fds: Option<u64>,
    /// The limit on open file descriptors; `None` also when there is no limit.
    pub max_fds: Option<u64>,
    /// When it started, in seconds since the Unix epoch.
    pub started: Option<f64>,
}

impl Process {
    /// Reads the figures; `booted` is what [`boot_time`] gave.
    pub fn sample(booted: Option<u64>) -> Self {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let page = rustix::param::page_size() as u64;
        let ticks_per_second = rustix::param::clock_ticks_per_second() as f64;
        let started = stat_field(&stat, 22).zip(booted);
        Self {
            cpu: Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).ok(),
            resident: stat_field(&stat, 24).map(|pages| pages * page),
            virtual_size: stat_field(&stat, 23),
            open_fds: open_fds(),
            max_fds: getrlimit(Resource::Nofile).current,
            started: started.map(|(ticks, booted)| booted as f64 + ticks as f64 / ticks_per_second),
        }
    }

    /// Writes the families of the figures that are known.
    pub(super) fn write(&self, out: &mut Exposition<'_>) -> fmt::Result {
        if let Some(cpu) = self.cpu {
            out.counter(&CPU, cpu.as_secs_f64())?;
        }
        for (family, value) in [
            (&RESIDENT, self.resident),
            (&VIRTUAL, self.virtual_size),
            (&OPEN_FDS, self.open_fds),
            (&MAX_FDS, self.max_fds),
        ] {
            if let Some(value) = value {
                out.gauge(family, value)?;
            }
        }
        match self.started {
            Some(started) => out.gauge(&START_TIME, started),
            None => Ok(()),
        }
    }
}

/// When the host booted, in seconds since the Unix epoch. Read once: `/proc/stat` is long on hosts with many CPUs.
pub fn boot_time() -> Option<u64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let line = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    line.trim().parse().ok()
}

/// Field `number` of `/proc/self/stat`, counted from 1 as in `proc_pid_stat(5)`.
fn stat_field(stat: &str, number: usize) -> Option<u64> {
    // The second field is the command in parentheses, which may itself contain spaces and parentheses.
    let (_, after_command) = stat.rsplit_once(") ")?;
    after_command
        .split_ascii_whitespace()
        .nth(number.checked_sub(3)?)?
        .parse()
        .ok()
}

fn open_fds() -> Option<u64> {
    let entries = fs::read_dir("/proc/self/fd").ok()?.count() as u64;
    // One of them was open only to list the others.
    Some(entries.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_past_a_hostile_command_name() {
        let stat = "7 (a) b) (c) S 4 5 6 7";
        assert_eq!(stat_field(stat, 4), Some(4));
        assert_eq!(stat_field(stat, 7), Some(7));
        assert_eq!(stat_field(stat, 8), None);
        assert_eq!(stat_field("", 4), None);
    }

    #[test]
    fn figures_are_plausible() {
        let process = Process::sample(boot_time());
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs_f64();
        let started = process.started.unwrap();
        assert!(
            started <= now + 2.0 && started > now - 3600.0,
            "{started} against {now}"
        );
        assert!(process.cpu.unwrap() > Duration::ZERO);
        assert!(process.resident.unwrap() > 100_000);
        assert!(process.virtual_size >= process.resident);
        assert!(process.open_fds.unwrap() >= 3);
    }
}
