//! How soon a change is seen, against the least delay that any detector can have.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use evenkeel_skew::{Finding, ShareDetector};

use super::bound::least_delay;
use super::changes::Change;
use super::parallel::in_parallel;
use super::pools::{self, PROMISE};
use super::random::{Random, whole};
use super::traffic::{Arrivals, Traffic};
use crate::bench::report::{self, Aim, Scale, thousands};
use crate::bench::stats::Sample;

const SEED: u64 = 4;

/// Backends and rates.
const SIZES: [usize; 4] = [200, 50, 10, 2];
const RATES: [f64; 4] = [1.0, 10.0, 100.0, 1_000.0];

/// Ticks before the change: an hour, so that the dispersion is known. The warm-up is measured apart.
const BEFORE: usize = 3_600;

/// What takes longer than this at best is left out.
const LONGEST: f64 = 20_000.0;

/// A delay is at least a tick, so that a ratio says something only from so many on.
const MEASURABLE: f64 = 10.0;

const AIM: f64 = 1.3;

/// A change that is looked for many times.
#[derive(Clone, Copy)]
struct Cell {
    arrivals: Arrivals,
    change: Change,
    backends: usize,
    rate: f64,
    before: usize,
}

struct Measured {
    cell: Cell,
    bound: f64,
    delay: Sample,
}

impl Measured {
    fn ratio(&self) -> f64 {
        self.delay.median() / self.bound
    }
}

impl Cell {
    fn bound(&self) -> Option<f64> {
        let weights = self.change.weights(self.backends);
        least_delay(&weights, &self.change.loads(self.backends), self.rate)
    }

    /// Ticks until the change is seen, in one run.
    fn delay(&self, run: u64) -> Result<f64> {
        let weights = self.change.weights(self.backends);
        let random = Random::new(SEED, run);
        let mut traffic = Traffic::new(random, self.arrivals, self.rate, &weights);
        let mut detector = ShareDetector::new(&pools::expected(&weights)?, pools::terms(PROMISE));
        for _ in 0..self.before {
            detector.observe(traffic.tick());
        }
        traffic.set_loads(&self.change.loads(self.backends));
        let give_up = 100.0 * self.bound().unwrap_or_default() + 1_000.0;
        let mut ticks = 0.0;
        while detector.finding() != Finding::Skewed && ticks < give_up {
            detector.observe(traffic.tick());
            ticks += 1.0;
        }
        Ok(ticks)
    }

    fn measure(&self, runs: u64) -> Result<Option<Measured>> {
        let Some(bound) = self.bound().filter(|bound| *bound <= LONGEST) else {
            return Ok(None);
        };
        let delays: Result<Vec<f64>> = (0..runs).map(|run| self.delay(run)).collect();
        Ok(Some(Measured {
            cell: *self,
            bound,
            delay: Sample::new(delays?).context("no runs")?,
        }))
    }
}

/// Looks for all changes; gives the tables and the aims.
pub(super) fn measure(scale: Scale) -> Result<String> {
    let (sizes, runs) = match scale {
        Scale::Full => (&SIZES[..], 200),
        Scale::Quick => (&SIZES[2..], 5),
    };
    let mut cells = Vec::new();
    for (backends, rate) in sizes
        .iter()
        .flat_map(|size| RATES.map(|rate| (*size, rate)))
    {
        cells.extend(
            Change::ALL.map(|change| cell(Arrivals::Independent, change, backends, rate, BEFORE)),
        );
    }
    let independent = all(&cells, runs)?;
    let clumped: Vec<Cell> = [10.0, 100.0, 1_000.0]
        .iter()
        .flat_map(|rate| {
            Change::ALL.map(|change| cell(Arrivals::Clumps, change, 10, *rate, BEFORE))
        })
        .collect();
    let clumped = all(&clumped, runs)?;
    let young: Vec<Cell> = [60, 300, 600, 1_200, BEFORE]
        .iter()
        .flat_map(|before| {
            [10.0, 100.0]
                .map(|rate| cell(Arrivals::Independent, Change::Doubled, 10, rate, *before))
        })
        .collect();
    let young = all(&young, runs)?;
    Ok(format!(
        "Seed {SEED}, {runs} runs of each. Medians in ticks of a second (and the bound), then their ratio, which is in brackets \
         where the bound is below {MEASURABLE:.0} ticks: a delay is a whole number of them. What takes more than {} ticks at \
         best was left out; *inside* is a change that stays within the tolerance.\n\n{}\n{}\n{}{}",
        thousands(whole(LONGEST)),
        table(&independent, sizes),
        clumps(&clumped),
        warm_up(&young),
        report::aims(&aims(&independent))
    ))
}

