//! `cargo xtask lab`: incidents re-enacted with real balancers and real traffic on this machine, for training. The trainee gets
//! the symptom, looks with the page, `top` and `audit`, and answers; whatever was started has ended when this returns.

mod answers;
mod board;
mod debrief;
mod desk;
mod keyboard;
mod paper;
mod rehearsal;
mod score;
mod solution;

use std::io::{IsTerminal as _, Write as _, stdin, stdout};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::parts;
use evenkeel_lab::training::{BYSTANDER, Pace, Room, Scenario, scenario};

use crate::demo::agent;
use crate::stop::Stop;
use desk::{Desk, Ending};
use keyboard::Keyboard;
use paper::Paper;
use score::{Attempt, Scores};

pub(crate) use rehearsal::rehearse;

/// What this ends with when the scenario was not solved; 1 is for what failed, 2 for wrong usage.
const UNSOLVED: u8 = 3;

const NOT_ROOT: &str = "the lab loads a program into the kernel and needs root, for example:\n  \
     sudo env PATH=\"$PATH\" HOME=\"$HOME\" CARGO_TARGET_DIR=target/root cargo xtask lab";

/// Without anything: what it is, and what there is.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Ends with 0 when solved, with 3 when not: given up, quit, out of time, or at the end of input."
)]
pub(crate) struct Options {
    /// The scenario to play.
    #[arg(conflicts_with_all = ["list", "score", "solve"])]
    name: Option<String>,
    /// What there is to play, and what was solved before.
    #[arg(long, conflicts_with_all = ["score", "solve"])]
    list: bool,
    /// What was solved so far, in what time, with how many hints.
    #[arg(long, conflicts_with = "solve")]
    score: bool,
    /// Play a scenario and show its solution, in the agent's words.
    #[arg(long, value_name = "NAME")]
    solve: Option<String>,
}

/// Does what was asked for, and tells how the program ends.
pub(crate) fn run(options: &Options) -> ExitCode {
    match attempt(options) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn attempt(options: &Options) -> Result<ExitCode> {
    let (name, solve) = match (&options.name, &options.solve) {
        (Some(name), _) => (name, false),
        (None, Some(name)) => (name, true),
        (None, None) => {
            let scores = Scores::load()?;
            let text = match (options.score, options.list) {
                (true, _) => board::score(&scores),
                (_, true) => board::list(&scores),
                _ => board::welcome(&scores),
            };
            stdout().lock().write_all(text.as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    let Some(scenario) = scenario(name) else {
        eprintln!(
            "error: there is no scenario {name:?}; `cargo xtask lab --list` tells what there is"
        );
        return Ok(ExitCode::from(2));
    };
    ensure!(rustix::process::geteuid().is_root(), NOT_ROOT);
    let stop = Stop::listen()?;
    // All that was started has ended when this returns.
    let outcome = play(scenario, solve, &stop);
    stop.settle()?;
    outcome
}

fn play(scenario: &'static Scenario, solve: bool, stop: &Stop) -> Result<ExitCode> {
    eprintln!("building the agent ...");
    let binary = agent::build()?;
    stop.check()?;
    ensure_installed(scenario)?;
    ensure_installed(&BYSTANDER)?;
    stop.check()?;
    eprintln!("starting two balancers, their backends, clients, and the agent ...");
    let host = Namespace::current();
    let pace = if solve { Pace::Brisk } else { Pace::Reserved };
    let both = [scenario, &BYSTANDER];
    let mut room = Room::open(&binary, &host, &both, pace, || stop.check())?;
    eprintln!(
        "all is well so far: http://{}/ shows it. Waiting until the agent has proof of that ...",
        room.agent().address()
    );
    room.await_even(|| stop.check())?;
    stop.check()?;
    room.strike(0)?;
    let paper = Paper::new(stdout().is_terminal());
    if solve {
        solution::show(&room, &binary, paper, stop)?;
        return Ok(ExitCode::SUCCESS);
    }
    train(&mut room, &binary, paper, stop)
}

/// The trainee's turn.
fn train(room: &mut Room<'_>, binary: &Path, paper: Paper, stop: &Stop) -> Result<ExitCode> {
    let began = Instant::now();
    let mut out = stdout();
    let seat = room.seats.first().context("nothing is played")?;
    write!(out, "{}", paper.briefing(room, seat, binary))?;
    let mut keyboard = Keyboard::open(stdin(), stop)?;
    let report = Desk::new(room, seat, binary, paper).talk(&mut keyboard, &mut out)?;
    let seconds = began.elapsed().as_secs();
    // What a script has played is nobody's score.
    if stdin().is_terminal() {
        Scores::load()?.add(seat.scenario, &Attempt::of(&report, seconds))?;
    }
    let scenario = seat.scenario;
    if matches!(report.ending, Ending::Solved | Ending::GivenUp) {
        room.let_speak()?;
        write!(out, "{}", debrief::text(room, paper, stop)?)?;
    }
    write!(out, "{}", Paper::farewell(scenario, &report, seconds))?;
    out.flush()?;
    let solved = report.ending == Ending::Solved;
    Ok(if solved {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(UNSOLVED)
    })
}

/// Installs a scenario's balancer if it is not there.
fn ensure_installed(scenario: &Scenario) -> Result<()> {
    let (program, packages) = scenario.packages();
    if parts::require(program).is_ok() {
        return Ok(());
    }
    eprintln!(
        "installing {}, which stay installed ...",
        packages.join(" ")
    );
    parts::install(packages).with_context(|| {
        format!(
            "no {program}: install it by hand, on Debian `apt-get install {}`",
            packages.join(" ")
        )
    })
}
