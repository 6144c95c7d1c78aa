//! What a gate has to tell, whatever the format; a file per format.

mod escape;
mod html;
mod json;
mod junit;
mod markdown;
mod numbers;
mod sentences;
mod text;

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use super::judge::{Judgement, Outcome, Side};
use super::limits::Limits;
use super::series::Total;
use crate::model::Counters;

/// A gate, from its beginning to its judgement.
#[derive(Clone, Debug)]
pub struct Report {
    /// When the run began.
    pub started: SystemTime,
    /// How long traffic was counted.
    pub took: Duration,
    /// What made the traffic.
    pub traffic: Traffic,
    /// What was asked for.
    pub limits: Limits,
    /// The pools, each judged.
    pub pools: Vec<PoolReport>,
    /// What concerns all of them.
    pub notes: Vec<String>,
}

/// What made the traffic.
#[derive(Clone, Debug)]
pub enum Traffic {
    /// A command.
    Command {
        /// Its words, in one line.
        line: String,
        /// How it ended.
        end: End,
    },
    /// The gate itself, through a balancer of its own.
    Hermetic {
        /// The balancer's configuration.
        configuration: String,
    },
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

impl End {
    /// Whether it did what it should.
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Code(0))
    }
}

/// One pool.
#[derive(Clone, Debug)]
pub struct PoolReport {
    /// What users know it by.
    pub name: String,
    /// How its balancer chooses.
    pub algorithm: String,
    /// What it is judged by.
    pub signal: Signal,
    /// Its backends.
    pub rows: Vec<Row>,
    /// What is found.
    pub judgement: Judgement,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// What a pool is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Connections established.
    Opened,
    /// Connections open, on average.
    Active,
    /// Payload bytes, both directions.
    Bytes,
    /// Requests, which a gate's own backends see.
    Requests,
}

impl Signal {
    /// The name that users write and read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Active => "active",
            Self::Bytes => "bytes",
            Self::Requests => "requests",
        }
    }

    /// What it counts, as a sentence says it.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Opened => "connections",
            Self::Active => "open connections",
            Self::Bytes => "bytes",
            Self::Requests => "requests",
        }
    }
}

/// One backend.
#[derive(Clone, Debug)]
pub struct Row {
    /// What users know it by.
    pub name: String,
    /// The share that it should have.
    pub expected: f64,
    /// What it got of the signal.
    pub load: f64,
    /// Within which its true share is, at the confidence.
    pub bounds: Option<(f64, f64)>,
    /// What the kernel counted of it; `None` if the gate's own backends counted.
    pub counted: Option<Counted>,
}

/// What the kernel counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Connections, bytes, handshakes.
    pub counters: Counters,
    /// Connections open when the command ended.
    pub open: u64,
}

impl From<Total> for Counted {
    fn from(total: Total) -> Self {
        Self {
            counters: total.counters,
            open: total.open_at_end,
        }
    }
}

impl Counted {
    /// The mean time of a handshake; `None` if none was measured.
    pub fn handshake(&self) -> Option<Duration> {
        let micros = self
            .counters
            .handshake_micros
            .checked_div(self.counters.handshakes)?;
        Some(Duration::from_micros(micros))
    }
}

impl PoolReport {
    /// The sum over all backends.
    pub fn total(&self) -> f64 {
        self.rows.iter().map(|row| row.load).sum()
    }

    /// A backend's part of it; `None` if there was nothing.
    pub fn share(&self, row: &Row) -> Option<f64> {
        let total = self.total();
        (total > 0.0).then(|| row.load / total)
    }

    /// Whether the kernel counted: failures, handshakes and bytes are known.
    pub fn is_counted(&self) -> bool {
        self.rows.iter().any(|row| row.counted.is_some())
    }

    /// On which side a backend is beyond a limit.
    pub fn side(&self, index: usize) -> Option<Side> {
        let beyond = self.judgement.checks.iter().flat_map(|check| &check.beyond);
        beyond
            .filter(|(at, _)| *at == index)
            .map(|(_, side)| *side)
            .next()
    }

    /// What the pool comes to.
    pub fn outcome(&self) -> Outcome {
        self.judgement.outcome()
    }
}

impl Report {
    /// The worst of all pools; without any, nothing can be told.
    pub fn outcome(&self) -> Outcome {
        let worst = self.pools.iter().map(PoolReport::outcome).max();
        worst.unwrap_or(Outcome::Inconclusive)
    }

    /// The command's end, if there was a command.
    pub fn end(&self) -> Option<End> {
        match self.traffic {
            Traffic::Command { end, .. } => Some(end),
            Traffic::Hermetic { .. } => None,
        }
    }
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people, on a terminal.
    Text {
        /// Whether it shows colours.
        colour: bool,
    },
    /// For programs.
    Json,
    /// A test report: a suite per pool, a case per backend and limit.
    Junit,
    /// For a pull request or a job's summary.
    Markdown,
    /// A page that needs nothing else.
    Html,
}

impl Report {
    /// Writes it.
    pub fn write(&self, format: Format, out: &mut dyn Write) -> io::Result<()> {
        match format {
            Format::Text { colour } => text::write(self, colour, out),
            Format::Json => json::write(self, out),
            Format::Junit => junit::write(self, out),
            Format::Markdown => markdown::write(self, out),
            Format::Html => html::write(self, out),
        }
    }
}
