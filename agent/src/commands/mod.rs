//! The command line: one file per subcommand.
//!
//! Data goes to standard output, messages to standard error.

mod audit;
mod backtest;
pub mod check_config;
mod completions;
mod doctor;
mod fleet;
mod gate;
mod man;
mod run;
mod size;
mod terminal;
mod top;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use self::audit::AuditArgs;
use self::backtest::BacktestArgs;
use self::fleet::FleetArgs;
use self::gate::GateArgs;
use self::terminal::{Terminal, colours_are_wanted};
use self::top::TopArgs;
use crate::app::Record;
use crate::kernel::Extent;

/// Exit codes; a part of the contract with scripts.
mod exit {
    /// Everything is as it should be.
    pub(super) const FINE: u8 = 0;
    /// The tool or its surroundings failed.
    pub(super) const FAILED: u8 = 1;
    /// The command line or the configuration is wrong.
    pub(super) const USAGE: u8 = 2;
    /// Something was found that counts.
    pub(super) const FINDINGS: u8 = 3;
    /// Too little was seen to decide.
    pub(super) const INCONCLUSIVE: u8 = 4;
    /// The command that was to be run failed.
    pub(super) const COMMAND: u8 = 5;
}

/// Where the configuration is if nobody says otherwise.
pub const DEFAULT_CONFIG: &str = "/etc/evenkeel/evenkeel.yaml";

/// Real-time traffic-skew monitor: counts connections and bytes per backend in the kernel, and tells how evenly they
/// are spread.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    // Behind the options of the command itself, in help texts and manual pages.
    /// How messages are written to standard error.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, display_order = 900)]
    log_format: LogFormat,

    /// Which messages are written: error, warn, info, debug, trace, or a filter such as `info,evenkeel::engine=debug`.
    #[arg(
        long,
        global = true,
        default_value = "info",
        value_name = "FILTER",
        display_order = 901
    )]
    log_level: Targets,

    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// How data is written to standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Count, measure and export until stopped: the daemon.
    Run {
        /// The configuration file. Without one, `/etc/evenkeel/evenkeel.yaml` is used if it exists; else the pools of
        /// the balancers that run on this host are watched, and all other endpoints that it connects to, by port.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// The root of the host's cgroup v2 hierarchy, if it is not to be found by itself.
        #[arg(long, value_name = "DIRECTORY")]
        cgroup: Option<PathBuf>,
        /// Count only the connections of this cgroup and of those below it, such as a slice, instead of those of the whole host. The agent itself
        /// must run in it.
        #[arg(long, value_name = "DIRECTORY", conflicts_with = "cgroup")]
        only_cgroup: Option<PathBuf>,
        /// Record what is counted, tick by tick, for `evenkeel backtest`. A file that is a recording is appended to.
        #[arg(long, value_name = "FILE")]
        record: Option<PathBuf>,
        /// How large the recording may become, like `500MiB`; then recording ends, and the agent goes on.
        #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = size::bytes, requires = "record")]
        record_limit: u64,
        /// Keep all rights, and close no system calls: to find out whether that is what a fault comes from.
        #[arg(long)]
        unconfined: bool,
    },
    /// Show what an agent knows, live in the terminal: pools, the worst first, their backends, and incidents.
    Top(Box<TopArgs>),
    /// Watch all hosts together: judge what all agents exported to a Prometheus, Thanos, Mimir or VictoriaMetrics.
    Fleet(Box<FleetArgs>),
    /// Say what in a load balancer's configuration skews traffic, and what share each server should get.
    Audit(Box<AuditArgs>),
    /// Say what would have alarmed, when, and with which settings: recorded counts through the same detection.
    Backtest(Box<BacktestArgs>),
    /// Run a command, such as a load test, and say whether the traffic that it makes is spread as it should be.
    Gate(Box<GateArgs>),
    /// Say whether a configuration file is right, and what to change if not.
    CheckConfig {
        /// The configuration file.
        #[arg(default_value = DEFAULT_CONFIG)]
        file: PathBuf,
        /// How to print the result.
        #[arg(long, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Say what this host offers, what is missing, and how to get it.
    Doctor {
        /// The root of the host's cgroup v2 hierarchy, if it is not to be found by itself.
        #[arg(long, value_name = "DIRECTORY")]
        cgroup: Option<PathBuf>,
        /// How to print the result.
        #[arg(long, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Print what a shell needs to complete the command line.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Write the manual pages, one for each command.
    Man {
        /// The folder to write them to.
        folder: PathBuf,
    },
}

impl Cli {
    /// Does what was asked, and gives the exit code.
    pub fn run(self) -> ExitCode {
        let drawn = matches!(&self.command, Command::Top(args) if args.is_drawn());
        // Messages would be written over the picture.
        if !(drawn && io::stderr().is_terminal()) {
            start_log(self.log_format, self.log_level);
        }
        let (mut out, mut err) = (io::stdout().lock(), io::stderr());
        let outcome = match self.command {
            Command::Run {
                config,
                cgroup,
                only_cgroup,
                record,
                record_limit: limit,
                unconfined,
            } => {
                drop(out);
                let record = record.map(|file| Record { file, limit });
                let extent = only_cgroup.map_or_else(|| cgroup.into(), Extent::Part);
                run::run(config, extent, record, unconfined)
            }
            Command::Fleet(args) => {
                drop(out);
                fleet::run(&args)
            }
            Command::Top(args) => {
                // A panic of another thread gives the terminal back, and must not wait for this one.
                drop(out);
                top::run(&args, &mut io::stdout(), &mut err)
            }
            Command::Audit(args) => audit::run(&args, Terminal::of_stdout(), &mut out, &mut err),
            Command::Backtest(args) => {
                backtest::run(&args, Terminal::of_stdout(), &mut out, &mut err)
            }
            Command::Gate(args) => gate::run(&args, Terminal::of_stdout(), &mut out, &mut err),
            Command::CheckConfig { file, output } => {
                check_config::run(&file, output == Output::Json, &mut out, &mut err)
            }
            Command::Doctor { cgroup, output } => {
                doctor::run(cgroup.as_deref(), output == Output::Json, &mut out)
            }
            Command::Completions { shell } => completions::run(shell, &mut out),
            Command::Man { folder } => man::run(&folder),
        };
        ExitCode::from(outcome.unwrap_or_else(|error| report(&error)))
    }
}

/// Prints an error once; a reader that went away (`| head`) is none.
fn report(error: &anyhow::Error) -> u8 {
    let broken_pipe = |cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe;
    if error
        .chain()
        .filter_map(|cause| cause.downcast_ref())
        .any(broken_pipe)
    {
        return exit::FINE;
    }
    // Nothing can be done if standard error is gone as well.
    drop(writeln!(io::stderr(), "evenkeel: {error:#}"));
    exit::FAILED
}

fn start_log(format: LogFormat, filter: Targets) {
    let colour = io::stderr().is_terminal() && colours_are_wanted();
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let log = tracing_subscriber::registry().with(without_kube(filter));
    match format {
        LogFormat::Text => log.with(lines.with_ansi(colour)).init(),
        LogFormat::Json => log.with(lines.json().flatten_event(true)).init(),
    }
}

/// What kube has to say of requests is told by what asks, once, unless the user wants to hear kube.
fn without_kube(filter: Targets) -> Targets {
    const KUBE: &str = "kube_client";
    if filter.iter().any(|(target, _)| target.starts_with(KUBE)) {
        return filter;
    }
    filter.with_target(KUBE, LevelFilter::OFF)
}
