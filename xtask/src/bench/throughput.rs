//! Connections per second with and without the agent's program, in pairs of short runs.
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

/// Runs in pairs.
struct Paired {
    without: Vec<f64>,
    ratios: Vec<f64>,
}

/// Measures both in turn; gives a sentence and the aim.
pub(super) fn measure(binary: &Path, scale: Scale) -> Result<String> {
    let pairs = match scale {
        Scale::Full => 600,
        Scale::Quick => 20,
    };
    let site = Site::create(ENDPOINTS)?;
    let program = program(binary, &site)?;
    // Caches, and the clock of a processor that was idle.
    site.pairs_a_second(ENDPOINTS, 10 * SLICE)?;
    let Paired { without, ratios } = paired(&program, &site, pairs)?;
    let without = Sample::new(without).context("nothing was measured")?;
    let ratio = Sample::new(ratios).context("nothing was measured")?;
    let (low, high) = ratio.median_interval();
    println!(
        "  {:.4} of the connections without ({low:.4}–{high:.4})",
        ratio.median()
    );
    let aim = Aim {
        what: "connections per second with the program, of those without: at least 0.98".to_owned(),
        measured: format!("{:.3} (95 % certain: {low:.3}–{high:.3})", ratio.median()),
        met: ratio.median() >= 0.98,
    };
    Ok(format!(
        "One thread on one processor opened and reset {:.0} connections a second (median of {pairs} runs of {SLICE:?} without \
         the program), {:.1} microseconds each, over {} watched endpoints.\n{}",
        without.median(),
        1e6 / without.median(),
        thousands(ENDPOINTS),
        report::aims(&[aim])
    ))
}

/// The program of an agent that watched all endpoints of the site.
fn program(binary: &Path, site: &Site) -> Result<Program> {
    let mut agent = agents::start(binary, &config(Watched::All(ENDPOINTS), site))?;
    Program::loaded(hook(agent.process().pid())?)
}

/// Each of the two comes first in half of the pairs, so that a drift favours neither.
fn paired(program: &Program, site: &Site, pairs: usize) -> Result<Paired> {
    let without = || site.pairs_a_second(ENDPOINTS, SLICE);
    let with = || {
        let _attached = program.attach()?;
        site.pairs_a_second(ENDPOINTS, SLICE)
    };
    let mut paired = Paired {
        without: Vec::with_capacity(pairs),
        ratios: Vec::with_capacity(pairs),
    };
    for number in 0..pairs {
        let (with, without) = if number % 2 == 0 {
            (with()?, without()?)
        } else {
            let without = without()?;
            (with()?, without)
        };
        paired.without.push(without);
        paired.ratios.push(with / without);
    }
    Ok(paired)
}
