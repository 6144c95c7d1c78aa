//! Findings as a test report: a suite for each configuration, a case for each rule that it could break.

use std::fmt::Write as _;
use std::io::{self, Write};

use evenkeel_balancers::{ReadError, Rule, Severity, rules};

use super::entry::{Entry, entries};
use super::report::{Item, Report};
use crate::xml::escaped;

/// Writes it; findings of at least the severity `least` are failures.
pub(super) fn write(report: &Report, least: Severity, out: &mut dyn Write) -> io::Result<()> {
    let suites: Vec<Suite> = report
        .items
        .iter()
        .map(|item| suite(item, least))
        .chain(report.failed.iter().map(unread))
        .collect();
    let sum = |count: fn(&Suite) -> usize| suites.iter().map(count).sum::<usize>();
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<testsuites name="evenkeel audit" tests="{}" failures="{}" errors="{}">"#,
        sum(|suite| suite.tests),
        sum(|suite| suite.failures),
        sum(|suite| suite.errors),
    )?;
    for suite in &suites {
        writeln!(
            out,
            r#"  <testsuite name="{}" tests="{}" failures="{}" errors="{}" skipped="{}">"#,
            escaped(&suite.name),
            suite.tests,
            suite.failures,
            suite.errors,
            suite.skipped,
        )?;
        write!(out, "{}", suite.cases)?;
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

#[derive(Default)]
struct Suite {
    name: String,
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
    /// As XML.
    cases: String,
}

impl Suite {
    fn case(&mut self, name: &str, content: &str) {
        self.tests += 1;
        let (suite, name) = (escaped(&self.name), escaped(name));
        let case = format!(r#"    <testcase classname="{suite}" name="{name}""#);
        let end = if content.is_empty() {
            "/>\n".to_owned()
        } else {
            format!(">\n{content}    </testcase>\n")
        };
        self.cases.push_str(&case);
        self.cases.push_str(&end);
    }
}

fn suite(item: &Item, least: Severity) -> Suite {
    let mut suite = Suite {
        name: item.name().to_owned(),
        ..Suite::default()
    };
    let product = item.configuration.product;
    let all = entries(item);
    let used = item.used.as_ref();
    let compared = used.is_some_and(|used| matches!(used.state, Some(Ok(_))));
    for rule in rules().filter(|rule| rule.product.is_none_or(|of| of == product)) {
        let found: Vec<_> = all
            .iter()
            .filter(|entry| entry.finding.rule == rule)
            .collect();
        // What was not looked at has not passed.
        if found.is_empty() && !compared && !rule.is_of_one() {
            continue;
        }
        let content = outcome(&mut suite, &found, item, rule, least);
        suite.case(&format!("{} {}", rule.id, rule.title), &content);
    }
    suite
}

/// What came of one rule: a failure, or skipped because all is allowed, and what is known besides.
fn outcome(
    suite: &mut Suite,
    found: &[&Entry<'_>],
    item: &Item,
    rule: &Rule,
    least: Severity,
) -> String {
    let mut content = String::new();
    let (open, allowed): (Vec<_>, Vec<_>) = found
        .iter()
        .copied()
        .partition(|entry| entry.allowed.is_none());
    let (failing, milder): (Vec<_>, Vec<_>) = open
        .into_iter()
        .partition(|entry| entry.finding.severity >= least);
    if let Some(first) = failing.first() {
        suite.failures += 1;
        let text: String = failing.iter().map(|entry| told(entry, item)).collect();
        element(
            &mut content,
            "failure",
            &[
                ("message", first.finding.message.as_str()),
                ("type", rule.id),
            ],
            &text,
        );
    } else if let Some(by) = allowed.first().and_then(|entry| entry.allowed)
        && milder.is_empty()
    {
        suite.skipped += 1;
        element(
            &mut content,
            "skipped",
            &[("message", by.because.as_str())],
            "",
        );
    }
    let others: String = milder
        .iter()
        .chain(&allowed)
        .map(|entry| told(entry, item))
        .collect();
    if !others.is_empty() {
        element(&mut content, "system-out", &[], &others);
    }
    content
}

/// A finding in a few lines.
fn told(entry: &Entry<'_>, item: &Item) -> String {
    let finding = entry.finding;
    let place = item.configuration.sources.locate(finding.place);
    let allowed = entry.allowed.map_or(String::new(), |allowed| {
        format!("  allowed, because {}\n", allowed.because)
    });
    format!(
        "{place}: {}: {}\n  help: {}\n{allowed}",
        finding.severity.as_str(),
        finding.message,
        finding.help
    )
}

/// A configuration that could not be read: one case, in error.
fn unread(error: &ReadError) -> Suite {
    let mut suite = Suite {
        name: error.name.clone(),
        errors: 1,
        ..Suite::default()
    };
    let mut content = String::new();
    let (message, text) = (error.why.to_string(), error.to_string());
    let attributes = [("message", message.as_str()), ("type", "unreadable")];
    element(&mut content, "error", &attributes, &text);
    suite.case("can be read", &content);
    suite
}

fn element(content: &mut String, name: &str, attributes: &[(&str, &str)], text: &str) {
    let mut written = format!("      <{name}");
    for (key, value) in attributes {
        let added = write!(written, r#" {key}="{}""#, escaped(value));
        debug_assert!(added.is_ok(), "a String takes anything");
    }
    let end = if text.is_empty() {
        "/>\n".to_owned()
    } else {
        format!(">{}</{name}>\n", escaped(text.trim_end()))
    };
    content.push_str(&written);
    content.push_str(&end);
}
