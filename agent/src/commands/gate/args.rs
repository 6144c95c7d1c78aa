//! The command line of `evenkeel gate`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use evenkeel_balancers::Product;

use crate::gate::report::{Format, Signal};
use crate::gate::{Expect, Limits};

/// How far a share may differ if no limit is given: as in the agent's detection.
const USUAL_TOLERANCE: f64 = 0.25;

/// What is judged, by which limits, while which command runs.
#[derive(Debug, Args)]
pub(in crate::commands) struct GateArgs {
    /// Judge the pools of this configuration of the agent.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Judge the pools of this configuration of nginx, with the shares that follow from it.
    #[arg(long, value_name = "FILE")]
    nginx: Option<PathBuf>,
    #[arg(
        long,
        value_name = "FILE",
        help = "Judge the pools of this configuration of HAProxy"
    )]
    haproxy: Option<PathBuf>,
    /// Judge the pools of this configuration of Envoy.
    #[arg(long, value_name = "FILE")]
    envoy: Option<PathBuf>,
    #[arg(
        long,
        value_name = "FILE",
        help = "Start a balancer of its own with this configuration of nginx, HAProxy or Envoy, with backends and traffic of the \
                gate's, and judge that. Needs no privileges and no command",
        conflicts_with_all = ["config", "nginx", "haproxy", "envoy", "command", "settle", "cgroup", "signal", "no_failed"]
    )]
    pub(super) hermetic: Option<PathBuf>,
    /// The requests or connections per pool that --hermetic sends. [default: as many as the limits need]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    pub(super) connections: Option<u32>,
    /// Whose configuration --hermetic is given, like `haproxy`, if it is not to be told by its content.
    #[arg(long = "as", value_name = "PRODUCT", value_parser = crate::commands::audit::product)]
    pub(super) product: Option<Product>,
    /// The program that --hermetic starts. [default: nginx, haproxy or envoy, from PATH or where it usually is]
    #[arg(long, value_name = "PATH")]
    pub(super) program: Option<PathBuf>,
    /// Judge this pool alone; may be given several times. Without it, all of them.
    #[arg(long = "pool", value_name = "NAME")]
    pub(super) pools: Vec<String>,

    /// The most that a backend may get of its expected share, like 1.2.
    #[arg(long, value_name = "RATIO", value_parser = above_one)]
    max_to_mean: Option<f64>,
    /// The most that the Gini coefficient may be above chance, like 0.1.
    #[arg(long, value_name = "NUMBER", value_parser = between_zero_and_one)]
    gini: Option<f64>,
    /// The part by which each share may differ from the expected one, like 0.2. [default: the pool's own, or 0.25 if there is no
    /// other limit]
    #[arg(long, value_name = "PART", value_parser = above_zero)]
    tolerance: Option<f64>,
    /// No connection attempt may fail.
    #[arg(long)]
    no_failed: bool,
    /// How sure each decision has to be.
    #[arg(long, value_name = "PART", default_value_t = Limits::CONFIDENCE, value_parser = confidence)]
    confidence: f64,
    /// What shares are compared with.
    #[arg(long, value_enum, default_value_t = Expected::Configuration)]
    expect: Expected,
    /// What is judged. [default: opened; active for least-connections]
    #[arg(long, value_enum)]
    signal: Option<Judged>,

    /// How long connections may take to end after the command has.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = humantime::parse_duration)]
    pub(super) settle: Duration,
    /// The root of the host's cgroup v2 hierarchy, if it is not to be found by itself.
    #[arg(long, value_name = "DIRECTORY")]
    pub(super) cgroup: Option<PathBuf>,
    /// How the report is printed to standard output.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
    #[arg(
        long = "report",
        value_name = "FILE",
        value_parser = report_file,
        help = "Write the report to a file as well, in the format of its name: .json, .xml (JUnit), .md, .html or .txt. May be \
                given several times"
    )]
    pub(super) reports: Vec<ReportFile>,
    /// Say nothing while the command runs.
    #[arg(long)]
    pub(super) quiet: bool,

    /// The command that makes the traffic, with its arguments.
    #[arg(
        last = true,
        value_name = "COMMAND",
        required_unless_present = "hermetic"
    )]
    pub(super) command: Vec<OsString>,
}

/// How the report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
    #[value(help = "JUnit, for test reports")]
    Junit,
    /// For a pull request, or a job's summary.
    Markdown,
    /// A page.
    Html,
}

impl Output {
    pub(super) const fn format(self, colour: bool) -> Format {
        match self {
            Self::Text => Format::Text { colour },
            Self::Json => Format::Json,
            Self::Junit => Format::Junit,
            Self::Markdown => Format::Markdown,
            Self::Html => Format::Html,
        }
    }
}

