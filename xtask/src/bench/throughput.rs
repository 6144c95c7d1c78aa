//! Connections per second with and without the agent's program, in short runs in turn.
//!
//! The machine's own speed drifts by more than what is to be measured, within seconds. So the program of an agent that
//! has ended, with its map of watched endpoints, is attached for a moment and detached for the next.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::agents;
use super::bpf::Program;
use super::held::hook;
use super::report::{self, Aim, Scale, thousands};
use super::site::Site;
use super::stats::Sample;
use super::tools::{Watched, config};

const ENDPOINTS: usize = 100;

/// Long enough for a thousand connections, short enough that the machine stays as it is.
const SLICE: Duration = Duration::from_millis(50);

/// Connections per second of runs that followed each other.
#[derive(Clone, Copy, Debug)]
struct Round {
    /// No program on the hook.
    without: f64,
    /// A program that does nothing.
    empty: f64,
    /// The agent's program.
    counting: f64,
}

/// Measures all in turn; gives a sentence and the aim.
pub(super) fn measure(binary: &Path, scale: Scale) -> Result<String> {
    let count = match scale {
        Scale::Full => 500,
        Scale::Quick => 20,
    };
    let site = Site::create(ENDPOINTS)?;
    let program = program(binary, &site)?;
    let empty = Program::empty()?;
    // Caches, and the clock of a processor that was idle.
    site.pairs_a_second(ENDPOINTS, 10 * SLICE)?;
    let rounds = (0..count)
        .map(|number| round(number, &site, &empty, &program))
        .collect::<Result<Vec<_>>>()?;
    let sample = |figure: fn(&Round) -> f64| {
        Sample::new(rounds.iter().map(figure)).context("nothing was measured")
    };
    let without = sample(|round| round.without)?.median();
    let empty = sample(|round| round.empty / round.without)?;
    let counting = sample(|round| round.counting / round.without)?;
    println!(
        "  of the rate without: {}; an empty program {}",
        certain(&counting),
        certain(&empty)
    );
    let aim = Aim {
        what: "connections per second with the program, of those without: at least 0.98".to_owned(),
        measured: certain(&counting),
        met: counting.median() >= 0.98,
    };
    Ok(format!(
        "One thread on one processor opened and reset {without:.0} connections a second without a program, {:.1} microseconds \
         each; {count} rounds of {SLICE:?} without, with an empty program and with the agent's, which watched all {} endpoints. \
         Medians of the ratios in a round, in brackets where they lie with a certainty of 95 %. With an empty program on the \
         hook the rate was {} of that without.\n{}",
        1e6 / without,
        thousands(ENDPOINTS),
        certain(&empty),
        report::aims(&[aim])
    ))
}

fn certain(ratios: &Sample) -> String {
    let (low, high) = ratios.median_interval();
    format!("{:.3} ({low:.3}–{high:.3})", ratios.median())
}

/// The program of an agent that watched all endpoints of the site.
fn program(binary: &Path, site: &Site) -> Result<Program> {
    let mut agent = agents::start(binary, &config(Watched::All(ENDPOINTS), site))?;
    Program::loaded(hook(agent.process().pid())?)
}

/// Every second round runs backwards, so that a drift favours none.
fn round(number: usize, site: &Site, empty: &Program, counting: &Program) -> Result<Round> {
    let rate = |program: Option<&Program>| {
        let _attached = program.map(Program::attach).transpose()?;
        site.pairs_a_second(ENDPOINTS, SLICE)
    };
    let mut programs = [None, Some(empty), Some(counting)];
    if number % 2 == 1 {
        programs.reverse();
    }
    let [first, empty, last] = programs.map(rate);
    let (without, counting) = if number % 2 == 0 {
        (first?, last?)
    } else {
        (last?, first?)
    };
    Ok(Round {
        without,
        empty: empty?,
        counting,
    })
}
