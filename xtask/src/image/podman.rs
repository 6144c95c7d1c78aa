//! Running the image by podman and crun, as a node of Kubernetes runs it: with what the manifest gives, in a part of the cgroup
//! hierarchy of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use evenkeel_lab::cgroup;
use tempfile::TempDir;

use super::filter::Filter;
use super::manifest::{self, Pod};
use super::{NAME, storage};
use crate::shell::{command, output};

/// Mounts the hierarchy where the nodes of Kubernetes have it, if this machine has it elsewhere, makes a part of it, and runs
/// podman in that. Its last argument is the configuration, which the container sees in the same place.
const SCRIPT: &str = "set -e; \
    if [ \"$(stat --file-system --format=%T /sys/fs/cgroup)\" != cgroup2fs ]; then mount -t cgroup2 none /sys/fs/cgroup; fi; \
    mkdir -p \"/sys/fs/cgroup/$CGROUP\"; echo $$ >\"/sys/fs/cgroup/$CGROUP/cgroup.procs\"; \
    for file; do :; done; folder=\"${file%/*}\"; \
    chmod a+rx \"$folder\"; chmod a+r \"$file\"; \
    exec podman $STORAGE run --volume \"$folder:$folder:ro\" \"$@\"";

/// A container, and the part of the cgroup hierarchy that it is in. Both are gone when this is dropped.
pub(super) struct Container {
    name: String,
    filter: PathBuf,
    /// What it may write to.
    own: TempDir,
}

impl Container {
    pub(super) fn new(label: &str, filter: Filter) -> Result<Self> {
        Ok(Self {
            name: format!("evenkeel-trial-{label}"),
            filter: filter.write()?,
            own: TempDir::with_prefix("evenkeel-own-").context("no temporary folder")?,
        })
    }

    /// The name of its part of the hierarchy.
    pub(super) fn cgroup(&self) -> &str {
        &self.name
    }

    /// A command that runs the image as a pod does, with options of podman and arguments of the program besides those of the
    /// manifest; the configuration is to be added.
    pub(super) fn run(&self, pod: &Pod, options: &[String], arguments: &[String]) -> Command {
        let mut run = self.bare(pod);
        run.args(
            pod.mounts(self.own.path())
                .iter()
                .flat_map(|mount| volume(mount)),
        );
        run.args(options).arg(NAME).args(words(pod)).args(arguments);
        run
    }

    /// The same without any of the host's folders.
    pub(super) fn run_without_mounts(&self, pod: &Pod) -> Command {
        let mut run = self.bare(pod);
        run.arg(NAME).args(words(pod));
        run
    }

    /// Up to the mounts.
    fn bare(&self, pod: &Pod) -> Command {
        let mut run = Command::new("unshare");
        run.args(["--mount", "--propagation", "slave", "sh", "-c", SCRIPT])
            .arg("sh")
            .env("CGROUP", &self.name)
            .env("STORAGE", storage().join(" "))
            .args(["--rm", "--replace", "--name", &self.name])
            .args(["--log-driver", "none", "--runtime", "crun"])
            .args(["--cgroups", "disabled", "--cgroupns", "private"])
            // Lower than podman's own, which this machine may not be allowed to give.
            .args(["--ulimit", "nofile=1024:20000"])
            .args(["--ulimit", "nproc=1024:1024"])
            // The network that podman is started in: the pod's, which is made beforehand.
            .args(["--network", "host"])
            .args(security(pod.container()))
            .arg(format!("--security-opt=seccomp={}", self.filter.display()));
        if pod.host_pid {
            run.args(["--pid", "host"]);
        }
        run
    }

    /// The process of the container.
    pub(super) fn process(&self) -> Result<u32> {
        let mut inspect = podman();
        inspect.args(["inspect", "--format", "{{.State.Pid}}", &self.name]);
        Ok(output(&mut inspect)?.trim().parse()?)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // One that has ended by itself is gone already.
        let ended = podman()
            .args(["rm", "--force", "--time", "0", "--ignore", &self.name])
            .output();
        drop(ended);
        if let Ok(root) = cgroup::root() {
            drop(fs::remove_dir(root.join(&self.name)));
        }
    }
}

/// An option that mounts a folder for reading.
pub(super) fn read_only(from: &Path, to: &str) -> Vec<String> {
    volume(&format!("{}:{to}:ro", from.display())).into()
}

fn volume(mount: &str) -> [String; 2] {
    ["--volume".to_owned(), mount.to_owned()]
}

/// The arguments of the manifest, but for the configuration.
fn words(pod: &Pod) -> impl Iterator<Item = &String> {
    let arguments = pod.container().args.iter();
    arguments.filter(|word| !word.starts_with("--config"))
}

/// `securityContext`, in podman's words.
fn security(container: &manifest::Container) -> Vec<String> {
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

fn podman() -> Command {
    let mut podman = command("podman");
    podman.args(storage());
    podman
}
