//! The filters of system calls that runtimes set around a container.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::folder;

/// Where podman has its own.
const USUAL: &str = "/usr/share/containers/seccomp.json";

/// Whom a runtime lets make `bpf(2)` calls.
#[derive(Clone, Copy, Debug)]
pub(super) enum Filter {
    /// Those with `CAP_BPF`: containerd since 1.7, Docker since 23.
    Usual,
    /// Nobody.
    WithoutBpf,
}

impl Filter {
    /// The default filter (`RuntimeDefault`), made of podman's; that of Debian 12 is older than the capability.
    pub(super) fn write(self) -> Result<PathBuf> {
        let text =
            fs::read_to_string(USUAL).with_context(|| format!("{USUAL} comes with podman"))?;
        let mut profile: Value = serde_json::from_str(&text)?;
        let rules = profile["syscalls"].as_array_mut();
        let rules = rules.with_context(|| format!("{USUAL} has no rules"))?;
        for rule in rules.iter_mut() {
            if let Some(names) = rule["names"].as_array_mut() {
                names.retain(|name| name != "bpf");
            }
        }
        let name = match self {
            Self::Usual => {
                let with = json!({ "caps": ["CAP_BPF"] });
                rules.push(
                    json!({ "names": ["bpf"], "action": "SCMP_ACT_ALLOW", "includes": with }),
                );
                "with-bpf.json"
            }
            Self::WithoutBpf => "without-bpf.json",
        };
        let file = folder(name);
        fs::write(&file, serde_json::to_string(&profile)?)?;
        Ok(file)
    }
}
