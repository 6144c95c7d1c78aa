//! Collects findings while rules look.

use super::{Finding, Rule, Severity};
use crate::source::Place;

/// The findings so far.
#[derive(Debug, Default)]
pub(crate) struct Report(Vec<Finding>);

impl Report {
    /// Adds one, of the rule's usual severity; what it returns takes the rest.
    pub(crate) fn add(
        &mut self,
        rule: &'static Rule,
        place: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Added<'_> {
        self.0.push(Finding {
            rule,
            severity: rule.severity,
            place,
            pool: None,
            subject: None,
            message: message.into(),
            help: help.into(),
            related: Vec::new(),
        });
        Added(self.0.last_mut())
    }

    /// All of them, in the order of their places. A file that is included twice shows everything twice, which is told once.
    pub(crate) fn into_findings(mut self) -> Vec<Finding> {
        self.0.sort_by(|a, b| {
            (a.place, a.rule.id, &a.message).cmp(&(b.place, b.rule.id, &b.message))
        });
        self.0.dedup();
        self.0
    }
}

/// The finding that was added, to say more of it.
pub(crate) struct Added<'a>(Option<&'a mut Finding>);

impl Added<'_> {
    /// Says which pool it is about.
    pub(crate) fn pool(self, name: &str) -> Self {
        self.change(|finding| finding.pool = Some(name.to_owned()))
    }

    /// Says which server it is about, or what else in the pool.
    pub(crate) fn subject(self, name: &str) -> Self {
        self.change(|finding| finding.subject = Some(name.to_owned()))
    }

    /// Makes it milder or worse than usual.
    pub(crate) fn severity(self, severity: Severity) -> Self {
        self.change(|finding| finding.severity = severity)
    }

    /// Adds another place that belongs to it.
    pub(crate) fn related(self, place: Place, what: impl Into<String>) -> Self {
        self.change(|finding| finding.related.push((place, what.into())))
    }

    /// The same, if there is such a place.
    pub(crate) fn related_if(self, place: Option<Place>, what: &str) -> Self {
        match place {
            Some(place) => self.related(place, what),
            None => self,
        }
    }

    fn change(mut self, change: impl FnOnce(&mut Finding)) -> Self {
        if let Some(finding) = &mut self.0 {
            change(finding);
        }
        self
    }
}
