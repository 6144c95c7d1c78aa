//! The part of the picture that shows what the agent finds: the verdict, who, and why.

use super::finding::{Incident, Verdict};
use super::frame::{Scene, percent};
use super::phase::Phase;
use super::text::{Line, Tone, wrapped};

/// Lines that a verdict takes, with an incident and its cause on a terminal of usual width.
const LINES: usize = 5;

impl Scene<'_> {
    /// What the agent says of the pool.
    pub(super) fn verdict(&self, width: usize) -> Vec<Line> {
        let mut lines = self.found(width.saturating_sub(3));
        lines.resize(LINES, Line::new());
        lines
    }

    fn found(&self, room: usize) -> Vec<Line> {
        let Some(reading) = self.history.latest() else {
            return vec![Line::new().add(Tone::Faint, "  The first connections are on their way.")];
        };
        let tone = match reading.verdict {
            Verdict::Even => Tone::Calm,
            Verdict::Skewed | Verdict::Suspect => Tone::Alarm,
            Verdict::Unknown => Tone::Strong,
        };
        let head = format!("Verdict: {}. ", reading.verdict.name());
        let said = head.clone() + &reading.explanation;
        let mut lines = text(&said, room, Tone::Plain);
        if let Some(first) = lines.first_mut() {
            let rest = first.plain().split_off(2 + head.len());
            *first = Line::new()
                .add(tone, format!("  {head}"))
                .add(Tone::Plain, rest);
        }
        if let Some(incident) = &reading.incident {
            lines.extend(self.incident(incident, room));
        }
        lines
    }

    /// Who, since when, and why.
    fn incident(&self, incident: &Incident, room: usize) -> Vec<Line> {
        if self.history.phase() == Some(Phase::Repaired) {
            let waiting = "The incident ends when there is evidence that every share is within its tolerance again.";
            return text(waiting, room, Tone::Plain);
        }
        let mut lines = Vec::new();
        if let Some(hot) = incident.hot.first() {
            let who = format!(
                "  ▲ {} has {} instead of {}",
                hot.backend,
                percent(hot.observed_share),
                percent(hot.expected_share)
            );
            let after = self.history.detected_after();
            let after = after.map_or_else(String::new, |after| {
                format!(", seen {:.1} s after the reload", after.as_secs_f64())
            });
            lines.push(
                Line::new()
                    .add(Tone::Alarm, who)
                    .add(Tone::Plain, after + "."),
            );
        }
        let cause = &incident.cause;
        lines.extend(text(
            &format!("{}: {}", cause.id, cause.text),
            room,
            Tone::Plain,
        ));
        lines
    }
}

/// Lines of at most `room` columns, indented as all others.
fn text(said: &str, room: usize, tone: Tone) -> Vec<Line> {
    let lines = wrapped(said, room).into_iter();
    lines
        .map(|line| Line::new().add(tone, format!("  {line}")))
        .collect()
}
