//! Counting: the traffic of a real balancer, which the service finds by itself.

use std::fs;

use anyhow::{Result, ensure};

use crate::package::Packages;
use crate::package::machine::Machine;
use crate::package::service::{get, json, opened, wait};

/// Requests through the balancer, a connection to a backend each.
pub(super) const REQUESTS: u64 = 40;

const NGINX: &str = "events {}
http {
    access_log off;
    upstream app { server 127.0.0.1:8091; server 127.0.0.1:8092; }
    server { listen 127.0.0.1:8090; location / { proxy_pass http://app; } }
    server { listen 127.0.0.1:8091; listen 127.0.0.1:8092; location / { return 200; } }
}
";

/// A balancer that runs is found, its traffic is counted to the last connection, other namespaces are entered.
pub(in crate::package) fn count(machine: &Machine, _packages: &Packages) -> Result<()> {
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

/// Requests through the balancer.
pub(super) fn traffic(machine: &Machine) -> Result<()> {
    let urls = format!("http://127.0.0.1:8090/[1-{REQUESTS}]");
    machine.run(&["curl", "--silent", "--show-error", "--fail", &urls])?;
    Ok(())
}

/// Waits until so many connections were opened to each backend, and no more.
pub(super) fn await_opened(machine: &Machine, pool: &str, each: u64) -> Result<()> {
    let what = format!("{each} connections to each backend of {pool}");
    wait(machine, &what, || {
        let counted = opened(machine, pool)?.unwrap_or_default();
        ensure!(counted.iter().all(|count| *count <= each), "{counted:?}");
        Ok((counted == [each, each]).then_some(()))
    })
}
