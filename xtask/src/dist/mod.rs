//! `cargo xtask dist`: what is released for hosts. One static binary, as a Debian package and as an archive for all others.

mod contents;
mod deb;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::shell::{command, output, root, run as run_program, target};

pub(crate) use deb::{lint, version as deb_version};

/// The version of what is made.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What was made.
pub(crate) struct Dist {
    pub(crate) folder: PathBuf,
    pub(crate) deb: PathBuf,
    pub(crate) archive: PathBuf,
}

/// Builds the agent and makes all of it anew.
pub(crate) fn run() -> Result<Dist> {
    let staged = contents::stage()?;
    let folder = target().join("dist");
    if folder.exists() {
        fs::remove_dir_all(&folder).context("cannot remove what was made before")?;
    }
    fs::create_dir_all(&folder)?;
    let dist = Dist {
        deb: deb::make(&folder, &deb_version(0))?,
        archive: archive(&staged, &folder)?,
        folder,
    };
    digests(&dist)?;
    for file in [&dist.deb, &dist.archive] {
        println!("{}", file.display());
    }
    Ok(dist)
}

/// The package with a later version and the same content, for trying an upgrade.
pub(crate) fn later(folder: &Path) -> Result<PathBuf> {
    deb::make(folder, &deb_version(1))
}

/// The archive for hosts without Debian's packages.
fn archive(staged: &Path, folder: &Path) -> Result<PathBuf> {
    let name = format!("evenkeel-{VERSION}");
    let inside = staged.with_file_name(&name);
    contents::gather(staged, &inside)?;
    let archive = folder.join(format!("{name}-{}-linux.tar.gz", std::env::consts::ARCH));
    // The same bytes from the same commit, whoever makes it.
    let time = output(command("git").args(["log", "-1", "--format=%cI"]))?;
    let mut tar = command("tar");
    tar.args(["--create", "--sort=name", "--numeric-owner", "--owner=0"])
        .args(["--group=0", "--mode=u+rw,go+r,go-w"])
        .arg(format!("--mtime={}", time.trim()))
        .args(["--use-compress-program=gzip -9n", "--file"])
        .arg(&archive)
        .arg("--directory")
        .arg(inside.parent().unwrap_or(&root()))
        .arg(&name);
    run_program(&mut tar)?;
    fs::remove_dir_all(&inside)?;
    Ok(archive)
}

/// `SHA256SUMS` beside the files, to be checked with `sha256sum --check`.
fn digests(dist: &Dist) -> Result<()> {
    let names = [&dist.deb, &dist.archive].map(|file| file.file_name().unwrap_or_default());
    let mut sums = command("sha256sum");
    let sums = output(sums.args(names).current_dir(&dist.folder))?;
    fs::write(dist.folder.join("SHA256SUMS"), sums).context("cannot write SHA256SUMS")
}
