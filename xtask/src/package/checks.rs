//! What an administrator relies on, from installing to purging.

use std::fs;

use anyhow::{Context, Result, bail, ensure};

use super::Packages;
use super::machine::Machine;
use super::service::{
    CONFIGURATION, configure, get, json, opened, pid, property, wait, wait_ready,
};
use crate::dist::deb_version;
use crate::shell::root;

/// Requests through the balancer, a connection to a backend each.
const REQUESTS: u64 = 40;

const NGINX: &str = "events {}
http {
    access_log off;
    upstream app { server 127.0.0.1:8091; server 127.0.0.1:8092; }
    server { listen 127.0.0.1:8090; location / { proxy_pass http://app; } }
    server { listen 127.0.0.1:8091; listen 127.0.0.1:8092; location / { return 200; } }
}
";

/// What the administrator has made of the configuration.
const OWN: &str = "# Mine.
incidents: {directory: /var/lib/evenkeel}
pools:
  - {name: own, role: upstream, backends: [{address: '127.0.0.1:8091'}, {address: '127.0.0.1:8092'}]}
";

/// The capabilities of the unit by their numbers in capabilities(7): `NET_ADMIN`, `SYS_PTRACE`, `SYS_ADMIN`, `PERFMON` and `BPF`.
const CAPABILITIES: u64 = 1 << 12 | 1 << 19 | 1 << 21 | 1 << 38 | 1 << 39;

fn version(machine: &Machine) -> Result<String> {
    machine.run(&[
        "dpkg-query",
        "--show",
        "--showformat=${Version}",
        "evenkeel",
    ])
}

/// Enabled, started, without privileges that it does not need, and with all that belongs to it.
pub(super) fn install(machine: &Machine, packages: &Packages) -> Result<()> {
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
fn privileges(machine: &Machine) -> Result<()> {
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

/// A balancer that runs is found, its traffic is counted to the last connection, other namespaces are entered.
pub(super) fn count(machine: &Machine, _packages: &Packages) -> Result<()> {
    fs::write(machine.path("/etc/nginx/balancer.conf"), NGINX)?;
    machine.run(&["ip", "netns", "add", "apart"])?;
    let words = [
        "systemd-run",
        "--quiet",
        "--unit=apart",
        "ip",
        "netns",
        "exec",
        "apart",
    ];
    machine.run(&[&words[..], &["sleep", "600"]].concat())?;
    let words = ["systemd-run", "--quiet", "--unit=balancer", "nginx"];
    let options = ["-c", "/etc/nginx/balancer.conf", "-g", "daemon off;"];
    machine.run(&[&words[..], &options].concat())?;
    let name = wait(machine, "the pool of the balancer", || {
        let pools = json(machine, "/api/v1/pools")?.unwrap_or_default();
        let pools = pools["pools"].as_array().cloned().unwrap_or_default();
        let names = pools.iter().filter_map(|pool| pool["name"].as_str());
        let mut of_balancer = names.filter(|name| name.contains("app"));
        Ok(of_balancer.next().map(str::to_owned))
    })?;
    traffic(machine)?;
    await_opened(machine, &name, REQUESTS / 2)?;
    wait(machine, "both network namespaces", || {
        let metrics = get(machine, "/metrics")?.unwrap_or_default();
        let is_there = |line: &str| metrics.lines().any(|other| other == line);
        let both = is_there("evenkeel_kernel_live_namespaces 2")
            && is_there("evenkeel_kernel_live_namespaces_unreachable 0");
        Ok(both.then_some(()))
    })
}

fn traffic(machine: &Machine) -> Result<()> {
    let urls = format!("http://127.0.0.1:8090/[1-{REQUESTS}]");
    machine.run(&["curl", "--silent", "--show-error", "--fail", &urls])?;
    Ok(())
}

fn await_opened(machine: &Machine, pool: &str, each: u64) -> Result<()> {
    let what = format!("{each} connections to each backend of {pool}");
    wait(machine, &what, || {
        let counted = opened(machine, pool)?.unwrap_or_default();
        ensure!(counted.iter().all(|count| *count <= each), "{counted:?}");
        Ok((counted == [each, each]).then_some(()))
    })
}

/// A good configuration is taken over by the same process, a wrong one is refused with its place.
pub(super) fn reload(machine: &Machine, _packages: &Packages) -> Result<()> {
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
pub(super) fn wrong_configuration(machine: &Machine, _packages: &Packages) -> Result<()> {
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
pub(super) fn hang(machine: &Machine, _packages: &Packages) -> Result<()> {
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

/// The administrator's configuration and the incidents stay, the new program counts.
pub(super) fn upgrade(machine: &Machine, packages: &Packages) -> Result<()> {
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
pub(super) fn remove(machine: &Machine, _packages: &Packages) -> Result<()> {
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
pub(super) fn purge(machine: &Machine, _packages: &Packages) -> Result<()> {
    machine.run(&["dpkg", "--purge", "evenkeel"])?;
    for gone in ["/etc/evenkeel", "/var/lib/evenkeel"] {
        ensure!(!machine.path(gone).exists(), "{gone} is still there");
    }
    machine.run(&["id", "evenkeel"])?;
    Ok(())
}

/// The commands of docs/install.md make the same service of the archive.
pub(super) fn archive(machine: &Machine, packages: &Packages) -> Result<()> {
    let document = fs::read_to_string(root().join("docs/install.md"))?;
    let blocks = document.split("```").skip(1).step_by(2);
    let Some(commands) = blocks
        .into_iter()
        .find(|block| block.contains("tar --extract"))
    else {
        bail!("docs/install.md does not say how to install the archive");
    };
    let (_, commands) = commands.split_once('\n').context("a block of commands")?;
    let script = format!("set -eu\ncd {}\n{commands}", "/root");
    ensure!(packages.archive.starts_with("/root/"));
    machine.run(&["sh", "-c", &script])?;
    wait_ready(machine)?;
    privileges(machine)?;
    machine.run(&["man", "--where", "evenkeel-run"])?;
    Ok(())
}
