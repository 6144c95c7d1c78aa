//! The command line of `evenkeel top`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::commands::Output;
use crate::http_client::Access;
use crate::model::{Credentials, Tls};
use crate::top::{Column, Sort};

/// Where the agent of this host serves unless its configuration says otherwise.
const LOCAL: &str = "http://127.0.0.1:9797";

/// How long an answer may take to begin.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest time that is counted before a table is printed.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// Whom to ask, and what to show.
#[derive(Debug, Args)]
pub(in crate::commands) struct TopArgs {
    /// The agent to look at: the address of its page. Without one, the agent of this host is asked, at
    /// `http://127.0.0.1:9797`; if there is none, this process counts by itself, as root.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The user name for the agent.
    #[arg(long, value_name = "NAME", requires = "password_file")]
    username: Option<String>,
    /// A file with the password for the agent.
    #[arg(long, value_name = "FILE", requires = "username")]
    password_file: Option<PathBuf>,
    /// Certificates of the authorities to trust, as PEM, instead of the system's.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Our certificate, as PEM, for an agent that wants one.
    #[arg(long, value_name = "FILE", requires = "key_file")]
    cert_file: Option<PathBuf>,
    /// The key of our certificate, as PEM.
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    key_file: Option<PathBuf>,

    /// Count by this process, with this configuration; needs root. No agent is asked, nothing is served, and nobody is alerted.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["url", "username", "ca_file", "cert_file"]
    )]
    pub(super) config: Option<PathBuf>,
    /// The root of the host's cgroup v2 hierarchy, if it is not to be found by itself; for counting by this process.
    #[arg(long, value_name = "DIRECTORY", conflicts_with = "url")]
    pub(super) cgroup: Option<PathBuf>,

    /// What pools are ordered by.
    #[arg(long, value_name = "COLUMN", value_enum, default_value_t = Column::Verdict)]
    sort: Column,
    /// The other way round.
    #[arg(long)]
    reverse: bool,
    /// Only pools in whose name, role, source, verdict, signal or worst backend all these words are.
    #[arg(
        long,
        value_name = "WORDS",
        default_value = "",
        hide_default_value = true
    )]
    pub(super) filter: String,

    /// Print a table and end.
    #[arg(long)]
    pub(super) once: bool,
    /// How to print it; JSON is the whole answer of `/api/v1/pools`, in its own order.
    #[arg(long, value_enum, default_value_t = Output::Text, requires = "once", conflicts_with_all = ["filter", "sort", "reverse"])]
    pub(super) output: Output,
    /// How long to count before printing, if this process counts.
    #[arg(long = "for", value_name = "DURATION", value_parser = time, default_value = "10s", requires = "once")]
    pub(super) time: Duration,
}

impl TopArgs {
    /// The address of the agent.
    pub(super) fn address(&self) -> &str {
        self.url.as_deref().unwrap_or(LOCAL)
    }

    /// Whether a picture is drawn on the terminal.
    pub(in crate::commands) fn is_drawn(&self) -> bool {
        !self.once
    }

    /// Whether an agent was named, rather than looked for.
    pub(super) fn named(&self) -> bool {
        self.url.is_some()
    }

    /// How it is asked.
    pub(super) fn access(&self) -> Access {
        let basic = self.username.clone().zip(self.password_file.clone());
        Access {
            credentials: basic.map(|(username, password_file)| Credentials::Basic {
                username,
                password_file,
            }),
            tls: Tls {
                ca_file: self.ca_file.clone(),
                identity: self.cert_file.clone().zip(self.key_file.clone()),
                ..Tls::default()
            },
            timeout: PATIENCE,
        }
    }

    /// The order of pools.
    pub(super) fn order(&self) -> Sort {
        Sort {
            by: self.sort,
            reversed: self.reverse,
        }
    }
}

fn time(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if time > LONGEST {
        return Err("write a time of at most 1h".to_owned());
    }
    Ok(time)
}
