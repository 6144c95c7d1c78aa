//! `cargo xtask test`: all checks and all tests, in the order in which they fail fastest.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use evenkeel_lab::parts;

use crate::shell::{cargo, command, root, run as run_program};
use crate::{bench, book, ebpf, image, kernels, lab, package};

/// The Debian packages that the tests need, beside those of the eBPF toolchain.
const PACKAGES: &[&str] = &[
    "nginx-light",
    "libnginx-mod-stream",
    "haproxy",
    "apache2",
    "prometheus",
    "prometheus-alertmanager",
    "faketime",
    "wrk",
    "iproute2",
    "python3-pip",
    "qemu-system-x86",
    "bpftool",
    "cpio",
    "libc6-dev",
    "chromium",
    "chromium-driver",
    "fonts-dejavu-core",
    "mandoc",
    "man-db",
    "zsh",
    "fish",
    "tmux",
    "musl-tools",
    "binutils",
    "lintian",
    "systemd",
    "util-linux",
    "curl",
    "buildah",
    "podman",
    "crun",
];

/// Programs that show whether the packages are there.
const PROGRAMS: &[&str] = &[
    "nginx",
    "haproxy",
    "apache2",
    "promtool",
    "amtool",
    "prometheus-alertmanager",
    "faketime",
    "wrk",
    "ip",
    "python3",
    "qemu-system-x86_64",
    "bpftool",
    "cpio",
    "chromedriver",
    "mandoc",
    "man",
    "zsh",
    "fish",
    "tmux",
    "musl-gcc",
    "strip",
    "lintian",
    "systemd-analyze",
    "unshare",
    "curl",
    "buildah",
    "podman",
    "crun",
];

type Step = (&'static str, fn() -> Result<()>);

const STEPS: &[Step] = &[
    ("packages", packages),
    ("format", || {
        run_program(cargo().args(["fmt", "--all", "--check"]))
    }),
    ("ebpf-object", ebpf::check),
    ("lint", lint),
    ("documentation", documentation),
    ("book", book::run),
    ("ebpf-format", ebpf_format),
    ("ebpf-build", || ebpf::build().map(drop)),
    ("tests", tests),
    ("package", package::run),
    ("demo", demo),
    ("lab", lab::rehearse),
    ("image", image::check),
    ("kernels", || kernels::run(None)),
    ("bench", || bench::run(None, true)),
];

/// Runs the steps whose name contains `only`, or all.
pub(crate) fn run(only: Option<&str>) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!(
            "the tests load programs into the kernel and make network namespaces: run them as root"
        );
    }
    let chosen: Vec<&Step> = STEPS
        .iter()
        .filter(|(name, _)| only.is_none_or(|only| name.contains(only)))
        .collect();
    if chosen.is_empty() {
        let names: Vec<&str> = STEPS.iter().map(|(name, _)| *name).collect();
        bail!("no such step; there are: {}", names.join(", "));
    }
    let began = Instant::now();
    for (number, (name, step)) in chosen.iter().enumerate() {
        println!(
            "\n=== {}/{} {name} (at {:.0?})",
            number + 1,
            chosen.len(),
            began.elapsed()
        );
        step().with_context(|| format!("step {name}"))?;
    }
    println!(
        "\nall {} steps passed in {:.0?}",
        chosen.len(),
        began.elapsed()
    );
    Ok(())
}

fn packages() -> Result<()> {
    let stream = Path::new("/usr/lib/nginx/modules/ngx_stream_module.so");
    let missing = PROGRAMS
        .iter()
        .any(|program| parts::require(program).is_err());
    if missing || !stream.exists() {
        println!("installing {}", PACKAGES.join(" "));
        parts::install(PACKAGES)?;
    }
    // Here, because the tests that need it run in namespaces without a way out.
    println!("Envoy: {}", parts::envoy()?.display());
    Ok(())
}

fn lint() -> Result<()> {
    run_program(cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]))
}

fn documentation() -> Result<()> {
    let mut doc = cargo();
    doc.args([
        "doc",
        "--workspace",
        "--no-deps",
        "--locked",
        "--document-private-items",
    ]);
    run_program(doc.env("RUSTDOCFLAGS", "-D warnings"))
}

fn ebpf_format() -> Result<()> {
    run_program(
        command("rustfmt")
            .args(["--check", "--edition", "2024"])
            .arg(root().join("ebpf/src/main.rs")),
    )
}

/// The newcomer's command, as short as it goes; it fails if the measures do not move.
fn demo() -> Result<()> {
    run_program(cargo().args(["xtask", "demo", "--seconds", "12"]))
}

/// All tests, with the kernel programs as they are built from the tree.
fn tests() -> Result<()> {
    let object = ebpf::build().context("cannot build the kernel programs from source")?;
    let mut test = cargo();
    test.args(["test", "--workspace", "--locked", "--no-fail-fast"])
        .env("EVENKEEL_OBJECT", &object);
    run_program(&mut test)
}
