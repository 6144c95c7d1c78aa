//! How often the rule for open connections raises a false alarm, against what it promises.

use std::fmt::Write as _;

use anyhow::Result;
use evenkeel_skew::{Finding, LevelDetector, ShareDetector};

use super::balancer::{Balancer, Choice, Hold};
use super::parallel::in_parallel;
use super::pools::{self, DAY, PROMISE, Shares};
use super::random::{Random, Table, whole};
use super::tally::{Run, Tally};
use crate::bench::report::{self, Aim, Scale};

const SEED: u64 = 3;

/// The agent's window and hold time, in ticks.
const WINDOW: usize = 60;
const HOLD: u32 = 60;

/// How the connections of a pool come and stay.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    shares: Shares,
    least: bool,
    clump: Option<f64>,
    hold: fn(f64) -> Hold,
}

const fn kind(name: &'static str, shares: Shares) -> Kind {
    Kind {
        name,
        shares,
        least: false,
        clump: None,
        hold: Hold::Exponential,
    }
}

const KINDS: [Kind; 7] = [
    kind("at random, exponential times", Shares::Fair),
    kind("at random, exponential times", Shares::Anywhere),
    kind("at random, exponential times", Shares::Edge),
    Kind {
        hold: Hold::Lognormal,
        ..kind("at random, lognormal times", Shares::Edge)
    },
    Kind {
        clump: Some(8.0),
        ..kind("at random, clumps of 8 that close together", Shares::Fair)
    },
    Kind {
        clump: Some(8.0),
        ..kind("at random, clumps of 8 that close together", Shares::Edge)
    },
    Kind {
        least: true,
        hold: Hold::Lognormal,
        ..kind("least-connections, lognormal times", Shares::Fair)
    },
];

/// Open connections of the pool on average, and seconds that they stay.
const ACTIVE: [f64; 3] = [2_000.0, 200.0, 20.0];
const STAY: [f64; 3] = [5.0, 60.0, 600.0];

/// More connections a second than this are not simulated one by one.
const HIGHEST_RATE: f64 = 100.0;

/// Backends, and days for each kind, number and time.
const DAYS: [(usize, f64); 3] = [(50, 2.0), (10, 7.0), (2, 10.0)];
const QUICK: [(usize, f64); 2] = [(10, 0.02), (2, 0.02)];

#[derive(Clone, Copy)]
struct Job {
    kind: usize,
    backends: usize,
    active: f64,
    stay: f64,
    days: f64,
    stream: u64,
}

fn jobs(days: &[(usize, f64)]) -> Vec<Job> {
    let mut jobs = Vec::new();
    for &(backends, days) in days {
        for (active, stay) in ACTIVE
            .iter()
            .flat_map(|active| STAY.map(|stay| (*active, stay)))
        {
            if active / stay > HIGHEST_RATE {
                continue;
            }
            jobs.extend((0..KINDS.len()).map(|kind| Job {
                kind,
                backends,
                active,
                stay,
                days,
                stream: 0,
            }));
        }
    }
    for (stream, job) in jobs.iter_mut().enumerate() {
        job.stream = stream as u64;
    }
    jobs
}

/// The mean of each backend's level over the last ticks.
#[derive(Debug)]
pub(super) struct Window {
    ring: Vec<Vec<u64>>,
    now: usize,
    sums: Vec<u64>,
    means: Vec<f64>,
}

impl Window {
    pub(super) fn new(backends: usize) -> Self {
        Self {
            ring: vec![vec![0; backends]; WINDOW],
            now: 0,
            sums: vec![0; backends],
            means: vec![0.0; backends],
        }
    }

    /// Takes the levels of one more tick; gives the means and their sum.
    pub(super) fn push(&mut self, levels: &[u64]) -> (&[f64], f64) {
        let oldest = &mut self.ring[self.now];
        self.now = (self.now + 1) % WINDOW;
        let mut total = 0;
        for (backend, &level) in levels.iter().enumerate() {
            self.sums[backend] = self.sums[backend] + level - oldest[backend];
            oldest[backend] = level;
            self.means[backend] = self.sums[backend] as f64 / WINDOW as f64;
            total += self.sums[backend];
        }
        (&self.means, total as f64 / WINDOW as f64)
    }
}

