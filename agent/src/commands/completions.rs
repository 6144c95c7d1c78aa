//! `evenkeel completions`: what a shell has to know to complete the command line.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use super::{Cli, exit};

/// Prints the script for a shell.
pub(super) fn run(shell: Shell, out: &mut dyn Write) -> anyhow::Result<u8> {
    // `generate` panics where it cannot write, so it writes to memory.
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "evenkeel", &mut script);
    out.write_all(&script)?;
    Ok(exit::FINE)
}
