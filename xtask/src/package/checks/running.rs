//! Running: reloads, faults, and other settings.

use std::fs;

use anyhow::{Context, Result, ensure};

use super::installing::{documented, privileges};
use crate::package::Packages;
use crate::package::machine::Machine;
use crate::package::service::{configure, opened, pid, property, wait, wait_ready};

/// What the administrator has made of the configuration.
pub(super) const OWN: &str = "# Mine.
incidents: {directory: /var/lib/evenkeel}
pools:
  - {name: own, role: upstream, backends: [{address: '127.0.0.1:8091'}, {address: '127.0.0.1:8092'}]}
";

/// A good configuration is taken over by the same process, a wrong one is refused with its place.
pub(in crate::package) fn reload(machine: &Machine, _packages: &Packages) -> Result<()> {
    let before = pid(machine)?;
    configure(machine, OWN)?;
    machine.run(&["systemctl", "reload", "evenkeel"])?;
    wait(machine, "the pool of the new configuration", || {
        opened(machine, "own").map(|pool| pool.map(drop))
    })?;
    configure(machine, "pools:\n  - name: wrong\n")?;
    let (success, text) = machine.attempt(&["systemctl", "reload", "evenkeel"])?;
    ensure!(!success, "a wrong configuration was taken: {text}");
    let journal = machine.journal();
    ensure!(journal.contains("evenkeel.yaml:2:"), "no place: {journal}");
    ensure!(pid(machine)? == before, "it did not go on");
    ensure!(opened(machine, "own")?.is_some(), "the old pools are gone");
    configure(machine, OWN)?;
    machine.run(&["systemctl", "reload", "evenkeel"])?;
    Ok(())
}

/// It does not start with a wrong configuration, and is not tried again and again.
pub(in crate::package) fn wrong_configuration(
    machine: &Machine,
    _packages: &Packages,
) -> Result<()> {
    configure(machine, "pools: 1\n")?;
    let (success, text) = machine.attempt(&["systemctl", "restart", "evenkeel"])?;
    ensure!(!success, "it started: {text}");
    let (state, restarts) = (
        property(machine, "ActiveState")?,
        property(machine, "NRestarts")?,
    );
    ensure!(
        state == "failed" && restarts == "0",
        "{state}, {restarts} restarts"
    );
    configure(machine, OWN)?;
    machine.run(&["systemctl", "start", "evenkeel"])?;
    wait_ready(machine)
}

/// Its watchdog ends and restarts it.
pub(in crate::package) fn hang(machine: &Machine, _packages: &Packages) -> Result<()> {
    let before = pid(machine)?;
    machine.run(&["kill", "-STOP", &before.to_string()])?;
    wait(machine, "the service to be restarted", || {
        let now = pid(machine)?;
        Ok((now != 0 && now != before).then_some(()))
    })?;
    let restarts = property(machine, "NRestarts")?;
    ensure!(restarts == "1", "{restarts} restarts");
    let journal = machine.journal();
    ensure!(journal.contains("Watchdog timeout"), "{journal}");
    wait_ready(machine)
}

/// The settings that docs/install.md shows do what it says: it counts with fewer capabilities, and is let in where a group is.
pub(in crate::package) fn documented_settings(machine: &Machine, _: &Packages) -> Result<()> {
    let is_meant = |text: &str| text.contains("Capabilities=") || text.contains("Groups=");
    let settings = documented("ini", is_meant)?;
    ensure!(settings.len() == 2, "{settings:?}");
    let folder = machine.path("/etc/systemd/system/evenkeel.service.d");
    for (number, text) in settings.iter().enumerate() {
        fs::write(folder.join(format!("{number}.conf")), text)?;
    }
    machine.run(&["systemctl", "daemon-reload"])?;
    machine.run(&["systemctl", "restart", "evenkeel"])?;
    wait_ready(machine)?;
    let granted = property(machine, "AmbientCapabilities")?;
    ensure!(!granted.contains("cap_sys"), "{granted}");
    privileges(machine)?;
    let group = machine.run(&["getent", "group", "haproxy"])?;
    let group = group.split(':').nth(2).context("a group has a number")?;
    let path = format!("/proc/{}/status", pid(machine)?);
    let status = fs::read_to_string(machine.path(&path))?;
    let groups = status.lines().find_map(|line| line.strip_prefix("Groups:"));
    let is_in = groups.is_some_and(|groups| groups.split_whitespace().any(|other| other == group));
    ensure!(is_in, "not in the group {group}: {groups:?}");
    for number in 0..settings.len() {
        fs::remove_file(folder.join(format!("{number}.conf")))?;
    }
    machine.run(&["systemctl", "daemon-reload"])?;
    machine.run(&["systemctl", "restart", "evenkeel"])?;
    wait_ready(machine)
}
