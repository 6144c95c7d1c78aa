//! The programs that run inside, and the memory image that they come in.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use evenkeel_lab::guest;

use super::archive::Archive;
use crate::shell::{cargo, run, target};

/// The machines have no shared libraries: everything is linked into the programs.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The init, as cargo calls it.
const INIT: &str = "evenkeel-guest";

/// Builds the agent and the init and packs them; gives the image's path.
pub(super) fn image() -> Result<PathBuf> {
    let folder = target().join("guest");
    build(&folder)?;
    let built = folder.join(TARGET).join("release");
    let read = |program: &str| {
        let path = built.join(program);
        fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let mut archive = Archive::default();
    archive.folder("bin")?;
    archive.program("init", &read(INIT)?)?;
    archive.program(guest::AGENT.trim_start_matches('/'), &read("evenkeel")?)?;
    // The test bed's holder of connections: the init under another name.
    archive.link("bin/sleep", "/init")?;
    let image = folder.join("initramfs");
    fs::write(&image, archive.finish()?)
        .with_context(|| format!("cannot write {}", image.display()))?;
    Ok(image)
}

/// Builds as a release, short of what takes long and changes nothing here. In a folder of its own: other flags would
/// make cargo build everything anew each time.
fn build(folder: &std::path::Path) -> Result<()> {
    let mut build = cargo();
    build
        .args([
            "build",
            "--release",
            "--locked",
            "--target",
            TARGET,
            "--target-dir",
        ])
        .arg(folder)
        .args([
            "--package",
            "evenkeel",
            "--package",
            "evenkeel-lab",
            "--bin",
            "evenkeel",
            "--bin",
            INIT,
        ])
        .env("RUSTFLAGS", "-Ctarget-feature=+crt-static")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_STRIP", "symbols");
    run(&mut build)
}
