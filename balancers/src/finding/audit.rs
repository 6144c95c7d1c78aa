//! Findings against the comments that allow them, at a given day.

use serde::Serialize;

use super::own::{EXPIRED, NOT_UNDERSTOOD, UNUSED};
use super::report::Report;
use super::suppression::{Allow, FORM, Suppression};
use super::{Finding, Severity};
use crate::date::Date;
use crate::source::Place;

/// What an audit comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// What was found and is not allowed, in the order of places.
    pub findings: Vec<Finding>,
    /// What was found and is allowed by a comment, in the same order.
    pub allowed: Vec<Allowed>,
}

/// A finding that a comment allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Allowed {
    /// What was found.
    pub finding: Finding,
    /// Why it is allowed.
    pub because: String,
    /// The last day on which it is.
    pub until: Option<Date>,
    /// The comment.
    pub comment: Place,
}

impl Audit {
    /// The worst that was found and is not allowed.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    /// Applies comments to findings, and finds what is wrong with the comments.
    pub(crate) fn new(findings: &[Finding], suppressions: &[Suppression], today: Date) -> Self {
        let mut comments: Vec<Covering<'_>> = suppressions
            .iter()
            .filter_map(|suppression| Covering::new(suppression, today))
            .collect();
        comments.sort_by_key(|comment| (comment.place.file, *comment.suppression.covers.start()));

        let mut report = Report::default();
        let mut audit = Self::default();
        for (finding, by) in matching(findings, &mut comments) {
            match by {
                Some((allow, comment)) => audit.allowed.push(Allowed {
                    finding: finding.clone(),
                    because: allow.because.clone(),
                    until: allow.until,
                    comment,
                }),
                None => audit.findings.push(finding.clone()),
            }
        }
        for comment in &comments {
            comment.judge(&mut report);
        }
        not_understood(suppressions, &mut report);
        audit.findings.extend(report.into_findings());
        audit
            .findings
            .sort_by_key(|finding| (finding.place, finding.rule.id));
        audit
    }
}

/// A comment that was understood, and what it was good for.
struct Covering<'a> {
    place: Place,
    suppression: &'a Suppression,
    allow: &'a Allow,
    expired: bool,
    /// Which of its rules allowed something, or would have before they expired.
    used: Vec<bool>,
}

impl<'a> Covering<'a> {
    fn new(suppression: &'a Suppression, today: Date) -> Option<Self> {
        let allow = suppression.says.as_ref().ok()?;
        Some(Self {
            place: suppression.place,
            suppression,
            allow,
            expired: allow.until.is_some_and(|until| until < today),
            used: vec![false; allow.rules.len()],
        })
    }

    /// Whether it allows a finding on a line that it covers.
    fn allows(&mut self, finding: &Finding) -> bool {
        let rules = &self.allow.rules;
        let Some(index) = rules.iter().position(|rule| rule.id == finding.rule.id) else {
            return false;
        };
        self.used[index] = true;
        !self.expired
    }

    fn judge(&self, report: &mut Report) {
        if let Some(until) = self.allow.until.filter(|_| self.expired) {
            report.add(
                &EXPIRED,
                self.place,
                format!("this allowed findings until {until}, which has passed"),
                "fix what it allowed, or set a later day if the reason still holds",
            );
            return;
        }
        for (rule, used) in self.allow.rules.iter().zip(&self.used) {
            // What others show differs from moment to moment, and is not always looked at.
            if !used && rule.is_of_one() {
                report
                    .add(
                        &UNUSED,
                        self.place,
                        format!("{} is not found in what this comment covers", rule.id),
                        "remove the comment; it would hide the next such finding",
                    )
                    .subject(rule.id);
            }
        }
    }
}

/// Each finding with what allows it. Both are sorted, so that one sweep suffices.
fn matching<'f, 'c>(
    findings: &'f [Finding],
    comments: &mut [Covering<'c>],
) -> Vec<(&'f Finding, Option<(&'c Allow, Place)>)> {
    let mut next = 0;
    // Those that have begun and have not ended.
    let mut open: Vec<usize> = Vec::new();
    let mut matched = Vec::with_capacity(findings.len());
    for finding in findings {
        let (file, line) = (finding.place.file, finding.place.line);
        while comments.get(next).is_some_and(|comment| {
            (comment.place.file, *comment.suppression.covers.start()) <= (file, line)
        }) {
            open.push(next);
            next += 1;
        }
        open.retain(|index| {
            let comment = &comments[*index];
            comment.place.file == file && comment.suppression.covers.contains(&line)
        });
        let by = open
            .iter()
            .rev()
            .find(|index| comments[**index].allows(finding))
            .map(|index| (comments[*index].allow, comments[*index].place));
        matched.push((finding, by));
    }
    matched
}

fn not_understood(suppressions: &[Suppression], report: &mut Report) {
    for suppression in suppressions {
        if let Err(wrong) = &suppression.says {
            report.add(
                &NOT_UNDERSTOOD,
                suppression.place,
                format!("this comment allows nothing, because {wrong}"),
                FORM,
            );
        }
    }
}
