//! `cargo xtask package`: what is released, as a host has it. The Debian package is installed, started, reloaded, upgraded and removed
//! under a real systemd; the archive is installed by the commands of the documents.

mod checks;
mod machine;
mod service;

use std::time::Instant;

use anyhow::{Context, Result, ensure};

use self::machine::Machine;
use crate::dist::{self, Dist};
use crate::shell::{command, run as run_program};

type Check = (&'static str, fn(&Machine, &Packages) -> Result<()>);

/// In the order of a package's life; each begins where the one before ended.
const CHECKS: &[Check] = &[
    ("install", checks::install),
    ("discover and count", checks::count),
    ("reload", checks::reload),
    ("refuse a wrong configuration", checks::wrong_configuration),
    ("restart what hangs", checks::hang),
    ("upgrade", checks::upgrade),
    ("remove", checks::remove),
    ("purge", checks::purge),
    ("install the archive", checks::archive),
];

/// What is installed: paths inside the machine.
struct Packages {
    first: String,
    later: String,
    archive: String,
}

/// Makes what is released, and tries it.
pub(crate) fn run() -> Result<()> {
    let dist = dist::run()?;
    check_files(&dist)?;
    let _alone = alone()?;
    let began = Instant::now();
    let machine = Machine::boot()?;
    println!(
        "systemd is PID 1 of a machine after {:.1?}",
        began.elapsed()
    );
    let elsewhere = tempfile::tempdir()?;
    let packages = Packages {
        first: machine.put(&dist.deb)?,
        later: machine.put(&dist::later(elsewhere.path())?)?,
        archive: machine.put(&dist.archive)?,
    };
    for (name, check) in CHECKS {
        let began = Instant::now();
        check(&machine, &packages).with_context(|| format!("{name}\n{}\n", machine.journal()))?;
        println!("{name}: as it should be ({:.1?})", began.elapsed());
    }
    Ok(())
}

/// The files by themselves.
fn check_files(dist: &Dist) -> Result<()> {
    dist::lint(&dist.deb)?;
    let mut sums = command("sha256sum");
    run_program(
        sums.args(["--check", "--quiet", "SHA256SUMS"])
            .current_dir(&dist.folder),
    )?;
    let size = std::fs::metadata(&dist.deb)?.len();
    ensure!(
        size < 16 << 20,
        "the package has {size} bytes: what got in?"
    );
    Ok(())
}

/// One agent counts on a host: waits for the turn, as the tests do.
fn alone() -> Result<std::fs::File> {
    let path = std::env::temp_dir().join("evenkeel-tests.lock");
    let lock =
        std::fs::File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    lock.lock()?;
    Ok(lock)
}
