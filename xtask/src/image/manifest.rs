//! What Kubernetes is told to start: read from the manifest, so that what is tried is what is shipped.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::shell::root;

/// How the agent runs.
pub(super) const AGENT: &str = "deploy/kubernetes/base/daemonset.yaml";
/// How the fleet's view runs.
pub(super) const FLEET: &str = "deploy/kubernetes/components/fleet/deployment.yaml";

/// How a pod of the agent is to be run.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pod {
    /// Whether it sees the host's processes.
    #[serde(default, rename = "hostPID")]
    pub(super) host_pid: bool,
    containers: Vec<Container>,
    #[serde(default)]
    volumes: Vec<Volume>,
}

/// How the agent's container is to be run.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Container {
    /// The command's arguments.
    #[serde(default)]
    pub(super) args: Vec<String>,
    pub(super) security_context: Security,
    #[serde(default)]
    volume_mounts: Vec<Mount>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Security {
    #[serde(default)]
    pub(super) run_as_user: u32,
    #[serde(default)]
    pub(super) read_only_root_filesystem: bool,
    pub(super) allow_privilege_escalation: Option<bool>,
    #[serde(default)]
    pub(super) privileged: bool,
    pub(super) capabilities: Rights,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Rights {
    #[serde(default)]
    pub(super) add: Vec<String>,
    #[serde(default)]
    pub(super) drop: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mount {
    name: String,
    #[serde(rename = "mountPath")]
    path: String,
    #[serde(default)]
    read_only: bool,
    #[serde(rename = "mountPropagation")]
    propagation: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Volume {
    name: String,
    host_path: Option<HostPath>,
}

#[derive(Debug, Deserialize)]
struct HostPath {
    path: String,
}

#[derive(Deserialize)]
struct Manifest {
    spec: Spec,
}

#[derive(Deserialize)]
struct Spec {
    template: Template,
}

#[derive(Deserialize)]
struct Template {
    spec: Pod,
}

impl Pod {
    /// That of a manifest.
    pub(super) fn read(file: &str) -> Result<Self> {
        let text = fs::read_to_string(root().join(file))?;
        let manifest: Manifest = serde_saphyr::from_str(&text)
            .with_context(|| format!("{file} is not what starts a pod"))?;
        let pod = manifest.spec.template.spec;
        ensure!(
            pod.containers.len() == 1,
            "{file} has more than one container"
        );
        Ok(pod)
    }

    pub(super) fn container(&self) -> &Container {
        &self.containers[0]
    }

    /// The mounts of the host's folders, as `podman run --volume` takes them. What is no folder of the host (a `ConfigMap`, a
    /// token) is for whoever runs the pod to bring; what can be written to is `own` instead, for this machine may have an agent.
    pub(super) fn mounts(&self, own: &Path) -> Vec<String> {
        let mounts = self.container().volume_mounts.iter();
        mounts.filter_map(|mount| self.mount(mount, own)).collect()
    }

    fn mount(&self, mount: &Mount, own: &Path) -> Option<String> {
        let volume = self
            .volumes
            .iter()
            .find(|volume| volume.name == mount.name)?;
        let path = &mount.path;
        if !mount.read_only {
            return Some(format!("{}:{path}:rw", own.display()));
        }
        let from = &volume.host_path.as_ref()?.path;
        let propagation = match mount.propagation.as_deref() {
            Some("HostToContainer") => "rslave",
            Some("Bidirectional") => "rshared",
            _ => "rprivate",
        };
        Some(format!("{from}:{path}:ro,{propagation}"))
    }
}
