//! The solution without a trainee: what the agent says, and when.

use std::io::{Write as _, stdout};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use evenkeel_lab::training::{EVEN, Room};

use super::debrief::{incident_words, since, text};
use super::paper::{Paper, filled};
use crate::stop::Stop;

/// Time between two looks at the agent.
const BEAT: Duration = Duration::from_millis(200);

/// How long the agent may take; with a window of ten seconds it takes less than half of it.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long even traffic is watched.
const EVEN_FOR: Duration = Duration::from_secs(15);

/// Tells the symptom, then what the agent makes of it as it does, then all there is to learn.
pub(super) fn show(room: &Room<'_>, binary: &Path, paper: Paper, stop: &Stop) -> Result<()> {
    let seat = room.seats.first().context("nothing is played")?;
    let mut out = stdout();
    let title = format!("{} ({})", seat.scenario.title, seat.scenario.level.as_str());
    write!(
        out,
        "\n{}{}",
        paper.part(&title, seat.scenario.symptom),
        paper.places(room, binary)
    )?;
    writeln!(
        out,
        "{}",
        paper.strong("What the agent says, by the time since it went wrong")
    )?;
    let began = seat.stage.struck().unwrap_or_else(Instant::now);
    let mut told = String::new();
    loop {
        stop.check()?;
        let pool = room.agent().pool(seat.scenario.pool)?;
        let incident = room.incident(0)?;
        let words = match &incident {
            Some(incident) => incident_words(incident),
            None => format!("verdict {}", pool.verdict),
        };
        // Figures change all the time; the rest is news.
        let news: String = words
            .chars()
            .filter(|char| !char.is_ascii_digit())
            .collect();
        if news != told {
            let time = since(began.elapsed());
            write!(
                out,
                "{}",
                filled(&words, &format!("  {time}  "), "           ")
            )?;
            out.flush()?;
            told = news;
        }
        let answered = incident.is_some_and(|incident| seat.is_answered_by(&incident));
        let even = seat.scenario.cause == EVEN && began.elapsed() > EVEN_FOR;
        if answered || even {
            break;
        }
        if began.elapsed() > PATIENCE {
            bail!(
                "the agent has not found it within {PATIENCE:?}: something is wrong with evenkeel"
            );
        }
        sleep(BEAT);
    }
    write!(out, "\n{}", text(room, paper, stop)?)?;
    Ok(out.flush()?)
}
