//! The command line of `evenkeel audit`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use evenkeel_balancers::{Date, Product, Severity};

use crate::audit::today;

/// What is audited, and how it is told.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(in crate::commands) struct AuditArgs {
    /// Files that balancers are started with, folders of such files, or `-` for standard input.
    #[arg(
        value_name = "PATH",
        required_unless_present_any = ["running", "explain", "list_rules", "diff"]
    )]
    pub(super) paths: Vec<PathBuf>,
    /// Whose configuration it is, like `nginx`, if it is not to be told by its content.
    #[arg(long = "as", value_name = "PRODUCT", value_parser = product)]
    pub(super) product: Option<Product>,
    /// Read all paths as one configuration of HAProxy, in their order, as it reads several `-f`.
    #[arg(long, requires = "paths", conflicts_with_all = ["running", "diff", "explain", "list_rules"])]
    pub(super) together: bool,
    /// Audit the configurations of the balancers that run on this host, and compare HAProxy's and Envoy's with what they do.
    #[arg(long, conflicts_with_all = ["paths", "product"])]
    pub(super) running: bool,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) output: Format,
    /// The least severity for which the exit code is 3.
    #[arg(long, value_enum, value_name = "LEAST", default_value_t = Least::Warning)]
    pub(super) severity: Least,
    /// Show the pools with expected shares, instead of findings.
    #[arg(long)]
    pub(super) pools: bool,
    /// Show what changes in expected shares from one configuration to another.
    #[arg(
        long,
        num_args = 2,
        value_names = ["OLD", "NEW"],
        conflicts_with_all = ["paths", "running", "pools"]
    )]
    diff: Option<Vec<PathBuf>>,
    /// Print the page of a rule, like NGX-001.
    #[arg(
        long,
        value_name = "ID",
        conflicts_with_all = ["paths", "running", "pools", "diff", "list_rules"]
    )]
    explain: Option<String>,
    /// List all rules.
    #[arg(long, conflicts_with_all = ["paths", "running", "pools", "diff"])]
    list_rules: bool,
    /// The day by which comments that allow findings expire, like 2027-01-31. [default: today, in UTC]
    #[arg(long, value_name = "DAY")]
    date: Option<Date>,
}

/// What is asked for.
pub(super) enum Task<'a> {
    /// Findings, or pools.
    Look,
    Diff(&'a Path, &'a Path),
    Explain(&'a str),
    List,
}

/// How data is written to standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// SARIF 2.1.0, for code scanning. Findings only.
    Sarif,
    #[value(help = "JUnit, for test reports. Findings only")]
    Junit,
    /// For a pull request. With --diff or --list-rules only.
    Markdown,
}

/// A severity on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Least {
    /// Skew or overload is near certain.
    Error,
    /// Traffic is or will be skewed under conditions that are common.
    Warning,
    /// Worth knowing.
    Note,
}

impl Least {
    pub(super) const fn severity(self) -> Severity {
        match self {
            Self::Error => Severity::Error,
            Self::Warning => Severity::Warning,
            Self::Note => Severity::Note,
        }
    }
}

impl AuditArgs {
    pub(super) fn task(&self) -> Task<'_> {
        match (&self.explain, self.diff.as_deref()) {
            (Some(id), _) => Task::Explain(id),
            (None, Some([old, new])) => Task::Diff(old, new),
            _ if self.list_rules => Task::List,
            _ => Task::Look,
        }
    }

    /// Whether there is such an output of what is asked for; the error says which there are.
    pub(super) fn check(&self) -> Result<(), String> {
        let other = |product: &Product| *product != Product::Haproxy;
        if let Some(product) = self.product.filter(other).filter(|_| self.together) {
            return Err(format!(
                "--together is for HAProxy, which has no word to include a file; of {} name the file that includes the others",
                product.title()
            ));
        }
        let (what, formats): (&str, &[Format]) = match self.task() {
            Task::Explain(_) => ("--explain", &[Format::Text, Format::Json]),
            Task::Diff(..) => ("--diff", &[Format::Text, Format::Json, Format::Markdown]),
            Task::List => (
                "--list-rules",
                &[Format::Text, Format::Json, Format::Markdown],
            ),
            Task::Look if self.pools => ("--pools", &[Format::Text, Format::Json]),
            Task::Look => (
                "findings",
                &[Format::Text, Format::Json, Format::Sarif, Format::Junit],
            ),
        };
        if formats.contains(&self.output) {
            return Ok(());
        }
        let name = |format: &Format| {
            let value = format.to_possible_value();
            value.map_or_else(String::new, |value| value.get_name().to_owned())
        };
        let known: Vec<String> = formats.iter().map(name).collect();
        Err(format!(
            "there is no `--output {}` of {what}; there is {}",
            name(&self.output),
            known.join(", ")
        ))
    }

    /// The day by which comments expire.
    pub(super) fn day(&self) -> anyhow::Result<Date> {
        self.date.map_or_else(today, Ok)
    }
}

pub(in crate::commands) fn product(name: &str) -> Result<Product, String> {
    Product::from_name(name).ok_or_else(|| {
        let known = Product::ALL.map(Product::as_str).join(", ");
        format!("there is no product of that name; write one of: {known}")
    })
}
