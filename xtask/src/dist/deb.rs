//! The Debian package, by cargo-deb. What is in it is said in agent/Cargo.toml, the scripts are in deploy/debian.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{VERSION, contents};
use crate::shell::{command, output, root, run};
use crate::tool;

/// The version of cargo-deb.
const CARGO_DEB: &str = "3.7.0";

/// The version of the package, `later` versions on.
pub(crate) fn version(later: u32) -> String {
    format!("{VERSION}-{}", 1 + later)
}

/// Packs what was staged.
pub(super) fn make(folder: &Path, version: &str) -> Result<PathBuf> {
    let tool = tool::installed("cargo-deb", CARGO_DEB)?;
    let mut pack = command(tool);
    pack.arg("--manifest-path")
        .arg(root().join("agent/Cargo.toml"))
        .args(["--no-build", "--no-strip", "--deb-version", version])
        .args(["--target", &contents::triple(), "--output"])
        .arg(folder);
    let printed = output(&mut pack)?;
    let path = printed.lines().last().map(str::trim).unwrap_or_default();
    let path = PathBuf::from(path);
    path.is_file()
        .then_some(path)
        .with_context(|| format!("cargo-deb names no package: {printed}"))
}

/// Runs lintian; what it warns of is an error here.
pub(crate) fn lint(deb: &Path) -> Result<()> {
    let mut lintian = command("lintian");
    lintian.args(["--fail-on", "error,warning"]);
    // There is no bug of Debian's that the first version closes, and the binary is static on purpose.
    let accepted = "initial-upload-closes-no-bugs,shared-library-lacks-prerequisites";
    run(lintian.args(["--suppress-tags", accepted]).arg(deb))
}
