//! What an audit has to tell, whatever the output.

use std::path::PathBuf;
use std::time::SystemTime;

use evenkeel_balancers::{Audit, Configuration, Date, ReadError, Severity};

use crate::audit::{Inputs, root_name};
use crate::running::{Changed, Kind, Outcome, Running};

/// All that was looked at.
#[derive(Debug)]
pub(super) struct Report {
    /// The day by which comments expire.
    pub(super) date: Date,
    pub(super) items: Vec<Item>,
    /// What could not be read.
    pub(super) failed: Vec<ReadError>,
    /// What runs and is not understood.
    pub(super) not_understood: Vec<Origin>,
}

/// A configuration, and what was found in it.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) configuration: Configuration,
    pub(super) audit: Audit,
    /// The process that uses it, if it was found by that.
    pub(super) used: Option<Use>,
}

/// A process and its configuration.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) kind: Kind,
    pub(super) pid: u32,
    /// As the process sees it.
    pub(super) path: PathBuf,
}

/// How a process uses a configuration.
#[derive(Debug)]
pub(super) struct Use {
    pub(super) origin: Origin,
    pub(super) loaded: SystemTime,
    pub(super) changed: Vec<Changed>,
}

/// How many findings there are, by severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(super) struct Counts {
    pub(super) errors: usize,
    pub(super) warnings: usize,
    pub(super) notes: usize,
    pub(super) allowed: usize,
}

impl Report {
    pub(super) fn of_inputs(inputs: Inputs, date: Date) -> Self {
        let read = inputs.read.into_iter();
        Self {
            date,
            items: read.map(|read| Item::new(read, date, None)).collect(),
            failed: inputs.failed,
            not_understood: Vec::new(),
        }
    }

    pub(super) fn of_running(running: Vec<Running>, date: Date) -> Self {
        let mut report = Self {
            date,
            items: Vec::new(),
            failed: Vec::new(),
            not_understood: Vec::new(),
        };
        for process in running {
            let (kind, pid, loaded) = (process.kind, process.pid, process.loaded);
            for used in process.configurations {
                let origin = Origin {
                    kind,
                    pid,
                    path: used.path,
                };
                report.add(origin, loaded, used.outcome);
            }
        }
        report
    }

    fn add(&mut self, origin: Origin, loaded: SystemTime, outcome: Outcome) {
        match outcome {
            Outcome::Read {
                configuration,
                changed,
            } => {
                let used = Use {
                    origin,
                    loaded,
                    changed,
                };
                self.items
                    .push(Item::new(configuration, self.date, Some(used)));
            }
            Outcome::Failed(error) => self.failed.push(error),
            Outcome::NotUnderstood => self.not_understood.push(origin),
        }
    }

    /// Whether there was nothing to look at.
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty() && self.failed.is_empty() && self.not_understood.is_empty()
    }

    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for audit in self.items.iter().map(|item| &item.audit) {
            for finding in &audit.findings {
                match finding.severity {
                    Severity::Error => counts.errors += 1,
                    Severity::Warning => counts.warnings += 1,
                    Severity::Note => counts.notes += 1,
                }
            }
            counts.allowed += audit.allowed.len();
        }
        counts
    }
}

impl Item {
    fn new(configuration: Configuration, date: Date, used: Option<Use>) -> Self {
        Self {
            audit: configuration.audit(date),
            configuration,
            used,
        }
    }

    /// The file that the configuration begins with.
    pub(super) fn name(&self) -> &str {
        root_name(&self.configuration)
    }
}
