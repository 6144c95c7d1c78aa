//! Programs from crates.io that tasks run: of a certain version each, in cargo's target folder.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::shell::{cargo, output, run, target};

/// The program of that name, which the crate of the same name has, in that version; installed if need be.
pub(crate) fn installed(name: &str, version: &str) -> Result<PathBuf> {
    let folder = target().join("tools");
    let program = folder.join("bin").join(name);
    let found = output(Command::new(&program).arg("--version"));
    if found.is_ok_and(|found| found.contains(version)) {
        return Ok(program);
    }
    println!("installing {name} {version} into {}", folder.display());
    let mut install = cargo();
    install
        .args(["install", "--locked", "--force"])
        .arg(format!("{name}@{version}"))
        .arg("--root")
        .arg(&folder);
    run(&mut install)?;
    Ok(program)
}
