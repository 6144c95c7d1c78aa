//! Findings as SARIF 2.1.0 (OASIS), which code scanning reads.

use std::collections::BTreeMap;
use std::io::{self, Write};

use evenkeel_balancers::source::{Place, Sources};
use evenkeel_balancers::{ReadError, Rule, Severity};
use serde_json::{Value, json};

use super::entry::{Entry, entries};
use super::json::print;
use super::report::{Item, Report, Use};
use super::uri::Uri;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// The base of relative references: by custom, the folder that the source is checked out to.
const BASE: &str = "%SRCROOT%";
/// The name of our fingerprints, with the version of what goes into them.
const FINGERPRINT: &str = "evenkeel/v1";

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let entries: Vec<(&Item, Entry<'_>)> = report
        .items
        .iter()
        .flat_map(|item| entries(item).into_iter().map(move |entry| (item, entry)))
        .collect();
    let found = entries.iter().map(|(_, entry)| entry.finding.rule);
    let rules: BTreeMap<&str, &'static Rule> = found.map(|rule| (rule.id, rule)).collect();
    let index = |id: &str| rules.keys().position(|known| *known == id);
    let results: Vec<Value> = entries
        .iter()
        .map(|(item, entry)| {
            result(
                entry,
                index(entry.finding.rule.id),
                &item.configuration.sources,
            )
        })
        .collect();
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "evenkeel",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.values().map(|rule| descriptor(rule)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": report.failed.is_empty(),
                "toolExecutionNotifications": notifications(report),
            }],
            "results": results,
        }],
    });
    print(&document, out)
}

fn descriptor(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "shortDescription": { "text": rule.title },
        "help": { "text": rule.page, "markdown": rule.page },
        "defaultConfiguration": { "level": level(rule.severity) },
    })
}

fn result(entry: &Entry<'_>, rule: Option<usize>, sources: &Sources) -> Value {
    let finding = entry.finding;
    let mut location = location(finding.place, sources);
    if let Some(pool) = &finding.pool {
        location["logicalLocations"] = json!([{ "name": pool, "kind": "resource" }]);
    }
    let related = finding.related.iter().map(|(place, what)| {
        let mut location = self::location(*place, sources);
        location["message"] = json!({ "text": what });
        location
    });
    let mut result = json!({
        "ruleId": finding.rule.id,
        "ruleIndex": rule,
        "level": level(finding.severity),
        "message": { "text": format!("{}. Help: {}", finding.message, finding.help) },
        "locations": [location],
        "relatedLocations": related.collect::<Vec<_>>(),
        "partialFingerprints": { FINGERPRINT: entry.fingerprint },
    });
    if let Some(allowed) = entry.allowed {
        result["suppressions"] = json!([{
            "kind": "inSource",
            "justification": allowed.because,
            "location": self::location(allowed.comment, sources),
        }]);
    }
    result
}

fn location(place: Place, sources: &Sources) -> Value {
    json!({ "physicalLocation": {
        "artifactLocation": artifact(&sources.get(place.file).name),
        "region": {
            "startLine": place.line,
            "startColumn": place.column,
            "endColumn": place.column.saturating_add(place.length),
        },
    } })
}

fn artifact(name: &str) -> Value {
    let uri = Uri::of(name);
    if uri.relative {
        json!({ "uri": uri.text, "uriBaseId": BASE })
    } else {
        json!({ "uri": uri.text })
    }
}

/// What could not be audited, or not be compared.
fn notifications(report: &Report) -> Vec<Value> {
    let failed = report.failed.iter().map(failure);
    let used = report.items.iter().filter_map(|item| item.used.as_ref());
    let not_understood = report.not_understood.iter().map(|origin| {
        let (title, path) = (origin.kind.title(), &origin.from);
        let text = format!("configurations of {title} are not understood: {path} was not audited");
        json!({ "level": "warning", "message": { "text": text } })
    });
    failed
        .chain(used.filter_map(unasked))
        .chain(not_understood)
        .collect()
}

fn failure(error: &ReadError) -> Value {
    let mut place = json!({ "artifactLocation": artifact(&error.name) });
    if let Some(at) = &error.position {
        place["region"] = json!({ "startLine": at.line, "startColumn": at.column });
    }
    json!({
        "level": "error",
        "message": { "text": error.why.to_string() },
        "locations": [{ "physicalLocation": place }],
    })
}

/// That what runs was not compared.
fn unasked(used: &Use) -> Option<Value> {
    let Some(Err(error)) = &used.state else {
        return None;
    };
    let (title, pid) = (used.origin.kind.title(), used.origin.pid);
    let text = format!("what {title}, process {pid}, does now was not compared: {error}");
    Some(json!({ "level": "note", "message": { "text": text } }))
}

const fn level(severity: Severity) -> &'static str {
    severity.as_str()
}
