//! `cargo xtask kernels`: the agent on other kernels than this host's, in virtual machines.
//!
//! Each machine boots a kernel of Debian's with nothing but an init and the agent in memory. The init
//! (`evenkeel_lab::guest`) makes the checks and tells of them on the serial console, which is judged here. The processor
//! is emulated, so that this runs wherever there is no hardware virtualisation.

mod archive;
mod console;
mod machine;
mod packages;
mod programs;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use evenkeel_lab::parts;

use self::machine::Machine;
use self::packages::Kernel;

/// The kernels that are promised to work, the oldest first. The host's own is what all other tests run on.
static KERNELS: [Kernel; 3] = [
    Kernel {
        name: "6.1-cloud",
        series: "6.1.0-",
        flavour: "-cloud-amd64",
    },
    Kernel {
        name: "6.12-cloud",
        series: "6.12.",
        flavour: "-cloud-amd64",
    },
    Kernel {
        name: "6.12-rt",
        series: "6.12.",
        flavour: "-rt-amd64",
    },
];

/// Programs that this needs, with the Debian packages that they come from.
const PROGRAMS: [(&str, &str); 4] = [
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("apt-get", "apt"),
    ("dpkg-deb", "dpkg"),
    ("tar", "tar"),
];

/// Runs the agent on the kernels whose name contains `filter`, or on all.
pub(crate) fn run(filter: Option<&str>) -> Result<()> {
    let chosen = choose(filter)?;
    for (program, package) in PROGRAMS {
        parts::require(program).with_context(|| {
            format!("no {program} for virtual machines: apt-get install {package}")
        })?;
    }
    let image = programs::image()?;
    let mut failures = Vec::new();
    for kernel in chosen {
        if let Err(error) = check(kernel, &image) {
            failures.push(format!("{}: {error:#}", kernel.name));
        }
    }
    if failures.is_empty() {
        return Ok(());
    }
    bail!("{}", failures.join("\n\n"))
}

fn choose(filter: Option<&str>) -> Result<Vec<&'static Kernel>> {
    let is_meant = |kernel: &&Kernel| filter.is_none_or(|part| kernel.name.contains(part));
    let chosen: Vec<&Kernel> = KERNELS.iter().filter(is_meant).collect();
    if chosen.is_empty() {
        let names = KERNELS.iter().map(|kernel| kernel.name);
        bail!(
            "no such kernel; there are: {}",
            names.collect::<Vec<_>>().join(", ")
        );
    }
    Ok(chosen)
}

/// Boots one kernel and judges what its machine said.
fn check(kernel: &Kernel, initramfs: &Path) -> Result<()> {
    let found = kernel.fetch()?;
    println!("{}: {}", kernel.name, found.package);
    let began = Instant::now();
    let machine = Machine {
        kernel: &found.image,
        initramfs,
    };
    machine.run()?.judge()?;
    println!("{}: passed in {}", kernel.name, seconds(began.elapsed()));
    Ok(())
}

/// A duration as it is shown.
fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
