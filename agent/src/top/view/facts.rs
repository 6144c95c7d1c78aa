//! What is known of a pool beside the shares of its backends: incidents, measures, changes, what the audit finds.

use ratatui_core::text::{Line, Span};

use super::numbers::{count, or_nothing, percent, power, short, span};
use super::story::Story;
use super::styles;
use crate::model::Signal;
use crate::top::feed::told::{Judgement, Measures, Pool};
use crate::top::world::{Detail, World};

/// Changes and incidents that are told.
const MOST: usize = 10;

/// All of it, in lines of at most `room` columns.
pub(super) fn lines(
    world: &World,
    detail: &Detail,
    pool: &Pool,
    room: usize,
) -> Vec<Line<'static>> {
    let now = world.clock();
    let mut story = Story::new(room);
    story.title("Incidents");
    if detail.incidents.is_empty() {
        story.tell(0, ("", styles::FAINT), "None so far.");
    }
    for incident in detail.incidents.iter().take(MOST) {
        match incident.ended {
            None => story.incident(incident, now),
            Some(_) => story.past(incident, now),
        }
    }
    measures(&mut story, pool, room);
    about(&mut story, pool);
    story.title("Changes of its configuration");
    if pool.changes.is_empty() {
        story.tell(0, ("", styles::FAINT), "None since the agent watches it.");
    }
    for change in pool.changes.iter().take(MOST) {
        story.change(0, "", change, now);
    }
    story.title("Audit");
    if pool.findings.is_empty() {
        story.tell(
            0,
            ("", styles::FAINT),
            "Nothing is found in the configuration that it is from, as far as there is one.",
        );
    }
    for finding in &pool.findings {
        story.finding(0, finding);
    }
    standby(&mut story, pool);
    story.lines
}

/// A line for each signal, or on narrow screens a line for each measure.
fn measures(story: &mut Story, pool: &Pool, room: usize) {
    story.title("Measures");
    let known = |text: fn(&Measures) -> String| {
        Signal::ALL.map(|signal| or_nothing(pool.measures.get(signal).as_ref(), text))
    };
    let judged = |text: fn(&Judgement) -> String| {
        Signal::ALL.map(|signal| or_nothing(pool.judgements.get(signal).as_ref(), text))
    };
    let wide = if room >= 52 { 10 } else { 8 };
    let mut line = |name: &str, cells: [String; 4], style| {
        let mut spans = vec![Span::styled(format!("{name:<12}"), styles::FAINT)];
        for cell in cells {
            spans.push(Span::styled(format!("{cell:>wide$}"), style));
        }
        story.push(Line::from(spans));
    };
    line(
        "",
        Signal::ALL.map(|signal| signal.as_str().to_owned()),
        styles::STRONG,
    );
    line(
        "verdict",
        judged(|judgement| judgement.verdict.to_string()),
        styles::PLAIN,
    );
    line(
        "evidence",
        judged(|judgement| power(judgement.evidence)),
        styles::PLAIN,
    );
    line(
        "needed",
        judged(|judgement| power(judgement.threshold)),
        styles::PLAIN,
    );
    line("total", known(|found| short(found.total)), styles::PLAIN);
    line(
        "max/mean",
        known(|found| short(found.max_to_mean)),
        styles::PLAIN,
    );
    line(
        "min/mean",
        known(|found| short(found.min_to_mean)),
        styles::PLAIN,
    );
    line(
        "Gini",
        known(|found| format!("{:.3}", found.gini)),
        styles::PLAIN,
    );
    line(
        "by chance",
        known(|found| format!("{:.3}", found.gini_by_chance)),
        styles::PLAIN,
    );
    line(
        "CV",
        known(|found| format!("{:.3}", found.cv)),
        styles::PLAIN,
    );
    line(
        "Jain",
        known(|found| format!("{:.3}", found.jain)),
        styles::PLAIN,
    );
    line(
        "to be moved",
        known(|found| percent(found.hoover)),
        styles::PLAIN,
    );
    line(
        "wasted",
        known(|found| percent(found.wasted_capacity)),
        styles::PLAIN,
    );
}

fn about(story: &mut Story, pool: &Pool) {
    let seconds = pool
        .detection_seconds
        .and_then(|seconds| std::time::Duration::try_from_secs_f64(seconds).ok());
    let detection = seconds.map_or_else(String::new, |time| {
        format!(
            " A doubling of one backend's connections would be seen within {}.",
            span(time)
        )
    });
    let text = format!(
        "Balanced by {}; shares are compared with {}. New connections vary {} times as much as independent ones.{detection}",
        pool.algorithm.replace('_', " "),
        if pool.expected == "learned" {
            "what was learned"
        } else {
            "the weights"
        },
        short(pool.dispersion),
    );
    story.push(Line::default());
    story.tell(0, ("", styles::FAINT), &text);
}

fn standby(story: &mut Story, pool: &Pool) {
    if pool.standby.is_empty() {
        return;
    }
    story.title("On standby: should get no traffic");
    for one in &pool.standby {
        let connections = &one.connections;
        let text = format!(
            "{} ({}): {} open, {} opened",
            one.address,
            one.why,
            count(connections.active),
            count(connections.opened)
        );
        story.tell(0, ("", styles::PLAIN), &text);
    }
}
