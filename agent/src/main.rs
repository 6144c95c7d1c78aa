//! The command line: parse, dispatch, exit code.

use std::process::ExitCode;

use clap::Parser;
use evenkeel::commands::Cli;

fn main() -> ExitCode {
    Cli::parse().run()
}
