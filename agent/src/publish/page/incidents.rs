//! The list of incidents, those that are on first.

use std::fmt::{self, Write};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::findings::{Mark, of};
use super::html::{Percent, Segment, Short, Text};
use crate::model::{Deviation, Ending, Incident, Side, Signal, State, rfc3339, words};

/// Incidents that the page shows; the API has more.
const MOST_INCIDENTS: usize = 10;

/// Backends that are named of an incident on either side; the API has all.
const MOST_BACKENDS: usize = 3;

/// Writes the list.
pub(super) fn write(out: &mut impl Write, state: &State) -> fmt::Result {
    out.write_str("<h2>Incidents</h2>\n")?;
    if state.incidents.is_empty() {
        return out.write_str("<p class=\"more\">None so far.</p>\n");
    }
    let on = state.incidents.iter().filter(|one| one.is_open());
    let over = state.incidents.iter().filter(|one| !one.is_open());
    out.write_str(
        "<table class=\"incidents\">\n<thead><tr><th>When</th><th>Pool</th><th>Backends</th><th>Probable cause</th>\
         <th class=\"n\" title=\"As power of ten\">Evidence</th></tr></thead>\n<tbody>\n",
    )?;
    for incident in on.chain(over).take(MOST_INCIDENTS) {
        write_row(out, incident, state.taken)?;
    }
    out.write_str("</tbody>\n</table>\n")?;
    let all = state.incidents.len();
    if all > MOST_INCIDENTS {
        writeln!(
            out,
            "<p class=\"more\">{MOST_INCIDENTS} of {all} incidents, those that are on first; <a href=\"api/v1/incidents\">all as \
             JSON</a>.</p>"
        )?;
    }
    Ok(())
}

fn write_row(out: &mut impl Write, incident: &Arc<Incident>, now: SystemTime) -> fmt::Result {
    write_when(out, incident, now)?;
    write!(
        out,
        "<td class=\"pool\"><a href=\"api/v1/pools/{}\"><bdi>{}</bdi></a> <small>{}</small></td><td class=\"backends\">",
        Segment(&incident.pool),
        Text(&incident.pool),
        match incident.signal {
            Signal::Failed => "failing connects",
            signal => signal.noun(),
        }
    )?;
    write_backends(out, &incident.hot, Side::Hot, incident.signal)?;
    write_backends(out, &incident.cold, Side::Cold, incident.signal)?;
    write!(
        out,
        "</td><td class=\"cause\"><bdi>{}</bdi> <small>{}</small>",
        Text(&incident.cause.text),
        incident.cause.id,
    )?;
    for finding in &incident.cause.findings {
        write!(
            out,
            "<p class=\"found\">Configured so: <bdi>{}</bdi></p>",
            Text(&finding.told())
        )?;
    }
    if let Some(change) = &incident.change {
        let told = change.before(incident.started);
        write!(out, "<p class=\"change\"><bdi>{}</bdi></p>", Text(&told))?;
    }
    writeln!(
        out,
        "</td><td class=\"n\" data-of=\"Evidence\"><b>{}</b> <small>{} needed</small></td></tr>",
        Short(incident.evidence),
        Short(incident.threshold)
    )
}

fn write_when(out: &mut impl Write, incident: &Incident, now: SystemTime) -> fmt::Result {
    let between =
        |from: SystemTime, to: SystemTime| words(to.duration_since(from).unwrap_or(Duration::ZERO));
    let started = rfc3339(incident.started);
    match incident.ended {
        None => write!(
            out,
            "<tr><td class=\"when\"><b class=\"skewed\">on</b> for {} <small>since <time>{started}</time></small></td>",
            between(incident.started, now)
        ),
        Some(ended) => write!(
            out,
            "<tr class=\"over\"><td class=\"when\"><b>ended</b> {} ago, {}; lasted {} <small>since <time>{started}</time></small></td>",
            between(ended.at, now),
            why(ended.why),
            between(incident.started, ended.at)
        ),
    }
}

fn why(ending: Ending) -> &'static str {
    match ending {
        Ending::Recovered => "even again",
        Ending::NoTraffic => "no traffic",
        Ending::NotWatched => "no longer watched",
    }
}

fn write_backends(
    out: &mut impl Write,
    backends: &[Deviation],
    side: Side,
    signal: Signal,
) -> fmt::Result {
    for deviation in backends.iter().take(MOST_BACKENDS) {
        write_deviation(out, deviation, side, signal)?;
    }
    match backends.len().saturating_sub(MOST_BACKENDS) {
        0 => Ok(()),
        more => write!(out, "<small>and {more} more {}</small>", Mark(side)),
    }
}

fn write_deviation(
    out: &mut impl Write,
    deviation: &Deviation,
    side: Side,
    signal: Signal,
) -> fmt::Result {
    let (observed, expected) = (
        Percent(deviation.observed_share),
        Percent(deviation.expected_share),
    );
    write!(
        out,
        "<p>{} <bdi>{}</bdi> <small>{observed} {}, {}\u{a0}{expected}</small></p>",
        match signal {
            Signal::Failed => "<b class=\"mark hot\">✕ failing</b>".to_owned(),
            _ => Mark(side).to_string(),
        },
        Text(&deviation.backend),
        of(signal),
        match signal {
            Signal::Failed => "tolerated",
            _ => "expected",
        },
    )
}
