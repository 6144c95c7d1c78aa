//! The agent as the trainee: all scenarios at once, and the time that it takes for each answer.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::answer::EVEN;
use super::room::{Pace, Room, Seat};
use super::scenario::Scenario;
use crate::agent::Incident;
use crate::netns::Namespace;

/// Time between two looks at the agent.
const BEAT: Duration = Duration::from_millis(250);

/// What the agent made of a scenario.
#[derive(Debug)]
pub struct Mark {
    /// Which.
    pub scenario: &'static str,
    /// Its pool.
    pub pool: &'static str,
    /// The signal that it shows best in.
    pub signal: &'static str,
    /// The cause in truth.
    pub cause: &'static str,
    /// Time from the fault to the first verdict of a skew in the pool.
    pub skewed: Option<Duration>,
    /// Time from the fault to an incident with the right cause and the right backends, from which on both stayed.
    pub answered: Option<Duration>,
    /// The incident as it was at last.
    pub incident: Option<Incident>,
    /// Causes that the agent named for the pool, in any signal, from first to last.
    pub named: Vec<String>,
    /// The verdict at last.
    pub verdict: String,
    /// Backends that deviate in truth, over and under their share, by what they have seen themselves.
    pub deviating: (Vec<SocketAddr>, Vec<SocketAddr>),
    /// The backends to be named.
    pub culprits: Vec<SocketAddr>,
    /// The balancer's configuration as it was at last: the file's name, and what was in it.
    pub config: (String, String),
}

impl Mark {
    /// Whether the answer is right.
    pub fn passed(&self) -> bool {
        match self.cause {
            EVEN => self.verdict == EVEN && self.named.is_empty(),
            _ => self.answered.is_some(),
        }
    }
}

/// Lets the agent sit the exam: each scenario goes wrong once the agent knows its pool to be even, and ends with the answer, or when
/// `patience` has passed since the last has gone wrong.
pub fn sit(
    binary: &Path,
    scenarios: &[&'static Scenario],
    pace: Pace,
    patience: Duration,
) -> Result<Vec<Mark>> {
    let host = Namespace::current();
    let mut room = Room::open(binary, &host, scenarios, pace, || Ok(()))?;
    let mut marks: Vec<Mark> = room.seats.iter().map(blank).collect();
    let mut until = Instant::now() + pace.patience();
    let mut waiting = scenarios.len();
    while Instant::now() < until && !(waiting == 0 && marks.iter().all(Mark::is_over)) {
        std::thread::sleep(BEAT);
        for (number, even) in room.healthy()?.into_iter().enumerate() {
            if even {
                room.strike(number)?;
                waiting -= 1;
                if waiting == 0 {
                    until = Instant::now() + patience;
                }
            }
        }
        for (mark, seat) in marks.iter_mut().zip(&room.seats) {
            look(&room, seat, mark)?;
        }
    }
    ensure!(
        waiting == 0,
        "{waiting} pools are not known to be even after {:?}",
        pace.patience()
    );
    for (mark, seat) in marks.iter_mut().zip(&room.seats) {
        look(&room, seat, mark)?;
        mark.deviating = seat.stage.deviating(mark.signal);
        mark.culprits.clone_from(&seat.culprits);
        let file = seat.stage.balancer().config_path();
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        mark.config = (name.into_owned(), std::fs::read_to_string(&file)?);
    }
    Ok(marks)
}

impl Mark {
    /// Nothing more is to come: of traffic that is even nothing is.
    fn is_over(&self) -> bool {
        self.cause == EVEN || self.answered.is_some()
    }
}

fn blank(seat: &Seat<'_>) -> Mark {
    let scenario = seat.scenario;
    Mark {
        scenario: scenario.name,
        pool: scenario.pool,
        signal: scenario.signal,
        cause: scenario.cause,
        skewed: None,
        answered: None,
        incident: None,
        named: Vec::new(),
        verdict: String::new(),
        deviating: (Vec::new(), Vec::new()),
        culprits: Vec::new(),
        config: (String::new(), String::new()),
    }
}

/// Asks the agent for one pool.
fn look(room: &Room<'_>, seat: &Seat<'_>, mark: &mut Mark) -> Result<()> {
    let Some(since) = seat.stage.struck().map(|at| at.elapsed()) else {
        return Ok(());
    };
    let since = Some(since);
    mark.verdict = room.agent().pool(mark.pool)?.verdict;
    if mark.verdict == "skewed" && mark.skewed.is_none() {
        mark.skewed = since;
    }
    let incidents = room.agent().incidents()?;
    for incident in incidents.iter().filter(|it| it.pool == mark.pool) {
        let told = format!("{}: {}", incident.signal, incident.cause.id);
        if !mark.named.contains(&told) {
            mark.named.push(told);
        }
    }
    let ours =
        |it: &Incident| it.pool == mark.pool && it.signal == mark.signal && it.ended.is_none();
    mark.incident = incidents.into_iter().find(ours);
    let incident = mark.incident.as_ref();
    let right = incident.is_some_and(|it| seat.is_answered_by(it));
    mark.answered = if right { mark.answered.or(since) } else { None };
    Ok(())
}
