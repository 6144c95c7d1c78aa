//! What is packed: the binary, and what the binary says of itself.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use evenkeel_lab::parts;

use crate::shell::{cargo, command, output, root, run, target};

/// For the host's processor, without a dependency on its C library.
pub(super) fn triple() -> String {
    format!("{}-unknown-linux-musl", std::env::consts::ARCH)
}

/// Shells with a folder for the completions of packages.
const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// What the archive has of the repository, and where.
const FILES: [(&str, &str); 8] = [
    ("deploy/systemd/evenkeel.service", "evenkeel.service"),
    ("deploy/systemd/evenkeel.sysusers", "evenkeel.sysusers"),
    ("deploy/systemd/evenkeel.yaml", "evenkeel.yaml"),
    ("deploy/evenkeel.example.yaml", "evenkeel.example.yaml"),
    ("CHANGELOG.md", "CHANGELOG.md"),
    ("README.md", "README.md"),
    ("LICENSE-APACHE", "LICENSE-APACHE"),
    ("LICENSE-MIT", "LICENSE-MIT"),
];

/// Builds the agent, and puts it into a folder with its manual pages, completions and changes. cargo-deb looks for them there
/// (agent/Cargo.toml).
pub(super) fn stage() -> Result<PathBuf> {
    let built = build()?;
    let folder = built.with_file_name("package");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let (manual, completions) = (folder.join("man"), folder.join("completions"));
    fs::create_dir_all(&completions)?;
    let binary = folder.join("evenkeel");
    // Names of functions are of no use: a panic says its place, and there is no backtrace of a release.
    run(command("strip").arg("-o").arg(&binary).arg(&built))?;
    run(command(&binary).arg("man").arg(&manual))?;
    for shell in SHELLS {
        let script = output(command(&binary).args(["completions", shell]))?;
        fs::write(completions.join(format!("evenkeel.{shell}")), script)?;
    }
    for page in fs::read_dir(&manual)? {
        run(command("gzip").arg("-9n").arg(page?.path()))?;
    }
    let changes = folder.join("changelog");
    copy(&root().join("CHANGELOG.md"), &changes)?;
    run(command("gzip").arg("-9n").arg(&changes))?;
    Ok(folder)
}

/// The agent as it is released.
fn build() -> Result<PathBuf> {
    parts::require("musl-gcc").context("ring's C is built by it: apt-get install musl-tools")?;
    let triple = triple();
    let targets = output(command("rustup").args(["target", "list", "--installed"]))?;
    if !targets.lines().any(|installed| installed == triple) {
        run(command("rustup").args(["target", "add", &triple]))?;
    }
    run(cargo()
        .args(["build", "--release", "--locked", "--package", "evenkeel"])
        .args(["--target", &triple]))?;
    Ok(target().join(triple).join("release/evenkeel"))
}

/// Puts what the archive has into a folder.
pub(super) fn gather(staged: &Path, folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    for part in ["man", "completions"] {
        fs::create_dir_all(folder.join(part))?;
        for file in fs::read_dir(staged.join(part))? {
            let file = file?;
            copy(&file.path(), &folder.join(part).join(file.file_name()))?;
        }
    }
    copy(&staged.join("evenkeel"), &folder.join("evenkeel"))?;
    for (from, to) in FILES {
        copy(&root().join(from), &folder.join(to))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .map(drop)
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}
