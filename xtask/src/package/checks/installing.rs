//! Installing: what the package and the archive make of a host.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::dist::deb_version;
use crate::package::Packages;
use crate::package::machine::Machine;
use crate::package::service::{pid, property, wait_ready};
use crate::shell::root;

/// The capabilities of the unit by their numbers in capabilities(7): `NET_ADMIN`, `SYS_PTRACE`, `SYS_ADMIN`, `PERFMON` and `BPF`.
const CAPABILITIES: u64 = 1 << 12 | 1 << 19 | 1 << 21 | 1 << 38 | 1 << 39;

/// The version that is installed.
pub(super) fn version(machine: &Machine) -> Result<String> {
    machine.run(&[
        "dpkg-query",
        "--show",
        "--showformat=${Version}",
        "evenkeel",
    ])
}

/// Enabled, started, without privileges that it does not need, and with all that belongs to it.
pub(in crate::package) fn install(machine: &Machine, packages: &Packages) -> Result<()> {
    machine.run(&["dpkg", "--install", &packages.first])?;
    ensure!(version(machine)? == deb_version(0));
    for question in ["is-enabled", "is-active"] {
        machine.run(&["systemctl", question, "evenkeel"])?;
    }
    wait_ready(machine)?;
    let status = property(machine, "StatusText")?;
    ensure!(status.starts_with("Counting"), "STATUS= is {status:?}");
    privileges(machine)?;
    let listening = machine.run(&["ss", "--no-header", "--listening", "--tcp", "--numeric"])?;
    let own: Vec<&str> = listening
        .lines()
        .filter(|line| line.contains(":9797"))
        .collect();
    ensure!(
        own.len() == 1 && own[0].contains("127.0.0.1:9797"),
        "{listening}"
    );
    machine.run(&["evenkeel", "check-config"])?;
    for page in ["evenkeel", "evenkeel-run", "evenkeel-check-config"] {
        machine.run(&["man", "--where", page])?;
    }
    let complete = "COMP_WORDS=(evenkeel chec); COMP_CWORD=1; \
        . /usr/share/bash-completion/completions/evenkeel; \
        _evenkeel evenkeel chec evenkeel; echo \"${COMPREPLY[@]}\"";
    let completed = machine.run(&["bash", "-c", complete])?;
    ensure!(completed == "check-config", "{completed}");
    Ok(())
}

/// The process has its user, no capability but those of the unit, and can get no other.
pub(super) fn privileges(machine: &Machine) -> Result<()> {
    let of = |name: &str| property(machine, name);
    let (granted, kept) = (of("AmbientCapabilities")?, of("CapabilityBoundingSet")?);
    ensure!(granted == kept && !granted.is_empty(), "{granted} / {kept}");
    let path = format!("/proc/{}/status", pid(machine)?);
    let status = fs::read_to_string(machine.path(&path))?;
    let line = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.map(str::trim).context("a line of /proc/PID/status")
    };
    for set in ["CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
        let held = u64::from_str_radix(line(set)?, 16)?;
        ensure!(held & !CAPABILITIES == 0, "{set} {held:x}");
    }
    ensure!(
        line("NoNewPrivs:")? == "1" && line("Seccomp:")? == "2",
        "{status}"
    );
    let user = machine.run(&["id", "--user", "evenkeel"])?;
    ensure!(
        user != "0" && line("Uid:")?.starts_with(&format!("{user}\t")),
        "{status}"
    );
    Ok(())
}

/// The commands of docs/install.md make the same service of the archive.
pub(in crate::package) fn archive(machine: &Machine, packages: &Packages) -> Result<()> {
    let commands = documented("sh", |block| block.contains("tar --extract"))?;
    let folder = Path::new(&packages.archive).parent();
    let folder = folder.context("a folder")?.display();
    machine.run(&[
        "sh",
        "-c",
        &format!("set -eu\ncd {folder}\n{}", commands.concat()),
    ])?;
    wait_ready(machine)?;
    privileges(machine)?;
    machine.run(&["man", "--where", "evenkeel-run"])?;
    Ok(())
}

/// Blocks of docs/install.md in a language, of which there is at least one.
pub(super) fn documented(language: &str, is_meant: fn(&str) -> bool) -> Result<Vec<String>> {
    let document = fs::read_to_string(root().join("docs/install.md"))?;
    let blocks = document.split("```").skip(1).step_by(2);
    let blocks = blocks.filter_map(|block| block.strip_prefix(language)?.split_once('\n'));
    let meant: Vec<String> = blocks
        .map(|(_, text)| text.to_owned())
        .filter(|text| is_meant(text))
        .collect();
    ensure!(
        !meant.is_empty(),
        "docs/install.md does not say it any longer"
    );
    Ok(meant)
}
