//! Which of the agent's programs are in the kernel, asked of the kernel itself.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::wait::wait_for;

/// The hook that counts.
pub(super) const HOOK: &str = "evenkeel_count";
/// The walk of open connections.
pub(super) const WALK: &str = "evenkeel_walk";

/// How long the kernel may take to free a program: it waits until no processor can be running it.
const PATIENCE: Duration = Duration::from_secs(10);

/// An error unless exactly these of the agent's programs are in the kernel.
pub(super) fn are(expected: &[&str]) -> Result<()> {
    let found = agents()?;
    ensure!(
        found == expected,
        "the kernel has the programs {found:?}, not {expected:?}"
    );
    Ok(())
}

/// Waits until none of the agent's programs is in the kernel.
pub(super) fn none() -> Result<()> {
    wait_for(PATIENCE, "the agent's programs to leave the kernel", || {
        Ok(agents()?.is_empty().then_some(()))
    })
}

/// The agent's programs in the kernel, sorted. The kernel lists a compiled program with its functions, named
/// `bpf_prog_<tag>_<name>`; a user without privileges would see it too (`net.core.bpf_jit_kallsyms`).
fn agents() -> Result<Vec<&'static str>> {
    let symbols =
        std::fs::read_to_string("/proc/kallsyms").context("cannot read /proc/kallsyms")?;
    let is_loaded = |name: &str| {
        symbols
            .lines()
            .any(|line| line.contains(" bpf_prog_") && line.contains(&format!("_{name}")))
    };
    Ok([HOOK, WALK]
        .into_iter()
        .filter(|name| is_loaded(name))
        .collect())
}