fn cell(arrivals: Arrivals, change: Change, backends: usize, rate: f64, before: usize) -> Cell {
    Cell {
        arrivals,
        change,
        backends,
        rate,
        before,
    }
}

fn all(cells: &[Cell], runs: u64) -> Result<Vec<Measured>> {
    let measured: Result<Vec<_>> = in_parallel(cells, |cell| cell.measure(runs))?
        .into_iter()
        .collect();
    let measured: Vec<Measured> = measured?.into_iter().flatten().collect();
    for Measured { cell, bound, delay } in &measured {
        println!(
            "  {}, {}, {} backends, {}/s, after {} s: {} ticks ({} to {}), bound {bound:.1}",
            cell.change.name(),
            cell.arrivals.name(),
            cell.backends,
            cell.rate,
            cell.before,
            delay.median(),
            delay.quartile(1),
            delay.quartile(3)
        );
    }
    Ok(measured)
}

fn shown(measured: &Measured) -> String {
    let (median, bound) = (measured.delay.median(), measured.bound);
    let ratio = if bound < MEASURABLE {
        format!("[{:.2}]", measured.ratio())
    } else {
        format!("{:.2}", measured.ratio())
    };
    format!("{median:.0} ({bound:.1}) {ratio}")
}

fn table(all: &[Measured], sizes: &[usize]) -> String {
    let mut text = format!(
        "| backends | connections a second | {} |\n|--:|--:|{}\n",
        Change::ALL.map(Change::name).join(" | "),
        "--:|".repeat(Change::ALL.len())
    );
    for backends in sizes.iter().rev() {
        for rate in RATES {
            let cells = Change::ALL.map(|change| {
                let is = |one: &&Measured| {
                    one.cell.change == change
                        && one.cell.backends == *backends
                        && one.cell.rate.to_bits() == rate.to_bits()
                };
                let bound = cell(Arrivals::Independent, change, *backends, rate, BEFORE).bound();
                match (all.iter().find(is), bound) {
                    (Some(measured), _) => shown(measured),
                    (None, Some(_)) => "–".to_owned(),
                    (None, None) => "inside".to_owned(),
                }
            });
            // A `String` takes whatever is written to it.
            let _ = writeln!(text, "| {backends} | {rate} | {} |", cells.join(" | "));
        }
    }
    text
}

fn clumps(all: &[Measured]) -> String {
    let mut text = "In clumps of 8 on average (geometrically distributed), 10 backends; the bound is that of independent \
                    connections:\n\n| connections a second | change | median (bound) ratio |\n|--:|---|--:|\n"
        .to_owned();
    for measured in all {
        let Cell { rate, change, .. } = measured.cell;
        let _ = writeln!(text, "| {rate} | {} | {} |", change.name(), shown(measured));
    }
    text
}

fn warm_up(all: &[Measured]) -> String {
    let mut text = "A pool that has not been watched for an hour yet: its dispersion is not known well. Evidence counts from the end \
                    of the warm-up, a minute.\n\n| watched before | connections a second | one of ten doubled: median (bound) \
                    ratio |\n|--:|--:|--:|\n"
        .to_owned();
    for measured in all {
        let Cell { before, rate, .. } = measured.cell;
        let _ = writeln!(text, "| {before} s | {rate} | {} |", shown(measured));
    }
    text
}

/// For each change, the worst of its ratios.
fn aims(all: &[Measured]) -> Vec<Aim> {
    let of = |change| {
        let measurable = all
            .iter()
            .filter(move |one| one.cell.change == change && one.bound >= MEASURABLE);
        let ratios = Sample::new(measurable.map(Measured::ratio))?;
        let (best, worst) = (ratios.quartile(0), ratios.max());
        Some(Aim {
            what: format!(
                "{}: median delay at most {AIM} times the bound",
                change.name()
            ),
            measured: format!("{best:.2} to {worst:.2} times"),
            met: worst <= AIM,
        })
    };
    Change::ALL.into_iter().filter_map(of).collect()
}
