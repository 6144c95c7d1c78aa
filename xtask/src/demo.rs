//! `cargo xtask demo`: the newcomer's command. A small fleet behind a real nginx, the agent beside it, and a wrong weight
//! that the agent finds and names within seconds. Nothing is left behind.

pub(crate) mod agent;
pub(crate) mod captured;
mod chart;
mod finding;
mod frame;
mod gauges;
mod history;
mod phase;
mod reading;
mod screen;
mod stage;
mod summary;
mod svg;
mod text;
mod verdict;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use evenkeel_lab::netns::Namespace;

use crate::stop::Stop;
use agent::Agent;
use frame::Scene;
use history::History;
use phase::{Phase, Script};
use screen::Screen;
use stage::Stage;
use summary::Summary;
use text::Line;

/// Time between two looks at the agent, and between two pictures.
const BEAT: Duration = Duration::from_millis(500);

/// Longest sleep between two looks at whether somebody wants the end.
const NAP: Duration = Duration::from_millis(50);

/// Columns of the picture that `--svg` writes.
const PICTURE_WIDTH: usize = 96;

/// What the picture shows, for whoever cannot see it.
const TITLE: &str =
    "cargo xtask demo: nginx was reloaded with a wrong weight, and the agent finds it";

const NOT_ROOT: &str = "the demo loads a program into the kernel and needs root, for example:\n  \
     sudo env PATH=\"$PATH\" HOME=\"$HOME\" CARGO_TARGET_DIR=target/root cargo xtask demo";

/// How the demo is shown.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How long it takes, at least 12.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u64).range(12..=3600))]
    seconds: u64,
    /// Also write the picture at the height of the skew to this file.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// Shows the demo. An error if the agent did not find what there was: then something is wrong with evenkeel.
pub(crate) fn run(options: &Options) -> Result<()> {
    ensure!(rustix::process::geteuid().is_root(), NOT_ROOT);
    let stop = Stop::listen()?;
    // All that was started has ended when this returns.
    let outcome = show(options, &stop);
    stop.settle()?;
    let summary = outcome?;
    let mut out = std::io::stdout().lock();
    out.write_all(summary.as_bytes())?;
    Ok(out.flush()?)
}

/// The demo from the build to the summary's text.
fn show(options: &Options, stop: &Stop) -> Result<String> {
    let host = Namespace::current();
    let places = stage::Places::find()?;
    eprintln!("building the agent ...");
    let binary = agent::build()?;
    stop.check()?;
    stage::ensure_nginx()?;
    stop.check()?;
    eprintln!(
        "starting the agent, nginx and {} backends ...",
        places.backends.len()
    );
    let script = Script::lasting(Duration::from_secs(options.seconds));
    let mut agent = Agent::start(&binary, &places.backends, script.window(), stop)?;
    let mut stage = Stage::set(&host, &places)?;

    let mut history = History::default();
    let picture = perform(&script, &mut stage, &mut agent, &mut history, stop)?;
    let made = stage.end()?;
    let counted = agent.await_count(made)?;
    if let Some(file) = &options.svg {
        write_picture(file, &picture)?;
    }
    let summary = Summary::of(&history)?;
    Ok(summary.text(&script, &binary, made, counted))
}

/// Plays the phases; the result is the picture at the end of the wrong weight.
fn perform(
    script: &Script,
    stage: &mut Stage<'_>,
    agent: &mut Agent,
    history: &mut History,
    stop: &Stop,
) -> Result<Vec<Line>> {
    let mut screen = Screen::open()?;
    let mut picture = Vec::new();
    let page = agent.page();
    let began = Instant::now();
    for phase in Phase::ALL {
        history.enter(phase, began.elapsed());
        stage.turn_to(phase)?;
        while began.elapsed() < script.end(phase) {
            let due = Instant::now() + BEAT;
            let now = began.elapsed();
            history.add(agent.read(now)?);
            let scene = Scene {
                script,
                history,
                now,
                page: &page,
            };
            screen.show(&scene)?;
            if phase == Phase::Wrong {
                picture = scene.lines(PICTURE_WIDTH);
            }
            rest(due, stop)?;
        }
    }
    Ok(picture)
}

/// Sleeps until `due`, or gives up when somebody wants the end.
fn rest(due: Instant, stop: &Stop) -> Result<()> {
    loop {
        stop.check()?;
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        sleep(left.min(NAP));
    }
}

fn write_picture(file: &Path, picture: &[Line]) -> Result<()> {
    fs::write(file, svg::render(TITLE, picture, PICTURE_WIDTH))
        .with_context(|| format!("cannot write {}", file.display()))?;
    eprintln!("wrote {}", file.display());
    Ok(())
}
