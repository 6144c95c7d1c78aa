//! Findings for programs; docs/audit/README.md describes them.

use std::io::{self, Write};

use evenkeel_balancers::live::Pool;
use evenkeel_balancers::source::{Place, Sources};
use evenkeel_balancers::{Date, Product, ReadError};
use serde::Serialize;

use super::entry::{Entry, entries};
use super::report::{Counts, Item, Origin, Report, Use};
use crate::model::rfc3339;
use crate::running::{Answer, Unasked};

/// What `--output json` prints.
#[derive(Serialize)]
struct Document<'a> {
    date: Date,
    summary: Counts,
    configurations: Vec<Configuration<'a>>,
    errors: Vec<Failure<'a>>,
    not_understood: Vec<Process>,
}

#[derive(Serialize)]
struct Configuration<'a> {
    file: &'a str,
    product: Product,
    files: Vec<&'a str>,
    /// Only of a configuration that was found by the process that uses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<Loaded<'a>>,
    findings: Vec<Finding<'a>>,
    allowed: Vec<Allowed<'a>>,
}

#[derive(Serialize)]
struct Process {
    product: &'static str,
    pid: u32,
    file: String,
}

#[derive(Serialize)]
struct Loaded<'a> {
    pid: u32,
    #[serde(rename = "loaded")]
    at: String,
    changed: Vec<Changed<'a>>,
    /// Null of products that tell nothing.
    state: Option<State<'a>>,
}

/// What the process told of itself; without address it was not asked, or did not answer.
#[derive(Serialize)]
struct State<'a> {
    asked: Option<String>,
    error: Option<String>,
    version: Option<&'a str>,
    pools: &'a [Pool],
}

#[derive(Serialize)]
struct Changed<'a> {
    file: &'a str,
    modified: String,
}

#[derive(Serialize)]
struct Finding<'a> {
    rule: &'a str,
    title: &'a str,
    severity: evenkeel_balancers::Severity,
    #[serde(flatten)]
    at: At<'a>,
    pool: Option<&'a str>,
    subject: Option<&'a str>,
    message: &'a str,
    help: &'a str,
    related: Vec<Related<'a>>,
    fingerprint: String,
}

#[derive(Serialize)]
struct Allowed<'a> {
    #[serde(flatten)]
    finding: Finding<'a>,
    because: &'a str,
    until: Option<Date>,
    comment: At<'a>,
}

#[derive(Serialize)]
struct Related<'a> {
    #[serde(flatten)]
    at: At<'a>,
    message: &'a str,
}

/// A place with its file by name.
#[derive(Serialize)]
pub(super) struct At<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    length: u32,
}

/// What could not be read; line and column are null if the file as a whole is meant.
#[derive(Serialize)]
pub(super) struct Failure<'a> {
    file: &'a str,
    line: Option<u32>,
    column: Option<u32>,
    message: String,
}

impl<'a> At<'a> {
    pub(super) fn of(place: Place, sources: &'a Sources) -> Self {
        Self {
            file: &sources.get(place.file).name,
            line: place.line,
            column: place.column,
            length: place.length,
        }
    }
}

impl<'a> From<&'a ReadError> for Failure<'a> {
    fn from(error: &'a ReadError) -> Self {
        let at = error.position.as_deref();
        Self {
            file: &error.name,
            line: at.map(|at| at.line),
            column: at.map(|at| at.column),
            message: error.why.to_string(),
        }
    }
}

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let document = Document {
        date: report.date,
        summary: report.counts(),
        configurations: report.items.iter().map(configuration).collect(),
        errors: report.failed.iter().map(Failure::from).collect(),
        not_understood: report.not_understood.iter().map(process).collect(),
    };
    print(&document, out)
}

/// Writes one document.
pub(super) fn print(document: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, document)?;
    writeln!(out)
}

fn configuration(item: &Item) -> Configuration<'_> {
    let sources = &item.configuration.sources;
    let (mut findings, mut allowed) = (Vec::new(), Vec::new());
    for entry in entries(item) {
        match entry.allowed {
            Some(by) => allowed.push(Allowed {
                finding: finding(entry, sources),
                because: &by.because,
                until: by.until,
                comment: At::of(by.comment, sources),
            }),
            None => findings.push(finding(entry, sources)),
        }
    }
    Configuration {
        file: item.name(),
        product: item.configuration.product,
        files: sources.iter().map(|source| source.name.as_str()).collect(),
        process: item.used.as_ref().map(loaded),
        findings,
        allowed,
    }
}

fn finding<'a>(entry: Entry<'a>, sources: &'a Sources) -> Finding<'a> {
    let found = entry.finding;
    let related = found.related.iter().map(|(place, what)| Related {
        at: At::of(*place, sources),
        message: what,
    });
    Finding {
        rule: found.rule.id,
        title: found.rule.title,
        severity: found.severity,
        at: At::of(found.place, sources),
        pool: found.pool.as_deref(),
        subject: found.subject.as_deref(),
        message: &found.message,
        help: &found.help,
        related: related.collect(),
        fingerprint: entry.fingerprint,
    }
}

fn loaded(used: &Use) -> Loaded<'_> {
    let changed = used.changed.iter().map(|changed| Changed {
        file: &changed.file,
        modified: rfc3339(changed.modified).to_string(),
    });
    Loaded {
        pid: used.origin.pid,
        at: rfc3339(used.loaded).to_string(),
        changed: changed.collect(),
        state: used.state.as_ref().map(state),
    }
}

fn state(told: &Result<Answer, Unasked>) -> State<'_> {
    match told {
        Ok(answer) => State {
            asked: Some(answer.address.to_string()),
            error: None,
            version: Some(&answer.version),
            pools: &answer.pools,
        },
        Err(error) => State {
            asked: None,
            error: Some(error.to_string()),
            version: None,
            pools: &[],
        },
    }
}

fn process(origin: &Origin) -> Process {
    Process {
        product: origin.kind.as_str(),
        pid: origin.pid,
        file: origin.from.clone(),
    }
}
