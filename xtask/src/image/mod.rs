//! `cargo xtask image`: builds the image by buildah, with what this machine has, and runs it as Kubernetes would.
//!
//! All of it stays in cargo's target folder: the builder, the layers, and what the next build need not compile again.

mod builder;
mod cluster;
mod filter;
mod manifest;
mod podman;
mod trial;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use evenkeel_lab::parts;

use crate::shell::{command, output, root, run as run_program, target};

/// What the image is called.
const NAME: &str = "localhost/evenkeel";

/// How it is built.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The profile of cargo that it is built with.
    #[arg(long, default_value = "release")]
    profile: String,
    /// Run it afterwards with the rights and the mounts of the manifest, and count. Needs root.
    #[arg(long)]
    trial: bool,
}

/// Builds the image, and says where it is.
pub(crate) fn run(options: &Options) -> Result<()> {
    build(&options.profile)?;
    if options.trial {
        trial::run()?;
    }
    let archive = target().join("image/evenkeel.tar");
    if archive.exists() {
        fs::remove_file(&archive).context("cannot replace the archive")?;
    }
    let to = format!("oci-archive:{}:evenkeel:latest", archive.display());
    run_program(buildah().args(["push", "--quiet", NAME, &to]))?;
    println!(
        "image: {} ({} KiB); `podman load --input` and `ctr images import` take it",
        archive.display(),
        fs::metadata(&archive)?.len() / 1024
    );
    Ok(())
}

/// The step of `cargo xtask test`: builds and runs it. Without the optimisations over all crates, which take most of the time
/// and change nothing that is looked at here.
pub(crate) fn check() -> Result<()> {
    build("image-trial")?;
    trial::run()
}

fn build(profile: &str) -> Result<()> {
    for (program, package) in [("buildah", "buildah"), ("musl-gcc", "musl-tools")] {
        if parts::require(program).is_err() {
            parts::install(&[package])?;
        }
    }
    let builder = builder::make()?;
    let revision = output(command("git").args(["rev-parse", "HEAD"])).unwrap_or_default();
    let created = output(Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%SZ"]))?;
    let arguments = [
        format!("BUILDER={builder}"),
        format!("TARGET={}", builder::static_target()?),
        format!("PROFILE={profile}"),
        format!("VERSION={}", env!("CARGO_PKG_VERSION")),
        format!("REVISION={}", revision.trim()),
        format!("CREATED={}", created.trim()),
    ];
    let mut build = buildah();
    build.args(["build", "--isolation", "chroot", "--tag", NAME]);
    build.args(["--file", "deploy/image/Containerfile"]);
    for argument in &arguments {
        build.args(["--build-arg", argument]);
    }
    for volume in builder::volumes()? {
        build.args(["--volume", &volume]);
    }
    run_program(build.arg(root()))
}

/// buildah, with a storage of its own in the target folder.
fn buildah() -> Command {
    let mut buildah = command("buildah");
    buildah.args(storage());
    buildah
}

/// Options of buildah and podman: layers as plain folders, which any file system can hold.
fn storage() -> Vec<String> {
    let folder = |name: &str| folder(name).display().to_string();
    vec![
        "--root".to_owned(),
        folder("storage"),
        "--runroot".to_owned(),
        folder("run"),
        "--storage-driver".to_owned(),
        "vfs".to_owned(),
    ]
}

fn folder(name: &str) -> PathBuf {
    target().join("image").join(name)
}

/// The label of the image that says which version it is.
fn version_label() -> Result<()> {
    let key = "org.opencontainers.image.version";
    let format = format!("{{{{index .OCIv1.Config.Labels {key:?}}}}}");
    let version =
        output(buildah().args(["inspect", "--type", "image", "--format", &format, NAME]))?;
    ensure!(
        version.trim() == env!("CARGO_PKG_VERSION"),
        "the image says that it is version {version:?}"
    );
    Ok(())
}
