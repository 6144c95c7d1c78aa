//! Incidents as people read them.

use std::time::SystemTime;

use crate::backtest::length;
use crate::model::{Deviation, Ending, Incident, Signal, rfc3339, words};

/// Backends that are named; of more only the number is told.
const MOST_NAMED: usize = 4;

/// A space at which no line ends (U+00A0); shown as an ordinary one.
pub(super) const TOGETHER: char = '\u{a0}';

/// A moment in UTC to the second.
pub(super) fn moment(time: SystemTime) -> String {
    let text = rfc3339(time).to_string();
    text.get(..19).unwrap_or(&text).replace('T', " ")
}

/// One incident in lines of at most `width` characters. `agent` is named if there are several; `end` is when the counts end.
pub(super) fn describe(
    incident: &Incident,
    agent: Option<&str>,
    end: SystemTime,
    width: usize,
) -> String {
    let at = agent.map_or(String::new(), |agent| format!(" at {agent}"));
    let what = match incident.signal {
        Signal::Failed => "connection attempts fail".to_owned(),
        signal => format!("{} are uneven", signal.noun()),
    };
    let seen = match incident.detected.duration_since(incident.started) {
        Ok(after) if after.as_secs() > 0 => format!("seen after {}", words(after)),
        _ => "seen at once".to_owned(),
    };
    let lasted = words(length(incident, end));
    let over = match incident.ended.map(|ended| ended.why) {
        None => format!("not over after {lasted}"),
        Some(Ending::Recovered) => format!("over after {lasted}"),
        Some(Ending::NoTraffic) => {
            format!("over after {lasted}, of which the last without traffic")
        }
        Some(Ending::NotWatched) => format!("not watched any longer after {lasted}"),
    };
    let head = format!(
        "{}{at}: {what} since {}, {seen}, {over}",
        incident.pool,
        moment(incident.started)
    );
    let mut text = wrap(&head, width, 0, 2);
    for (side, deviations) in [("hot", &incident.hot), ("cold", &incident.cold)] {
        if !deviations.is_empty() {
            text += &wrap(&format!("{side}: {}", named(deviations)), width, 2, 4);
        }
    }
    let cause = &incident.cause;
    text + &wrap(&format!("{}: {}", cause.id, cause.text), width, 2, 4)
}

fn named(deviations: &[Deviation]) -> String {
    let shown: Vec<String> = deviations
        .iter()
        .take(MOST_NAMED)
        .map(|one| {
            format!(
                "{} ({:.1}{TOGETHER}% instead of {:.1}{TOGETHER}%)",
                one.backend,
                one.observed_share * 100.0,
                one.expected_share * 100.0
            )
        })
        .collect();
    let more = deviations.len().saturating_sub(MOST_NAMED);
    let more = (more > 0).then(|| format!(" and {more} more"));
    shown.join(", ") + &more.unwrap_or_default()
}

/// Text in lines of at most `width` characters, the first indented by `first`, the others by `others`.
pub(super) fn wrap(text: &str, width: usize, first: usize, others: usize) -> String {
    let mut wrapped = " ".repeat(first);
    let mut column = first;
    let mut fresh = true;
    for word in text.split(' ') {
        let length = word.chars().count();
        if !fresh && column + 1 + length > width {
            wrapped.push('\n');
            wrapped.push_str(&" ".repeat(others));
            (column, fresh) = (others, true);
        }
        if !fresh {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        (column, fresh) = (column + length, false);
    }
    wrapped.push('\n');
    wrapped.replace(TOGETHER, " ")
}
