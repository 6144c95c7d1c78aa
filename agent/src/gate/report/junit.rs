//! The report as a test report: a suite for each pool, a case for each backend and for each limit.
//!
//! What is beyond a limit is a failure; what cannot be told is an error, for nobody looks at what was skipped.

use std::io::{self, Write};

use super::numbers::{percent, ratio};
use super::sentences::{basis, check};
use super::{End, PoolReport, Report, Row, Traffic};
use crate::gate::judge::{Outcome, Side};
use crate::model::rfc3339;
use crate::xml::escaped as xml;

/// A suite: its name, its properties, its cases.
type Suite = (String, Vec<(&'static str, String)>, Vec<Case>);

/// A case: its name, and what went wrong with it.
struct Case {
    name: String,
    wrong: Option<(Kind, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Failure,
    Error,
}

impl Kind {
    const fn element(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Error => "error",
        }
    }
}

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let pools = report.pools.iter().map(|pool| {
        let properties = vec![
            ("algorithm", pool.algorithm.clone()),
            ("signal", pool.signal.as_str().to_owned()),
            ("total", format!("{:.0}", pool.total())),
            ("basis", basis(pool, report)),
        ];
        (pool.name.clone(), properties, cases(pool))
    });
    let suites: Vec<_> = pools.chain(command(report)).collect();
    let count = |kind: Option<Kind>| {
        let all = suites.iter().flat_map(|(_, _, cases)| cases);
        all.filter(|case| counts(case, kind)).count()
    };
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<testsuites name="evenkeel gate" tests="{}" failures="{}" errors="{}">"#,
        count(None),
        count(Some(Kind::Failure)),
        count(Some(Kind::Error)),
    )?;
    for (name, properties, cases) in &suites {
        suite(name, properties, cases, report, out)?;
    }
    writeln!(out, "</testsuites>")
}

fn counts(case: &Case, kind: Option<Kind>) -> bool {
    kind.is_none() || case.wrong.as_ref().map(|(kind, _)| *kind) == kind
}

fn suite(
    name: &str,
    properties: &[(&str, String)],
    cases: &[Case],
    report: &Report,
    out: &mut dyn Write,
) -> io::Result<()> {
    let count = |kind| cases.iter().filter(|case| counts(case, kind)).count();
    writeln!(
        out,
        r#"  <testsuite name="{}" tests="{}" failures="{}" errors="{}" skipped="0" time="{:.3}" timestamp="{}">"#,
        xml(name),
        count(None),
        count(Some(Kind::Failure)),
        count(Some(Kind::Error)),
        report.took.as_secs_f64(),
        rfc3339(report.started),
    )?;
    if !properties.is_empty() {
        writeln!(out, "    <properties>")?;
        for (key, value) in properties {
            writeln!(
                out,
                r#"      <property name="{key}" value="{}"/>"#,
                xml(value)
            )?;
        }
        writeln!(out, "    </properties>")?;
    }
    for case in cases {
        write!(
            out,
            r#"    <testcase classname="{}" name="{}""#,
            xml(name),
            xml(&case.name)
        )?;
        match &case.wrong {
            None => writeln!(out, "/>")?,
            Some((kind, message)) => {
                let element = kind.element();
                writeln!(
                    out,
                    ">\n      <{element} message=\"{}\"/>\n    </testcase>",
                    xml(message)
                )?;
            }
        }
    }
    writeln!(out, "  </testsuite>")
}

fn cases(pool: &PoolReport) -> Vec<Case> {
    let backends = pool.rows.iter().enumerate().map(|(index, row)| {
        let wrong = backend(pool, index, row);
        Case {
            name: format!("backend {}", row.name),
            wrong,
        }
    });
    let limits = pool.judgement.checks.iter().map(|one| {
        let kind = match one.outcome {
            Outcome::Pass => None,
            Outcome::Inconclusive => Some(Kind::Error),
            Outcome::Skewed => Some(Kind::Failure),
        };
        Case {
            name: format!("limit {}", one.limit.name()),
            wrong: kind.map(|kind| (kind, check(one, pool))),
        }
    });
    backends.chain(limits).collect()
}

fn backend(pool: &PoolReport, index: usize, row: &Row) -> Option<(Kind, String)> {
    let side = match pool.side(index)? {
        Side::Hot => "too much",
        Side::Cold => "too little",
    };
    let share = pool.share(row)?;
    Some((
        Kind::Failure,
        format!(
            "gets {side}: {} instead of {}, {} times its share",
            percent(share),
            percent(row.expected),
            ratio(share / row.expected)
        ),
    ))
}

/// The command as a suite of its own.
fn command(report: &Report) -> Option<Suite> {
    let Traffic::Command { line, end } = &report.traffic else {
        return None;
    };
    let wrong = match end {
        End::Code(0) => None,
        End::Code(code) => Some(format!("exit code {code}")),
        End::Signal(signal) => Some(format!("ended by signal {signal}")),
    };
    let case = Case {
        name: line.clone(),
        wrong: wrong.map(|wrong| (Kind::Failure, wrong)),
    };
    Some(("command".to_owned(), Vec::new(), vec![case]))
}
