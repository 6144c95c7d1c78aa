//! Running the image by podman and crun, as a node of Kubernetes runs it: with what the manifest gives, in a part of the cgroup
//! hierarchy of its own.

use std::process::Command;

use anyhow::Result;

use super::manifest::{Container, Pod};
use super::{NAME, storage};
use crate::shell::{command, output};

/// The container's name.
const CONTAINER: &str = "evenkeel-trial";

/// The part of the hierarchy that the container is in.
const CGROUP: &str = "evenkeel-trial";

/// Mounts the hierarchy where the nodes of Kubernetes have it, if this machine has it elsewhere, makes the part of it, and runs
/// podman in that. Its last argument is the configuration, which the container sees in the same place.
const SCRIPT: &str = "set -e; \
    if [ \"$(stat --file-system --format=%T /sys/fs/cgroup)\" != cgroup2fs ]; then mount -t cgroup2 none /sys/fs/cgroup; fi; \
    mkdir -p \"/sys/fs/cgroup/$CGROUP\"; echo $$ >\"/sys/fs/cgroup/$CGROUP/cgroup.procs\"; \
    for file; do :; done; folder=\"${file%/*}\"; \
    chmod a+rx \"$folder\"; \
    exec podman $STORAGE run --volume \"$folder:$folder:ro\" \"$@\"";

/// A command that runs the agent, to which its configuration is added: with the host's mounts, or without any of them.
pub(super) fn agent(pod: &Pod, mounts: &[String]) -> Command {
    let mut agent = Command::new("unshare");
    agent
        .args([
            "--mount",
            "--propagation",
            "slave",
            "sh",
            "-c",
            SCRIPT,
            "sh",
        ])
        .env("CGROUP", CGROUP)
        .env("STORAGE", storage().join(" "))
        .args([
            "--rm",
            "--replace",
            "--name",
            CONTAINER,
            "--log-driver",
            "none",
        ])
        .args([
            "--runtime",
            "crun",
            "--cgroups",
            "disabled",
            "--cgroupns",
            "private",
        ])
        // Lower than podman's own, which this machine may not be allowed to give.
        .args([
            "--ulimit",
            "nofile=1024:20000",
            "--ulimit",
            "nproc=1024:1024",
        ])
        .args(security(pod.container()));
    if pod.host_network {
        agent.args(["--network", "host"]);
    }
    if pod.host_pid {
        agent.args(["--pid", "host"]);
    }
    for mount in mounts {
        agent.args(["--volume", mount]);
    }
    let arguments = &pod.container().args;
    agent.arg(NAME);
    agent.args(
        arguments
            .iter()
            .filter(|word| !word.starts_with("--config")),
    );
    agent
}

/// `securityContext`, in podman's words.
fn security(container: &Container) -> Vec<String> {
    let context = &container.security_context;
    let mut options = vec![format!("--user={}", context.run_as_user)];
    options.push(format!("--privileged={}", context.privileged));
    if context.read_only_root_filesystem {
        options.extend(["--read-only", "--read-only-tmpfs=false"].map(str::to_owned));
    }
    if context.allow_privilege_escalation == Some(false) {
        options.push("--security-opt=no-new-privileges".to_owned());
    }
    let rights = &context.capabilities;
    options.extend(rights.drop.iter().map(|name| format!("--cap-drop={name}")));
    options.extend(rights.add.iter().map(|name| format!("--cap-add={name}")));
    options
}

/// The process of the container.
pub(super) fn process() -> Result<u32> {
    let mut inspect = podman();
    inspect.args(["inspect", "--format", "{{.State.Pid}}", CONTAINER]);
    Ok(output(&mut inspect)?.trim().parse()?)
}

fn podman() -> Command {
    let mut podman = command("podman");
    podman.args(storage());
    podman
}

/// Ends the container, also when the trial fails.
pub(super) struct Cleaner;

impl Drop for Cleaner {
    fn drop(&mut self) {
        // One that has ended by itself is gone already.
        drop(output(podman().args([
            "rm", "--force", "--time", "0", "--ignore", CONTAINER,
        ])));
        for root in ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"] {
            drop(std::fs::remove_dir(format!("{root}/{CGROUP}")));
        }
    }
}
