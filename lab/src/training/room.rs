//! Where training takes place: scenarios that run side by side, and one agent that watches all of them.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::answer::EVEN;
use super::ground::Ground;
use super::scenario::{Scenario, Side};
use super::stage::Stage;
use crate::agent::{Agent, Incident};
use crate::netns::Namespace;

/// Where the agent serves unless another program does.
const USUAL_PORT: u16 = 9797;

/// Time between two looks at the agent.
const BEAT: Duration = Duration::from_millis(200);

/// How quickly the agent looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As it does unless told otherwise: a tick each second, and a window of a minute.
    Usual,
    /// For a person who waits: two ticks a second, and a window of ten seconds.
    Brisk,
    /// As brisk, and it keeps to itself what it thinks until a skew has lasted for three minutes: a trainee can be faster.
    Reserved,
}

impl Pace {
    /// How long a healthy pool may take to be known as even.
    pub const fn patience(self) -> Duration {
        match self {
            Self::Usual => Duration::from_secs(180),
            Self::Brisk | Self::Reserved => Duration::from_secs(120),
        }
    }

    const fn hold(self) -> &'static str {
        match self {
            Self::Usual | Self::Brisk => "0s",
            Self::Reserved => "3m",
        }
    }

    const fn config(self) -> &'static str {
        match self {
            Self::Usual => "",
            Self::Brisk | Self::Reserved => "interval: 500ms\nwindow: 10s\n",
        }
    }
}

/// A scenario in its place.
pub struct Seat<'a> {
    /// What it is.
    pub scenario: &'static Scenario,
    /// What runs.
    pub stage: Stage<'a>,
    /// The backends that are to be named, once it has gone wrong.
    pub culprits: Vec<SocketAddr>,
}

impl Seat<'_> {
    /// Whether an incident of the pool has the right cause, and names all the backends to be named, on their side.
    pub fn is_answered_by(&self, incident: &Incident) -> bool {
        let side = match self.scenario.side {
            Side::Hot => &incident.hot,
            Side::Cold => &incident.cold,
        };
        let names = |culprit: &SocketAddr| side.iter().any(|it| it.backend == *culprit);
        incident.cause.id == self.scenario.cause && self.culprits.iter().all(names)
    }
}

/// Scenarios and an agent. All of it ends when this value is dropped.
pub struct Room<'a> {
    /// The scenarios, in the order in which they were asked for.
    pub seats: Vec<Seat<'a>>,
    agent: Agent,
    pace: Pace,
}

impl<'a> Room<'a> {
    /// Starts scenarios, healthy, and then the agent. `check` is asked between two steps; its error ends everything.
    pub fn open(
        binary: &Path,
        host: &'a Namespace,
        scenarios: &[&'static Scenario],
        pace: Pace,
        mut check: impl FnMut() -> Result<()>,
    ) -> Result<Self> {
        let mut seats = Vec::new();
        for (scenario, plot) in scenarios.iter().copied().zip(1..) {
            check()?;
            let stage = Ground::find(host, plot, scenario.backends)
                .and_then(|ground| scenario.open(ground))
                .with_context(|| format!("cannot start {}", scenario.name))?;
            seats.push(Seat {
                scenario,
                stage,
                culprits: Vec::new(),
            });
        }
        check()?;
        let mut command = Command::new(binary);
        command.arg("run");
        let mut agent = Agent::launch_at(page(), command, host, &config(&seats, pace))?;
        agent.wait_ready()?;
        Ok(Self { seats, agent, pace })
    }

    /// The agent.
    pub fn agent(&self) -> &Agent {
        &self.agent
    }

    /// Waits until the agent knows all pools to be even. An error if it takes anything for an incident.
    pub fn await_even(&mut self, mut check: impl FnMut() -> Result<()>) -> Result<()> {
        let began = Instant::now();
        while !self.healthy()?.into_iter().all(|even| even) {
            check()?;
            ensure!(
                began.elapsed() < self.pace.patience(),
                "pools that should be even are not known to be after {:?}",
                self.pace.patience()
            );
            std::thread::sleep(BEAT);
        }
        Ok(())
    }

    /// Whether the agent knows the pool to be even, of each scenario that has not gone wrong yet; of the others not. An error if it takes
    /// anything of the former for an incident.
    pub(super) fn healthy(&mut self) -> Result<Vec<bool>> {
        self.agent.process().check()?;
        let incidents = self.agent.incidents()?;
        let is_even = |seat: &Seat<'_>| {
            if seat.stage.struck().is_some() {
                return Ok(false);
            }
            let name = seat.scenario.pool;
            let false_alarm = incidents.iter().find(|it| it.pool == name);
            ensure!(
                false_alarm.is_none(),
                "nothing is wrong yet, and the agent says {false_alarm:#?}"
            );
            Ok(self.agent.pool(name)?.verdict == EVEN)
        };
        self.seats.iter().map(is_even).collect()
    }

    /// Lets a scenario go wrong, and tells the agent what its operator would tell it of that: that a backend was added.
    pub fn strike(&mut self, number: usize) -> Result<()> {
        let before = config(&self.seats, self.pace);
        let seat = self.seats.get_mut(number).context("no such seat")?;
        let struck = seat.scenario.strike(&mut seat.stage);
        seat.culprits =
            struck.with_context(|| format!("cannot go on with {}", seat.scenario.name))?;
        let now = config(&self.seats, self.pace);
        if now != before {
            self.agent.reconfigure(&now)?;
        }
        Ok(())
    }

    /// Lets a reserved agent say what it thinks.
    pub fn let_speak(&mut self) -> Result<()> {
        if self.pace == Pace::Reserved {
            self.pace = Pace::Brisk;
            self.agent.reconfigure(&config(&self.seats, self.pace))?;
        }
        Ok(())
    }

    /// The incident that a scenario shows best in.
    pub fn incident(&self, number: usize) -> Result<Option<Incident>> {
        let seat = self.seats.get(number).context("no such seat")?;
        let incidents = self.agent.incidents()?;
        let mut ours = incidents
            .into_iter()
            .filter(|it| it.pool == seat.scenario.pool);
        Ok(ours.find(|it| it.signal == seat.scenario.signal && it.ended.is_none()))
    }
}

/// The usual address of the page, or a free port if that is taken.
fn page() -> SocketAddr {
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, USUAL_PORT));
    let free = TcpListener::bind(usual).is_ok();
    SocketAddr::from((Ipv4Addr::LOCALHOST, if free { USUAL_PORT } else { 0 }))
}

/// The agent's configuration: all as it is unless told otherwise, but for the pace, and that bytes are judged too.
fn config(seats: &[Seat<'_>], pace: Pace) -> String {
    let pools = seats
        .iter()
        .map(|seat| seat.stage.entry(seat.scenario.pool));
    format!(
        "{}detection: {{for: {}, signals: [opened, active, bytes]}}\npools:\n{}",
        pace.config(),
        pace.hold(),
        pools.collect::<String>()
    )
}