/// What shares are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Expected {
    /// What the balancer's algorithm makes of its configuration; of the agent's configuration, the weights.
    Configuration,
    /// The weights as they are written.
    Weights,
    /// The same for each backend.
    Equal,
}

/// What a pool is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Judged {
    /// Connections established.
    Opened,
    /// Connections open, on average.
    Active,
    /// Payload bytes.
    Bytes,
}

/// A file for the report.
#[derive(Clone, Debug)]
pub(super) struct ReportFile {
    pub(super) path: PathBuf,
    pub(super) format: Format,
}

impl GateArgs {
    /// Whether the options belong together.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        if self.hermetic.is_some() {
            return Ok(());
        }
        match (self.connections, &self.program, self.product) {
            (Some(_), ..) => {
                Err("--connections goes with --hermetic: otherwise the command makes the traffic")
            }
            (_, Some(_), _) => {
                Err("--program goes with --hermetic: otherwise no balancer is started")
            }
            (.., Some(_)) => Err(
                "--as goes with --hermetic: otherwise --nginx, --haproxy and --envoy say whose configuration it is",
            ),
            _ => Ok(()),
        }
    }

    /// The limits; `of_pool` is the tolerance that the pool itself states.
    pub(super) fn limits(&self, of_pool: Option<f64>) -> Limits {
        let alone = self.max_to_mean.is_none() && self.gini.is_none() && !self.no_failed;
        let usual = of_pool.or_else(|| alone.then_some(USUAL_TOLERANCE));
        Limits {
            max_to_mean: self.max_to_mean,
            gini: self.gini,
            tolerance: self.tolerance.or(usual),
            no_failed: self.no_failed,
            confidence: self.confidence,
        }
    }

    pub(super) fn expect(&self) -> Expect {
        match self.expect {
            Expected::Configuration => Expect::Configuration,
            Expected::Weights => Expect::Weights,
            Expected::Equal => Expect::Equal,
        }
    }

    pub(super) fn signal(&self) -> Option<Signal> {
        self.signal.map(|signal| match signal {
            Judged::Opened => Signal::Opened,
            Judged::Active => Signal::Active,
            Judged::Bytes => Signal::Bytes,
        })
    }

    /// The balancers' configurations that name the pools.
    pub(super) fn balancers(&self) -> impl Iterator<Item = (Product, &Path)> {
        [
            (Product::Nginx, &self.nginx),
            (Product::Haproxy, &self.haproxy),
            (Product::Envoy, &self.envoy),
        ]
        .into_iter()
        .filter_map(|(product, path)| Some((product, path.as_deref()?)))
    }

    /// Whether a pool is to be judged.
    pub(super) fn wants(&self, pool: &str) -> bool {
        self.pools.is_empty() || self.pools.iter().any(|name| name == pool)
    }
}

fn number(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().or(Err("it is no number".to_owned()))?;
    if number.is_finite() {
        Ok(number)
    } else {
        Err("it is no number".to_owned())
    }
}

fn within(text: &str, holds: impl Fn(f64) -> bool, range: &str) -> Result<f64, String> {
    let number = number(text)?;
    if holds(number) {
        Ok(number)
    } else {
        Err(format!("it must be {range}"))
    }
}

fn above_one(text: &str) -> Result<f64, String> {
    within(
        text,
        |ratio| ratio > 1.0 && ratio <= 1000.0,
        "above 1, like 1.2: 1 is what a perfect balancer gives the hottest backend",
    )
}

fn between_zero_and_one(text: &str) -> Result<f64, String> {
    within(
        text,
        |number| number > 0.0 && number < 1.0,
        "between 0 and 1, like 0.1",
    )
}

fn above_zero(text: &str) -> Result<f64, String> {
    within(
        text,
        |part| part > 0.0 && part <= 1000.0,
        "above 0, like 0.2 for a fifth",
    )
}

fn confidence(text: &str) -> Result<f64, String> {
    within(
        text,
        |part| (0.5..=0.999_999).contains(&part),
        "from 0.5 to 0.999999, like 0.99",
    )
}

fn report_file(text: &str) -> Result<ReportFile, String> {
    let path = PathBuf::from(text);
    let end = path.extension().and_then(|end| end.to_str());
    let format = match end {
        Some("json") => Format::Json,
        Some("xml") => Format::Junit,
        Some("md") => Format::Markdown,
        Some("html") => Format::Html,
        Some("txt") => Format::Text { colour: false },
        _ => {
            return Err(
                "its name must end in .json, .xml (JUnit), .md, .html or .txt, which says the format"
                    .to_owned(),
            );
        }
    };
    Ok(ReportFile { path, format })
}
