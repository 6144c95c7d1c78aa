//! The project's tasks. `cargo xtask` lists them.

mod ebpf;
mod shell;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's tasks.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build the kernel programs from source and put the object where the agent embeds it from.
    Ebpf {
        /// Do not build: only say whether the committed object belongs to the sources.
        #[arg(long)]
        check: bool,
    },
    /// Run all checks and tests, on the real kernel with real balancers. Needs root.
    Test {
        /// Only the steps whose name contains this.
        #[arg(value_name = "STEP")]
        only: Option<String>,
    },
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().task {
        Task::Ebpf { check: true } => ebpf::check(),
        Task::Ebpf { check: false } => ebpf::rebuild(),
        Task::Test { only } => test::run(only.as_deref()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
