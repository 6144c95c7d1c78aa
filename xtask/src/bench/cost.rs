//! What a connection costs in the kernel: nanoseconds that programs run for one pair of a client's and a server's socket,
//! from the SYN to the reset.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

use super::bpf::RunTimes;
use super::machine::Tracing;
use super::report::{self, Aim, Scale};
use super::site::Site;
use super::stats::Sample;
use super::tools::{Tool, Watched};

/// Most endpoints that are watched.
const MANY: usize = 10_000;

const TOOLS: [Tool; 8] = [
    Tool::Empty,
    Tool::Evenkeel(Watched::All(1)),
    Tool::Evenkeel(Watched::OneOf(MANY)),
    Tool::Evenkeel(Watched::All(MANY)),
    Tool::Evenkeel(Watched::Other),
    Tool::Tcplife,
    Tool::Tcpstates,
    Tool::Bpftrace,
];

/// One round of one tool.
#[derive(Clone, Copy, Debug)]
struct Round {
    runs: f64,
    nanos: f64,
}

/// All rounds of one tool.
struct Costs {
    tool: Tool,
    rounds: Vec<Round>,
}

/// Measures all tools in turn, several times; gives the table and the aims.
pub(super) fn measure(binary: &Path, scale: Scale) -> Result<String> {
    let (rounds, pairs) = match scale {
        Scale::Full => (12, 10_000),
        Scale::Quick => (2, 1_000),
    };
    let tracing = Tracing::mount()?;
    let accounting = RunTimes::account()?;
    let site = Site::create(MANY)?;
    let mut costs: Vec<Costs> = TOOLS
        .map(|tool| Costs {
            tool,
            rounds: Vec::new(),
        })
        .into();
    for number in 1..=rounds {
        for cost in &mut costs {
            let round = round(cost.tool, binary, &site, pairs)?;
            println!(
                "  round {number}/{rounds}: {:<45} {:>6.0} ns a pair",
                cost.tool.name(),
                round.nanos
            );
            cost.rounds.push(round);
        }
    }
    drop((accounting, tracing));
    table(&costs, rounds, pairs)
}

fn round(tool: Tool, binary: &Path, site: &Site, pairs: usize) -> Result<Round> {
    let running = tool.start(binary, site)?;
    // Caches, and what tools do when they have just begun.
    site.pairs(tool.targets(), pairs / 4)?;
    let before = running.runs()?;
    site.pairs(tool.targets(), pairs)?;
    let ran = running.runs()?.since(before);
    Ok(Round {
        runs: ran.count as f64 / pairs as f64,
        nanos: ran.nanos as f64 / pairs as f64,
    })
}

fn table(costs: &[Costs], rounds: usize, pairs: usize) -> Result<String> {
    let floor = costs.first().context("nothing was measured")?;
    let mut text = format!(
        "{rounds} rounds of {} pairs for each program in turn; medians, and in brackets the middle half of the rounds.\n\n\
         | program | runs a pair | ns a run | ns a pair | times the empty program |\n|---|--:|--:|--:|--:|\n",
        report::thousands(pairs)
    );
    for cost in costs {
        let sample = |value: fn(&Round) -> f64| {
            Sample::new(cost.rounds.iter().map(value)).context("no rounds")
        };
        let (runs, nanos) = (sample(|round| round.runs)?, sample(|round| round.nanos)?);
        let ratio = cost.against(floor)?;
        writeln!(
            text,
            "| {} | {:.1} | {:.0} | {:.0} ({:.0}–{:.0}) | {:.2} ({:.2}–{:.2}) |",
            cost.tool.name(),
            runs.median(),
            nanos.median() / runs.median(),
            nanos.median(),
            nanos.quartile(1),
            nanos.quartile(3),
            ratio.median(),
            ratio.quartile(1),
            ratio.quartile(3),
        )?;
    }
    text.push_str(&aims(costs, floor)?);
    Ok(text)
}

fn aims(costs: &[Costs], floor: &Costs) -> Result<String> {
    let tcplife = costs
        .iter()
        .find(|cost| cost.tool == Tool::Tcplife)
        .context("tcplife was not measured")?;
    let mut aims = Vec::new();
    for cost in costs {
        if matches!(cost.tool, Tool::Evenkeel(_)) {
            let name = cost.tool.name();
            let of_floor = cost.against(floor)?.median();
            let of_tcplife = cost.against(tcplife)?.median();
            aims.push(Aim {
                what: format!("{name}: at most 2.2 times the empty program"),
                measured: format!("{of_floor:.2} times"),
                met: of_floor <= 2.2,
            });
            aims.push(Aim {
                what: format!("{name}: at most a fifth of tcplife"),
                measured: format!("{of_tcplife:.3} of it"),
                met: of_tcplife <= 0.2,
            });
        }
    }
    Ok(report::aims(&aims))
}

impl Costs {
    /// Its cost relative to another tool's in the same round.
    fn against(&self, other: &Self) -> Result<Sample> {
        let rounds = self.rounds.iter().zip(&other.rounds);
        Sample::new(rounds.map(|(own, other)| own.nanos / other.nanos)).context("no rounds")
    }
}
