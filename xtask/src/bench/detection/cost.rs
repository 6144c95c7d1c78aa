//! What deciding takes: all detectors of many pools, tick by tick.

use std::fmt::Write as _;
use std::time::Instant;

use anyhow::{Context, Result};
use evenkeel_skew::{FailureDetector, LevelDetector, ShareDetector};

use super::pools::{self, PROMISE};
use super::random::{Random, Table};
use super::traffic::{Arrivals, Traffic};
use crate::bench::report::{self, Aim, Scale, thousands};
use crate::bench::stats::Sample;

const SEED: u64 = 8;

const BACKENDS: usize = 10;

/// Connections a second in a pool, open ones of a backend, and the part of connects that fail.
const RATE: f64 = 10.0;
const ACTIVE: f64 = 20.0;
const FAILING: f64 = 0.002;

/// Ticks before the first that is timed, more than the warm-up: in that only the dispersion is learned.
const BEFORE: usize = 100;

/// The part of connects that may fail.
const TOLERATED_FAILURES: f64 = 0.01;

const AIM_SECONDS: f64 = 0.005;

struct Pool {
    traffic: Traffic,
    shares: ShareDetector,
    levels: LevelDetector,
    failures: FailureDetector,
    opened: Vec<u64>,
    active: Vec<f64>,
    failed: Vec<u64>,
}

impl Pool {
    fn new(stream: u64) -> Result<Self> {
        let (expected, terms) = (pools::expected(&[1.0; BACKENDS])?, pools::terms(PROMISE));
        let random = Random::new(SEED, stream);
        Ok(Self {
            traffic: Traffic::new(random, Arrivals::Independent, RATE, &[1.0; BACKENDS]),
            shares: ShareDetector::new(&expected, terms),
            levels: LevelDetector::new(&expected, &terms, 60, 60),
            failures: FailureDetector::new(BACKENDS, terms, TOLERATED_FAILURES),
            opened: vec![0; BACKENDS],
            active: vec![0.0; BACKENDS],
            failed: vec![0; BACKENDS],
        })
    }

    /// What happens in the next tick.
    fn happen(&mut self, random: &mut Random, active: &Table) {
        self.opened.copy_from_slice(self.traffic.tick());
        self.active.fill_with(|| active.draw(random) as f64);
        self.failed.fill_with(|| u64::from(random.unit() < FAILING));
    }
}

/// Seconds that the detectors of all pools took in each tick: shares, levels, failures.
fn ticks(pools: usize, ticks: usize) -> Result<Vec<[f64; 3]>> {
    let mut all = (0..pools as u64)
        .map(Pool::new)
        .collect::<Result<Vec<_>>>()?;
    let (mut random, active) = (Random::new(SEED, u64::MAX), Table::poisson(ACTIVE));
    let mut times = Vec::new();
    for _ in 0..BEFORE + ticks {
        for pool in &mut all {
            pool.happen(&mut random, &active);
        }
        times.push([
            seconds(&mut all, |pool| pool.shares.observe(&pool.opened)),
            seconds(&mut all, |pool| {
                pool.levels.observe(&pool.active, ACTIVE * BACKENDS as f64);
            }),
            seconds(&mut all, |pool| {
                pool.failures.observe(&pool.failed, &pool.opened);
            }),
        ]);
    }
    Ok(times.split_off(BEFORE))
}

fn seconds(all: &mut [Pool], observe: impl Fn(&mut Pool)) -> f64 {
    let began = Instant::now();
    all.iter_mut().for_each(observe);
    began.elapsed().as_secs_f64()
}

/// Times the detectors; gives the table and the aim.
pub(super) fn measure(scale: Scale) -> Result<String> {
    let (pools, number) = match scale {
        Scale::Full => (1_000, 1_000),
        Scale::Quick => (100, 20),
    };
    let times = ticks(pools, number)?;
    let sample = |of: fn(&[f64; 3]) -> f64| Sample::new(times.iter().map(of)).context("no ticks");
    let total = sample(|parts| parts.iter().sum())?;
    let rows = [
        ("new connections", sample(|parts| parts[0])?),
        ("open connections", sample(|parts| parts[1])?),
        ("failed connects", sample(|parts| parts[2])?),
        ("all", total.clone()),
    ];
    let mut text = format!(
        "Seed {SEED}, {} ticks, {} pools of {BACKENDS} backends, {RATE} connections a second for each pool, on one core.\n\n\
         | detector | median of a tick | worst |\n|---|--:|--:|\n",
        thousands(number),
        thousands(pools)
    );
    for (name, sample) in rows {
        let milliseconds =
            [sample.median(), sample.max()].map(|seconds| format!("{:.2} ms", seconds * 1e3));
        writeln!(text, "| {name} | {} |", milliseconds.join(" | "))?;
    }
    let aim = Aim {
        what: format!(
            "the whole decision for {} backends in {} pools: under 5 ms a tick",
            thousands(pools * BACKENDS),
            thousands(pools)
        ),
        measured: format!(
            "{:.2} ms, at worst {:.2}",
            total.median() * 1e3,
            total.max() * 1e3
        ),
        met: total.median() < AIM_SECONDS,
    };
    Ok(format!("{text}{}", report::aims(&[aim])))
}
