//! What is told in sentences: incidents, changes, findings.

use std::time::SystemTime;

use ratatui_core::style::Style;
use ratatui_core::text::{Line, Span};

use super::numbers::{moment, percent, power, roughly_since, short, since};
use super::styles;
use crate::model::Signal;
use crate::top::feed::Mark;
use crate::top::feed::told::{Change, Deviation, Finding, Incident};
use crate::top::plain::{harmless, wrapped};

/// Backends that are named of each side; an incident of a large pool has hundreds.
const MOST_NAMED: usize = 8;

/// Lines that grow.
pub(super) struct Story {
    pub(super) lines: Vec<Line<'static>>,
    room: usize,
}

impl Story {
    /// Of lines of at most `room` columns.
    pub(super) fn new(room: usize) -> Self {
        Self {
            lines: Vec::new(),
            room,
        }
    }

    /// Adds a paragraph: a word or two in a style of their own, and text from outside behind, indented.
    pub(super) fn tell(&mut self, indent: usize, (head, style): (&str, Style), text: &str) {
        let whole = format!("{head}{}", harmless(text));
        let mut left = head.trim_end().chars().count();
        for line in wrapped(&whole, self.room.saturating_sub(indent)) {
            // The head may be wider than a line.
            let split = line
                .char_indices()
                .nth(left)
                .map_or(line.len(), |(place, _)| place);
            left = left.saturating_sub(line.chars().count() + 1);
            let (head, rest) = line.split_at(split);
            self.lines.push(Line::from(vec![
                Span::raw(" ".repeat(indent)),
                Span::styled(head.to_owned(), style),
                Span::raw(rest.to_owned()),
            ]));
        }
    }

    /// Adds a title, with an empty line before it.
    pub(super) fn title(&mut self, title: &str) {
        if !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
        self.lines
            .push(Line::styled(title.to_owned(), styles::STRONG));
    }

    /// Adds a line as it is.
    pub(super) fn push(&mut self, line: Line<'static>) {
        self.lines.push(line);
    }

    /// An incident that has ended, in short.
    pub(super) fn past(&mut self, incident: &Incident, now: SystemTime) {
        let (shape, style) = state(incident);
        let cause = incident.cause.id.replace('_', " ");
        let text = format!(
            "{cause}: {} · {}",
            when(incident, now),
            noun(incident.signal)
        );
        self.tell(0, (&format!("{shape} "), style), &text);
    }

    /// An incident with its backends, its cause and its evidence.
    pub(super) fn incident(&mut self, incident: &Incident, now: SystemTime) {
        let (shape, style) = state(incident);
        let noun = noun(incident.signal);
        self.tell(
            0,
            (&format!("{shape} "), style),
            &format!("{} · {noun}", when(incident, now)),
        );
        let cause = &incident.cause;
        let name = format!("{}: ", cause.id.replace('_', " "));
        self.tell(2, (&name, styles::STRONG), &cause.text);
        let failed = incident.signal == Signal::Failed;
        let above = if failed { Mark::Failing } else { Mark::Hot };
        self.side(&incident.hot, above);
        self.side(&incident.cold, Mark::Cold);
        if let Some(change) = &incident.change {
            self.change(2, "shortly before: ", change, now);
        }
        for finding in &cause.findings {
            self.finding(2, finding);
        }
        for other in &incident.other_causes {
            let name = format!("or {}: ", other.id.replace('_', " "));
            self.tell(2, (&name, styles::FAINT), &other.text);
        }
        self.tell(2, ("", styles::PLAIN), &evidence(incident));
    }

    fn side(&mut self, side: &[Deviation], mark: Mark) {
        let (shape, style) = styles::mark(mark);
        for one in side.iter().take(MOST_NAMED) {
            let (observed, expected) = (percent(one.observed_share), percent(one.expected_share));
            let text = match mark {
                Mark::Failing => format!(
                    "{}: {observed} of its attempts fail, {expected} are tolerated",
                    one.backend
                ),
                _ => format!("{} has {observed} instead of {expected}", one.backend),
            };
            self.tell(2, (&format!("{shape} "), style), &text);
        }
        if side.len() > MOST_NAMED {
            let rest = format!("and {} more", side.len() - MOST_NAMED);
            self.tell(4, ("", styles::PLAIN), &rest);
        }
    }

    /// A change of what the pool is said to be.
    pub(super) fn change(&mut self, indent: usize, head: &str, change: &Change, now: SystemTime) {
        let text = format!(
            "{} ({}, {} ago)",
            change.text,
            change.source,
            since(change.at, now)
        );
        self.tell(indent, (head, styles::STRONG), &text);
    }

    /// What the audit finds.
    pub(super) fn finding(&mut self, indent: usize, finding: &Finding) {
        let style = match finding.severity.as_str() {
            "error" => styles::ALARM,
            "warning" => styles::WARNING,
            _ => styles::STRONG,
        };
        let head = format!(
            "{} {} ",
            harmless(&finding.rule),
            harmless(&finding.severity)
        );
        let text = format!("at {}: {} {}", finding.place, finding.message, finding.help);
        self.tell(indent, (&head, style), &text);
    }
}

/// Shape and style of an incident.
pub(super) fn state(incident: &Incident) -> (&'static str, Style) {
    if incident.ended.is_none() {
        ("▲", styles::ALARM)
    } else {
        ("✓", styles::FAINT)
    }
}

/// Since when it is on, or when it was.
fn when(incident: &Incident, now: SystemTime) -> String {
    let began = moment(incident.started);
    match incident.ended {
        None => format!("on for {}, since {began}", since(incident.started, now)),
        Some(ended) => {
            let why = incident
                .ending
                .as_deref()
                .unwrap_or("over")
                .replace('_', " ");
            let (ago, lasted) = (since(ended, now), since(incident.started, ended));
            format!("ended {ago} ago ({why}), lasted {lasted}, since {began}")
        }
    }
}

fn evidence(incident: &Incident) -> String {
    let peak = incident.peak_max_to_mean.map_or_else(String::new, |peak| {
        format!(
            "; at its peak the hottest had {} times its share",
            short(peak)
        )
    });
    format!(
        "evidence {}, needed {}{peak}; tolerance ±{:.0} %",
        power(incident.evidence),
        power(incident.threshold),
        incident.tolerance * 100.0
    )
}

/// What a signal is about, in words.
pub(super) fn noun(signal: Signal) -> &'static str {
    if signal == Signal::Failed {
        "failing connects"
    } else {
        signal.noun()
    }
}

/// An incident in one sentence, as whoever is paged wants to read it first.
pub(super) fn headline(incident: &Incident, now: SystemTime) -> String {
    let Incident { pool, cause, .. } = incident;
    let cause = cause.id.replace('_', " ");
    let why = format!("{cause}, {}", roughly_since(incident.started, now));
    let failed = incident.signal == Signal::Failed;
    let side = incident.hot.first().map(|one| (one, "gets"));
    let side = side.or(incident.cold.first().map(|one| (one, "gets only")));
    let Some((one, gets)) = side else {
        return format!("{pool} is skewed: {why}");
    };
    let (backend, observed) = (&one.backend, one.observed_share * 100.0);
    if failed {
        return format!("{pool}: {observed:.0} % of the attempts to {backend} fail: {why}");
    }
    let expected = one.expected_share * 100.0;
    format!("{pool}: {backend} {gets} {observed:.0} % instead of {expected:.0} %: {why}")
}
