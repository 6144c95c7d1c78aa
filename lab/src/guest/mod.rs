//! The init of a virtual machine that runs the agent on another kernel: it uses the agent as a user does, makes real
//! traffic, checks the agent's numbers against the ledger, says on the console what came of it, and turns the machine
//! off.
//!
//! `cargo xtask kernels` builds it, starts the machines and reads their consoles.

mod bed;
mod checks;
mod configured;
mod console;
mod doctor;
mod loaded;
mod report;
mod system;
mod truth;
mod watched;

use std::process::ExitCode;

pub use report::{Check, Line, Outcome};

/// Where the agent is in the machine's file system.
pub const AGENT: &str = "/bin/evenkeel";

/// Runs as the init of a virtual machine; nowhere else, for it mounts file systems and turns the machine off.
pub fn run() -> ExitCode {
    if std::process::id() != 1 {
        eprintln!(
            "this is the init of the virtual machines that `cargo xtask kernels` starts, and runs nowhere else"
        );
        return ExitCode::from(2);
    }
    let outcome = system::prepare().and_then(|()| checks::all());
    let error = outcome.err().map(|error| format!("{error:#}"));
    let ended = console::say(&Line::Verdict { error }).and_then(|()| system::power_off());
    // An init that ends makes the kernel panic, which ends the machine as well.
    if let Err(error) = ended {
        eprintln!("{error:#}");
    }
    ExitCode::FAILURE
}
