//! `cargo xtask ebpf`: the kernel programs, from source to the object that the agent embeds.
//!
//! The object is committed together with a digest of the sources that it was built from, so that users need nothing of
//! this. A build needs a compiler with its core library's sources and unstable features: Debian's `rustc-web`, or
//! rustup's nightly; and `bpf-linker`, which is installed into the target folder if it is not there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use evenkeel_lab::parts;
use sha2::{Digest, Sha256};

use crate::shell::{cargo, command, output, root, run, target};

const OBJECT: &str = "ebpf/evenkeel.bpf.o";
const DIGEST: &str = "ebpf/evenkeel.bpf.o.sources";
const BPF_LINKER: &str = "0.13.0";
const LLVM: &str = "/usr/lib/llvm-22";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_SOURCES: &str = "/usr/lib/rustlib/src/rust/library";
const DEBIAN_PACKAGES: [&str; 6] = [
    "rustc-web",
    "cargo-web",
    "rust-web-src",
    "rust-web-llvm",
    "llvm-22-dev",
    "libclang-rt-22-dev",
];

/// Builds the object and commits it to its place, with the digest of its sources.
pub(crate) fn rebuild() -> Result<()> {
    let built = build()?;
    fs::copy(&built, root().join(OBJECT)).with_context(|| format!("cannot write {OBJECT}"))?;
    fs::write(root().join(DIGEST), format!("{}\n", digest()?))
        .with_context(|| format!("cannot write {DIGEST}"))?;
    println!(
        "{OBJECT}: {} bytes, {}",
        fs::metadata(&built)?.len(),
        digest()?
    );
    Ok(())
}

/// An error if the committed object was built from other sources than those of the tree.
pub(crate) fn check() -> Result<()> {
    let recorded =
        fs::read_to_string(root().join(DIGEST)).with_context(|| format!("cannot read {DIGEST}"))?;
    let sources = digest()?;
    if recorded.trim() != sources {
        bail!(
            "{OBJECT} is stale: it was built from {}, the tree has {sources}; run `cargo xtask ebpf`",
            recorded.trim()
        );
    }
    println!("{OBJECT} belongs to the sources {sources}");
    Ok(())
}

/// Builds the object from source; gives its path in the target folder.
pub(crate) fn build() -> Result<PathBuf> {
    let toolchain = Toolchain::find()?;
    let linker = bpf_linker()?;
    let folder = target().join("ebpf");
    let mut compile = toolchain.cargo();
    compile
        .current_dir(root().join("ebpf"))
        .args([
            "build",
            "--release",
            "--locked",
            "--target",
            "bpfel-unknown-none",
            "-Zbuild-std=core",
        ])
        .arg("--target-dir")
        .arg(&folder)
        .env("CARGO_ENCODED_RUSTFLAGS", rustflags(&linker).join("\x1f"))
        .env_remove("RUSTFLAGS");
    run(&mut compile)?;
    let built = folder.join("bpfel-unknown-none/release/evenkeel");
    let stripped = folder.join("evenkeel.bpf.o");
    // The type information (.BTF) stays; the debug information that it was made of goes.
    run(command(objcopy())
        .arg("--strip-debug")
        .arg(&built)
        .arg(&stripped))?;
    Ok(stripped)
}

/// No path of this machine gets into the object: the same sources give the same bytes anywhere.
fn rustflags(linker: &Path) -> Vec<String> {
    let remap = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let mut flags = vec![
        "-Cdebuginfo=2".to_owned(),
        "-Clink-arg=--btf".to_owned(),
        format!("-Clinker={}", linker.display()),
        remap(&root(), ""),
    ];
    flags.extend(home.map(|home| remap(&home, "cargo")));
    flags
}

/// A compiler that can build its own core library.
enum Toolchain {
    Debian,
    RustupNightly,
}

