//! On what the bench runs, and how quiet it is there.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use crate::shell::output;

/// A load average above this means that others use the machine.
const QUIET: f64 = 0.5;

/// The machine and the time, in one sentence.
pub(super) fn describe() -> Result<String> {
    let cpus = fs::read_to_string("/proc/cpuinfo").context("no /proc/cpuinfo")?;
    let field = |name| {
        cpus.lines()
            .find_map(|line| line.strip_prefix(name)?.split_once(": "))
    };
    let model = field("model name").map_or("unknown processor", |(_, model)| model);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let virtual_machine = cpus.contains("hypervisor");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let date = output(Command::new("date").args(["-u", "+%Y-%m-%d %H:%M UTC"]))?;
    Ok(format!(
        "{model}, {cores} cores{}, Linux {}, {}",
        if virtual_machine {
            " (virtual machine)"
        } else {
            ""
        },
        kernel.trim(),
        date.trim()
    ))
}

/// A warning if others use the machine.
pub(super) fn busy() -> Result<Option<String>> {
    let load = fs::read_to_string("/proc/loadavg")?;
    let load: f64 = load.split(' ').next().unwrap_or_default().parse()?;
    Ok((load > QUIET).then(|| format!("the load average was {load:.1} before the run")))
}

/// The same, and a warning if programs on the hook would be measured too.
pub(super) fn disturbances() -> Result<Option<String>> {
    let others = super::bpf::programs_on_the_hook()?;
    let mut warnings = Vec::from_iter(busy()?);
    if others > 0 {
        warnings.push(format!("{others} other sock_ops programs were attached"));
    }
    Ok((!warnings.is_empty()).then(|| warnings.join("; ")))
}

/// The kernel's tracing directory, which the peers need; unmounted again if it was not mounted before.
pub(super) struct Tracing {
    mounted_here: bool,
}

const TRACING: &str = "/sys/kernel/tracing";

impl Tracing {
    /// Makes sure that it is there.
    pub(super) fn mount() -> Result<Self> {
        let mounted_here = !Path::new(TRACING).join("events").exists();
        if mounted_here {
            mount("tracefs", TRACING, "tracefs", MountFlags::empty(), None)
                .with_context(|| format!("cannot mount tracefs at {TRACING}"))?;
        }
        Ok(Self { mounted_here })
    }
}

impl Drop for Tracing {
    fn drop(&mut self) {
        if self.mounted_here
            && let Err(error) = unmount(TRACING, UnmountFlags::empty())
        {
            eprintln!("cannot unmount {TRACING}: {error}");
        }
    }
}
