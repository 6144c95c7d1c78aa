//! The builder's base image, made of this machine: empty folders, into which the machine's own compilers are mounted. It is there at
//! once, and builds with the versions that the tests run with.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

use super::{buildah, folder};
use crate::shell::{command, output, run};

const NAME: &str = "localhost/evenkeel-builder";

const CONTAINERFILE: &str = "FROM scratch\n\
                             COPY rootfs/ /\n\
                             ENV PATH=/cargo/bin:/usr/bin:/usr/sbin CARGO_HOME=/cargo RUSTUP_HOME=/rustup\n";

/// Makes the base image; gives its name.
pub(super) fn make() -> Result<&'static str> {
    let context = folder("builder");
    if context.exists() {
        fs::remove_dir_all(&context).context("cannot make the builder anew")?;
    }
    let rootfs = context.join("rootfs");
    for place in [
        "usr", "etc", "tmp", "cargo", "rustup", "target", "src", "root", "var/tmp",
    ] {
        fs::create_dir_all(rootfs.join(place))?;
    }
    for link in ["bin", "sbin", "lib", "lib64"] {
        symlink(format!("usr/{link}"), rootfs.join(link))?;
    }
    fs::write(rootfs.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n")?;
    fs::write(context.join("Containerfile"), CONTAINERFILE)?;
    let mut build = buildah();
    build.args(["build", "--quiet", "--isolation", "chroot", "--tag", NAME]);
    run(build.arg(context))?;
    Ok(NAME)
}

/// What of this machine the builder sees, and where it keeps what the next build can use.
pub(super) fn volumes() -> Result<Vec<String>> {
    let cache = folder("cache");
    fs::create_dir_all(&cache)?;
    let mut volumes: Vec<String> = ["/usr", "/etc/ssl", "/etc/alternatives"]
        .iter()
        .map(|place| format!("{place}:{place}:ro"))
        .collect();
    volumes.push(format!(
        "{}:/cargo",
        home("CARGO_HOME", ".cargo")?.display()
    ));
    volumes.push(format!(
        "{}:/rustup",
        home("RUSTUP_HOME", ".rustup")?.display()
    ));
    volumes.push(format!("{}:/target", cache.display()));
    Ok(volumes)
}

/// Where cargo or rustup have their things.
fn home(variable: &str, usual: &str) -> Result<PathBuf> {
    if let Some(place) = std::env::var_os(variable) {
        return Ok(place.into());
    }
    let home = std::env::var_os("HOME").context("HOME is not set")?;
    Ok(PathBuf::from(home).join(usual))
}

/// This machine's system with a C library that can be linked statically and resolves names without others.
pub(super) fn static_target() -> Result<String> {
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let library = output(command("rustc").args(["--print", "target-libdir", "--target", &target]))?;
    ensure!(
        PathBuf::from(library.trim()).exists(),
        "the toolchain cannot build for {target}: rustup target add {target}"
    );
    Ok(target)
}