/// Watches one pool as the agent does: the rule knows the dispersion of the pool's new connections.
fn watch(job: &Job) -> Result<Run> {
    let kind = KINDS[job.kind];
    let mut random = Random::new(SEED, job.stream);
    let loads = kind.shares.loads(job.backends, &mut random);
    let choice = if kind.least {
        Choice::Least
    } else {
        Choice::Random(Table::new(0, &loads))
    };
    let (rate, hold) = (job.active / job.stay, (kind.hold)(job.stay));
    let mut balancer = Balancer::new(job.backends, rate, choice, hold, kind.clump);
    let expected = pools::expected(&kind.shares.weights(job.backends))?;
    let terms = pools::terms(PROMISE);
    let mut opened_rule = ShareDetector::new(&expected, terms);
    let mut rule = LevelDetector::new(&expected, &terms, HOLD, u32::try_from(WINDOW)?);
    let mut window = Window::new(job.backends);
    let mut opened = vec![0; job.backends];
    let mut run = Run::default();
    for _ in 0..whole(job.days * DAY) {
        opened.fill(0);
        balancer.tick(&mut random, &mut opened);
        opened_rule.observe(&opened);
        rule.set_dispersion(opened_rule.dispersion());
        let (levels, total) = window.push(balancer.active());
        rule.observe(levels, total);
        run.tick(rule.finding() == Finding::Skewed);
    }
    Ok(run)
}

/// Simulates all pool-days; gives the table and the aim.
pub(super) fn measure(scale: Scale) -> Result<String> {
    let jobs = match scale {
        Scale::Full => jobs(&DAYS),
        Scale::Quick => jobs(&QUICK),
    };
    let runs: Result<Vec<Run>> = in_parallel(&jobs, watch)?.into_iter().collect();
    let runs: Vec<(Job, Run)> = jobs.into_iter().zip(runs?).collect();
    for (job, run) in runs.iter().filter(|(_, run)| run.alarms > 0) {
        println!(
            "  {} alarms in {:.1} days: {}, {}, {} backends, {} open for {} s, seed {SEED}, stream {}",
            run.alarms,
            run.days(),
            KINDS[job.kind].name,
            KINDS[job.kind].shares.name(),
            job.backends,
            job.active,
            job.stay,
            job.stream
        );
    }
    let total = Tally::of(runs.iter().map(|(_, run)| *run), PROMISE);
    let aim = Aim {
        what: format!(
            "open connections: at most one false alarm in 90 days, over {} pool-days",
            total.days()
        ),
        measured: total.summary(),
        met: total.kept(),
    };
    Ok(format!(
        "Seed {SEED}. Pools of 2, 10 and 50 backends with 20, 200 and 2,000 open connections that stay for 5, 60 and 600 s on \
         average, up to {HIGHEST_RATE:.0} new ones a second.\n\n{}{}",
        table(&runs),
        report::aims(&[aim])
    ))
}

fn table(runs: &[(Job, Run)]) -> String {
    let mut text =
        "| open connections | shares | pool-days | false alarms (allowed) | in the first hour | time in them |\n|---|---|--:|--:|--:|--:|\n"
            .to_owned();
    for (index, kind) in KINDS.iter().enumerate() {
        let of_kind = runs.iter().filter(|(job, _)| job.kind == index);
        let tally = Tally::of(of_kind.map(|(_, run)| *run), PROMISE);
        // A `String` takes whatever is written to it.
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            kind.name,
            kind.shares.name(),
            tally.cells()
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_forgets_what_is_older() {
        let mut window = Window::new(2);
        for _ in 0..WINDOW {
            window.push(&[6, 0]);
        }
        assert_eq!(window.push(&[66, 60]), (&[7.0, 1.0][..], 8.0));
        for _ in 0..WINDOW - 1 {
            window.push(&[0, 0]);
        }
        assert_eq!(window.push(&[0, 0]), (&[0.0, 0.0][..], 0.0));
    }
}
