//! The project's tasks. `cargo xtask` lists them.

mod bench;
mod book;
mod demo;
mod dist;
mod docs;
mod ebpf;
mod fuzz;
mod image;
mod kernels;
mod lab;
mod package;
mod shell;
mod stop;
mod test;
mod tool;

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
    /// Measure what the agent costs and write it to docs/benchmarks.md. Needs root and a quiet machine.
    Bench {
        /// Only this part.
        which: Option<bench::Part>,
        /// Only show that the bench works: short runs, the document stays as it is.
        #[arg(long)]
        quick: bool,
    },
    /// Make the book of the documents in docs/, and check its links. Installs mdBook into cargo's target folder.
    Book,
    /// See a skew appear: a small fleet behind a real nginx, a wrong weight, and what the agent shows. Needs root.
    Demo(demo::Options),
    /// Make what is released: a Debian package, an archive for other hosts, and their digests, in target/dist.
    Dist,
    /// Rewrite the parts of the documents that are made of what they describe: keys, metrics, rules, commands.
    Docs,
    /// Build the kernel programs from source and put the object where the agent embeds it from.
    Ebpf {
        /// Do not build: only say whether the committed object belongs to the sources.
        #[arg(long)]
        check: bool,
    },
    /// Give any bytes to what reads files that others wrote, with libFuzzer. Needs nightly and cargo-fuzz.
    Fuzz {
        /// Only targets whose name contains this.
        #[arg(value_name = "NAME")]
        only: Option<String>,
        /// How long each target runs.
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
    /// Build the image of the agent, and run it as Kubernetes would. Needs root.
    Image(image::Options),
    /// Run the agent on Debian's 6.1 and 6.12 kernels and on a real-time one, under qemu. Needs root.
    Kernels {
        /// Only kernels whose name contains this.
        #[arg(value_name = "NAME")]
        only: Option<String>,
    },
    /// Find out what is wrong: incidents re-enacted with real balancers, for training. Needs root.
    Lab(lab::Options),
    /// Install, start, reload, upgrade and remove the Debian package, under a systemd of its own. Needs root.
    Package,
    /// Make a picture of what tmux captured: `tmux capture-pane -p -e | cargo xtask picture docs/images/top.svg --title TITLE`.
    Picture(demo::captured::Options),
    /// Run all checks and tests, on the real kernel with real balancers. Needs root.
    Test {
        /// Only the steps whose name contains this.
        #[arg(value_name = "STEP")]
        only: Option<String>,
    },
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().task {
        Task::Lab(options) => return lab::run(&options),
        Task::Bench { which, quick } => bench::run(which, quick),
        Task::Book => book::run(),
        Task::Demo(options) => demo::run(&options),
        Task::Dist => dist::run().map(drop),
        Task::Docs => docs::run(),
        Task::Package => package::run(),
        Task::Picture(options) => demo::captured::run(&options),
        Task::Ebpf { check: true } => ebpf::check(),
        Task::Ebpf { check: false } => ebpf::rebuild(),
        Task::Fuzz { only, seconds } => fuzz::run(only.as_deref(), seconds),
        Task::Image(options) => image::run(&options),
        Task::Kernels { only } => kernels::run(only.as_deref()),
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
