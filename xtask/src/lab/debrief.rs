//! What it was, how it is seen, and how it is repaired; with the agent's own words for it.

use std::time::Duration;

use anyhow::{Context as _, Result};
use evenkeel_lab::agent::{Deviation, Incident};
use evenkeel_lab::training::{EVEN, Room, Seat, answer};

use super::paper::Paper;

/// All that there is to learn from a scenario.
pub(super) fn text(room: &Room<'_>, seat: &Seat<'_>, paper: Paper) -> Result<String> {
    let scenario = seat.scenario;
    let cause = answer(scenario.cause).context("the scenario's cause is not in the list")?;
    let mut truth = format!("{} ({}).", cause.words, cause.id);
    if scenario.cause != EVEN {
        let culprits: Vec<String> = seat.culprits.iter().map(ToString::to_string).collect();
        truth = format!(
            "Pool {}, {}: {truth}",
            scenario.pool,
            culprits.join(" and ")
        );
    }
    let audited = scenario.rule.map_or(String::new(), |rule| {
        format!("`evenkeel audit` reports {rule} in the balancer's configuration. ")
    });
    let page = format!("{audited}Read docs/{}.", scenario.page);
    Ok([
        paper.part("The answer", &truth),
        paper.part("What happened", scenario.story),
        paper.part("How it is seen", scenario.seen),
        paper.part("How it is repaired", scenario.repair),
        paper.part("Where to read on", &page),
        paper.part("What the agent says", &agents_words(room, seat)?),
    ]
    .concat())
}

fn agents_words(room: &Room<'_>, seat: &Seat<'_>) -> Result<String> {
    let pool = room.agent().pool(seat.scenario.pool)?;
    Ok(match room.incident(0)? {
        Some(incident) => incident_words(&incident),
        None => format!("verdict {}: {}.", pool.verdict, pool.explanation),
    })
}

/// An incident in a paragraph.
pub(super) fn incident_words(incident: &Incident) -> String {
    let side = |word: &str, named: &[Deviation]| {
        let one = |it: &Deviation| {
            format!(
                "{} {word} with {:.0} % instead of {:.0} %",
                it.backend,
                100.0 * it.observed_share,
                100.0 * it.expected_share
            )
        };
        named.iter().map(one).collect::<Vec<_>>()
    };
    let named = [side("hot", &incident.hot), side("cold", &incident.cold)].concat();
    format!(
        "{}, signal {}: {}. Cause {}: {}",
        incident.pool,
        incident.signal,
        named.join("; "),
        incident.cause.id,
        incident.cause.text
    )
}

/// A time since the fault.
pub(super) fn since(time: Duration) -> String {
    format!("{:5.1} s", time.as_secs_f64())
}