impl Toolchain {
    fn find() -> Result<Self> {
        if debian_is_whole() {
            return Ok(Self::Debian);
        }
        let sysroot = Command::new("rustc")
            .args(["+nightly", "--print", "sysroot"])
            .output();
        let sources = "lib/rustlib/src/rust/library/core";
        if sysroot.is_ok_and(|out| {
            out.status.success()
                && Path::new(String::from_utf8_lossy(&out.stdout).trim())
                    .join(sources)
                    .exists()
        }) {
            return Ok(Self::RustupNightly);
        }
        println!(
            "installing the eBPF toolchain: {}",
            DEBIAN_PACKAGES.join(" ")
        );
        parts::install(&DEBIAN_PACKAGES).with_context(|| {
            format!(
                "no toolchain for eBPF: as root `apt-get install {}`, or `rustup toolchain install nightly --component \
                 rust-src`",
                DEBIAN_PACKAGES.join(" ")
            )
        })?;
        Ok(Self::Debian)
    }

    fn cargo(&self) -> Command {
        match self {
            Self::Debian => {
                let mut cargo = Command::new("/usr/bin/cargo");
                cargo.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1");
                // Set by the cargo that runs this, of another toolchain.
                cargo.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
                cargo
            }
            Self::RustupNightly => {
                let mut cargo = Command::new("cargo");
                cargo
                    .arg("+nightly")
                    .env_remove("RUSTC")
                    .env_remove("RUSTUP_TOOLCHAIN");
                cargo
            }
        }
    }
}

fn debian_is_whole() -> bool {
    [DEBIAN_RUSTC, "/usr/bin/cargo", DEBIAN_SOURCES, LLVM]
        .iter()
        .all(|part| Path::new(part).exists())
}

/// The linker that makes one object of Rust's, in the version that the committed object was made with.
fn bpf_linker() -> Result<PathBuf> {
    let folder = target().join("tools");
    let installed = folder.join("bin/bpf-linker");
    if version(&installed).is_some_and(|version| version.contains(BPF_LINKER)) {
        return Ok(installed);
    }
    println!(
        "installing bpf-linker {BPF_LINKER} into {}",
        folder.display()
    );
    let mut install = cargo();
    install
        .args([
            "install",
            "--locked",
            "--force",
            &format!("bpf-linker@{BPF_LINKER}"),
            "--root",
        ])
        .arg(&folder)
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    if Path::new(LLVM).exists() {
        install
            .args(["--no-default-features", "--features", "llvm-22"])
            .env("LLVM_SYS_221_PREFIX", LLVM)
            // The linker's build looks for LLVM's libraries beside the programs that it finds.
            .env("PATH", path_with_llvm());
    }
    run(&mut install)?;
    Ok(installed)
}

fn path_with_llvm() -> std::ffi::OsString {
    let mut path = Path::new(LLVM).join("bin").into_os_string();
    if let Some(rest) = std::env::var_os("PATH") {
        path.push(":");
        path.push(rest);
    }
    path
}

fn version(program: &Path) -> Option<String> {
    output(Command::new(program).arg("--version")).ok()
}

fn objcopy() -> PathBuf {
    let debian = Path::new(LLVM).join("bin/llvm-objcopy");
    if debian.exists() {
        debian
    } else {
        "llvm-objcopy".into()
    }
}

/// SHA-256 over names and contents of everything that the object is made of.
fn digest() -> Result<String> {
    let mut files = vec![
        PathBuf::from("ebpf/Cargo.toml"),
        "ebpf/Cargo.lock".into(),
        "ebpf/abi/Cargo.toml".into(),
    ];
    for folder in ["ebpf/src", "ebpf/abi/src"] {
        for entry in
            fs::read_dir(root().join(folder)).with_context(|| format!("cannot read {folder}"))?
        {
            files.push(Path::new(folder).join(entry?.file_name()));
        }
    }
    files.sort();
    let mut digest = Sha256::new();
    for file in files {
        let content = fs::read(root().join(&file))
            .with_context(|| format!("cannot read {}", file.display()))?;
        digest.update(file.to_string_lossy().as_bytes());
        digest.update([0]);
        digest.update((content.len() as u64).to_le_bytes());
        digest.update(content);
    }
    let bytes = digest.finalize();
    Ok(bytes
        .iter()
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")))
}
