//! Upgrading and removing: what stays, and what does not.

use std::fs;

use anyhow::{Result, ensure};

use super::installing::version;
use super::running::OWN;
use super::traffic::{REQUESTS, await_opened, traffic};
use crate::dist::deb_version;
use crate::package::Packages;
use crate::package::machine::Machine;
use crate::package::service::{CONFIGURATION, pid, wait_ready};

/// The administrator's configuration and the incidents stay, the new program counts.
pub(in crate::package) fn upgrade(machine: &Machine, packages: &Packages) -> Result<()> {
    let before = pid(machine)?;
    let incidents = "/var/lib/evenkeel/incidents.jsonl";
    ensure!(machine.path(incidents).exists(), "no incidents are kept");
    machine.run(&["dpkg", "--install", &packages.later])?;
    ensure!(version(machine)? == deb_version(1));
    ensure!(
        fs::read_to_string(machine.path(CONFIGURATION))? == OWN,
        "not as it was"
    );
    ensure!(machine.path(incidents).exists(), "the incidents are gone");
    wait_ready(machine)?;
    ensure!(pid(machine)? != before, "the old program still runs");
    traffic(machine)?;
    await_opened(machine, "own", REQUESTS / 2)
}

/// The service ends with all that it had in the kernel; what the administrator wrote stays.
pub(in crate::package) fn remove(machine: &Machine, _packages: &Packages) -> Result<()> {
    ensure!(attached(machine)?, "nothing is attached while it runs");
    let before = pid(machine)?;
    machine.run(&["dpkg", "--remove", "evenkeel"])?;
    ensure!(
        !machine.path(&format!("/proc/{before}")).exists(),
        "it still runs"
    );
    ensure!(!attached(machine)?, "its program is still attached");
    for gone in ["/usr/bin/evenkeel", "/lib/systemd/system/evenkeel.service"] {
        ensure!(!machine.path(gone).exists(), "{gone} is still there");
    }
    ensure!(
        fs::read_to_string(machine.path(CONFIGURATION))? == OWN,
        "not as it was"
    );
    Ok(())
}

/// Whether an agent's program is attached to the host's root cgroup.
fn attached(machine: &Machine) -> Result<bool> {
    let shown = machine.run(&["bpftool", "cgroup", "show", "/host-cgroup"])?;
    Ok(shown.contains("evenkeel"))
}

/// Nothing is left but the user.
pub(in crate::package) fn purge(machine: &Machine, _packages: &Packages) -> Result<()> {
    machine.run(&["dpkg", "--purge", "evenkeel"])?;
    for gone in ["/etc/evenkeel", "/var/lib/evenkeel"] {
        ensure!(!machine.path(gone).exists(), "{gone} is still there");
    }
    machine.run(&["id", "evenkeel"])?;
    Ok(())
}
