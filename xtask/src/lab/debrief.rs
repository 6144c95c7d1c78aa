//! What it was, how it is seen, and how it is repaired; with the agent's own words for it.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use evenkeel_lab::agent::{Deviation, Incident};
use evenkeel_lab::training::{EVEN, Room, Seat, answer};

use super::paper::Paper;
use crate::stop::Stop;

/// How long the agent may take for what it has to say.
const EVIDENCE: Duration = Duration::from_secs(15);

/// Time between two looks at it.
const BEAT: Duration = Duration::from_millis(200);

/// All that there is to learn from a scenario.
pub(super) fn text(room: &Room<'_>, paper: Paper, stop: &Stop) -> Result<String> {
    let seat = room.seats.first().context("nothing is played")?;
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
        paper.part("What the agent says", &agents_words(room, seat, stop)?),
    ]
    .concat())
}

/// What the agent says once it may, and has evidence.
fn agents_words(room: &Room<'_>, seat: &Seat<'_>, stop: &Stop) -> Result<String> {
    let until = Instant::now() + EVIDENCE;
    loop {
        let pool = room.agent().pool(seat.scenario.pool)?;
        if let Some(incident) = room.incident(0)? {
            return Ok(incident_words(&incident));
        }
        if seat.scenario.cause == EVEN {
            return Ok(format!("verdict {}: {}", pool.verdict, pool.explanation));
        }
        if Instant::now() > until {
            let verdict = pool.verdict;
            return Ok(format!(
                "Nothing yet (verdict {verdict}): you were faster than its evidence."
            ));
        }
        stop.check()?;
        sleep(BEAT);
    }
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
