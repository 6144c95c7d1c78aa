//! What an audit has to tell, whatever the output.

use std::path::PathBuf;
use std::time::SystemTime;

use evenkeel_balancers::model::Pool;
use evenkeel_balancers::{Audit, Configuration, Date, ReadError, Severity, fleet};

use crate::audit::{Inputs, root_name};
use crate::model::rfc3339;
use crate::running::{self, Answer, Changed, Kind, Outcome, Running, Unasked};

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
    /// What its configuration is read from: paths as the process sees them, or what else it is.
    pub(super) from: String,
}

/// How a process uses a configuration.
#[derive(Debug)]
pub(super) struct Use {
    pub(super) origin: Origin,
    pub(super) loaded: SystemTime,
    pub(super) changed: Vec<Changed>,
    /// What it told of its state; `None` of products that tell nothing, and of what it told itself.
    pub(super) state: Option<Result<Answer, Unasked>>,
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
        let mut report = Self::empty(date);
        report.failed = inputs.failed;
        let read = inputs.read.into_iter();
        report.take(read.map(|read| (read, None)).collect());
        report
    }

    pub(super) fn of_running(running: Vec<Running>, date: Date) -> Self {
        let mut report = Self::empty(date);
        let mut read = Vec::new();
        for process in running {
            report.add(process, &mut read);
        }
        report.take(read);
        report
    }

    const fn empty(date: Date) -> Self {
        Self {
            date,
            items: Vec::new(),
            failed: Vec::new(),
            not_understood: Vec::new(),
        }
    }

    /// Compares configurations with each other, and takes them.
    fn take(&mut self, read: Vec<(Configuration, Option<Use>)>) {
        let (mut configurations, used): (Vec<_>, Vec<_>) = read.into_iter().unzip();
        fleet::compare(&mut configurations);
        let items = configurations.into_iter().zip(used);
        self.items = items
            .map(|(configuration, used)| Item::new(configuration, self.date, used))
            .collect();
    }

    fn add(&mut self, process: Running, read: &mut Vec<(Configuration, Option<Use>)>) {
        let asked = match &process.outcome {
            Outcome::Read { configuration, .. } => Some(running::ask(&process, configuration)),
            _ => None,
        };
        let origin = Origin {
            kind: process.kind,
            pid: process.pid,
            from: from(&process.paths),
        };
        match process.outcome {
            Outcome::Read {
                configuration,
                changed,
            } => {
                let state = asked.filter(|asked| !matches!(asked, Err(Unasked::Product(_))));
                let used = Use {
                    origin,
                    loaded: process.loaded,
                    changed,
                    state,
                };
                compared(configuration, used, read);
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

/// Compares a configuration with what its process told, and adds both to what was read.
fn compared(
    mut configuration: Configuration,
    mut used: Use,
    read: &mut Vec<(Configuration, Option<Use>)>,
) {
    let loaded = rfc3339(used.loaded).to_string();
    for changed in &used.changed {
        let modified = rfc3339(changed.modified).to_string();
        configuration.not_loaded(&changed.file, &modified, &loaded);
    }
    let mut told = None;
    if let Some(Ok(answer)) = &mut used.state {
        configuration.compare(&answer.pools);
        told = answer.configuration.take();
        if let Some(told) = &mut told {
            // What the files have was audited there.
            told.keep_pools(|pool| !has(&configuration, pool));
            told.compare(&answer.pools);
        }
    }
    let discovered = told
        .filter(|told| !told.pools.is_empty())
        .map(|told| (Use::of_told(&used, &told), told));
    read.push((configuration, Some(used)));
    read.extend(discovered.map(|(used, told)| (told, Some(used))));
}

impl Use {
    /// How the same process uses what it told of itself.
    fn of_told(used: &Self, told: &Configuration) -> Self {
        let origin = Origin {
            from: root_name(told).to_owned(),
            ..used.origin
        };
        Self {
            origin,
            loaded: used.loaded,
            changed: Vec::new(),
            state: None,
        }
    }
}

/// Whether a configuration says which servers a pool has.
fn has(configuration: &Configuration, pool: &Pool) -> bool {
    let mut known = configuration.pools.iter();
    known.any(|known| known.name == pool.name && !known.servers.is_empty())
}

fn from(paths: &[PathBuf]) -> String {
    let shown: Vec<String> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    if shown.is_empty() {
        "its command line".to_owned()
    } else {
        shown.join(", ")
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
