//! How often the detector for new connections raises a false alarm, against what it promises.

use std::fmt::Write as _;

use anyhow::Result;
use evenkeel_skew::{Finding, ShareDetector};

use super::parallel::in_parallel;
use super::pools::{self, DAY, PROMISE, Shares};
use super::random::{Random, whole};
use super::tally::{Run, Tally};
use super::traffic::{Arrivals, Traffic};
use crate::bench::report::{self, Aim, Scale};

/// Of the days with the promise of the agent, and of those with a promise of a day.
const SEEDS: [u64; 2] = [1, 2];

const KINDS: [(Arrivals, Shares); 15] = [
    (Arrivals::Independent, Shares::Fair),
    (Arrivals::Independent, Shares::Weighted),
    (Arrivals::Independent, Shares::Anywhere),
    (Arrivals::Independent, Shares::Edge),
    (Arrivals::Bursts, Shares::Fair),
    (Arrivals::Bursts, Shares::Edge),
    (Arrivals::Clumps, Shares::Fair),
    (Arrivals::Clumps, Shares::Anywhere),
    (Arrivals::Clumps, Shares::Edge),
    (Arrivals::Sticky(10), Shares::Fair),
    (Arrivals::Sticky(10), Shares::Edge),
    (Arrivals::Sticky(60), Shares::Fair),
    (Arrivals::Sticky(60), Shares::Edge),
    (Arrivals::InTurn, Shares::Fair),
    (Arrivals::LeastConnections, Shares::Fair),
];

/// Clumps that take minutes to be known for what they are: judged apart.
const LONGEST_CLUMPS: Arrivals = Arrivals::Sticky(60);

const RATES: [f64; 6] = [10_000.0, 1_000.0, 100.0, 10.0, 1.0, 0.1];

/// Above this a balancer is not simulated connection by connection.
const LEAST_CONNECTIONS_RATE: f64 = 100.0;

/// Backends, and days for each kind and rate: a day of a large pool takes as long as many of a small one.
const DAYS: [(usize, f64); 7] = [
    (200, 1.0),
    (100, 2.0),
    (50, 4.0),
    (20, 12.0),
    (10, 24.0),
    (4, 30.0),
    (2, 42.0),
];
const DAYS_OF_FEW: [(usize, f64); 3] = [(50, 1.0), (10, 4.0), (2, 10.0)];
const QUICK: [(usize, f64); 2] = [(10, 0.02), (2, 0.02)];

/// A pool is simulated for at most so many days; then it is another one.
const LONGEST: f64 = 7.0;

#[derive(Clone, Copy)]
struct Job {
    kind: usize,
    backends: usize,
    rate: f64,
    days: f64,
    promise: f64,
    random: (u64, u64),
}

/// The days of the bench: `days` for each kind, rate and size.
fn jobs(days: &[(usize, f64)], promise: f64, seed: u64) -> Vec<Job> {
    let mut jobs = Vec::new();
    for &(backends, days) in days {
        for rate in RATES {
            for (kind, (arrivals, _)) in KINDS.iter().enumerate() {
                if *arrivals == Arrivals::LeastConnections && rate > LEAST_CONNECTIONS_RATE {
                    continue;
                }
                let mut left = days;
                while left > 0.0 {
                    jobs.push(Job {
                        kind,
                        backends,
                        rate,
                        days: left.min(LONGEST),
                        promise,
                        random: (seed, jobs.len() as u64),
                    });
                    left -= LONGEST;
                }
            }
        }
    }
    jobs
}

/// Watches one pool, and leaves the detector to itself as the agent does: a false incident ends when that sees it.
fn watch(job: &Job) -> Result<Run> {
    let mut random = Random::new(job.random.0, job.random.1);
    let (arrivals, shares) = KINDS[job.kind];
    let loads = shares.loads(job.backends, &mut random);
    let mut traffic = Traffic::new(random, arrivals, job.rate, &loads);
    let expected = pools::expected(&shares.weights(job.backends))?;
    let mut detector = ShareDetector::new(&expected, pools::terms(job.promise));
    let mut run = Run::default();
    for _ in 0..whole(job.days * DAY) {
        detector.observe(traffic.tick());
        run.tick(detector.finding() == Finding::Skewed);
    }
    Ok(run)
}

/// Simulates all pool-days; gives the tables and the aims.
pub(super) fn measure(scale: Scale) -> Result<String> {
    let (many, few) = match scale {
        Scale::Full => (&DAYS[..], &DAYS_OF_FEW[..]),
        Scale::Quick => (&QUICK[..], &QUICK[..]),
    };
    let many = simulate(many, PROMISE, SEEDS[0])?;
    let few = simulate(few, DAY, SEEDS[1])?;
    let aims = [
        aim("90 days", true, &many, PROMISE),
        aim("90 days", false, &many, PROMISE),
        aim("a day, where that is promised", true, &few, DAY),
        aim("a day, where that is promised", false, &few, DAY),
    ];
    Ok(format!(
        "Seeds {} and {}. Rates of 0.1, 1, 10, 100, 1,000 and 10,000 connections a second, each for as many days; \
         least-connections up to {LEAST_CONNECTIONS_RATE:.0}/s. *Allowed* is how many alarms the promise comes to; in bold where it \
         is broken with a certainty of 97.5 %.\n\n{}\n{}{}",
        SEEDS[0],
        SEEDS[1],
        by_kind(&many, &few),
        by_size(&many),
        report::aims(&aims)
    ))
}

/// Of clients that stay for long, which are clumps of sixty, or of all others.
fn aim(promise: &str, long: bool, runs: &[(Job, Run)], ticks: f64) -> Aim {
    let of = |job: &Job| (KINDS[job.kind].0 == LONGEST_CLUMPS) == long;
    let runs = runs.iter().filter(|(job, _)| of(job));
    let tally = Tally::of(runs.map(|(_, run)| *run), ticks);
    let which = if long {
        LONGEST_CLUMPS.name()
    } else {
        "all but those".to_owned()
    };
    Aim {
        what: format!(
            "{which}: at most one false alarm in {promise}, over {} pool-days",
            tally.days()
        ),
        measured: tally.summary(),
        met: tally.kept(),
    }
}

fn simulate(days: &[(usize, f64)], promise: f64, seed: u64) -> Result<Vec<(Job, Run)>> {
    let jobs = jobs(days, promise, seed);
    let runs: Result<Vec<Run>> = in_parallel(&jobs, watch)?.into_iter().collect();
    let runs: Vec<(Job, Run)> = jobs.into_iter().zip(runs?).collect();
    for (job, run) in runs.iter().filter(|(_, run)| run.alarms > 0) {
        let ((arrivals, shares), (seed, stream)) = (KINDS[job.kind], job.random);
        println!(
            "  {} alarms in {:.1} days promised one in {:.0}: {}, {}, {} backends, {}/s, seed {seed}, stream {stream}",
            run.alarms,
            run.days(),
            job.promise / DAY,
            arrivals.name(),
            shares.name(),
            job.backends,
            job.rate
        );
    }
    let total = Tally::of(runs.iter().map(|(_, run)| *run), promise);
    println!("  {} pool-days: {}", total.days(), total.summary());
    Ok(runs)
}

fn by_kind(many: &[(Job, Run)], few: &[(Job, Run)]) -> String {
    let mut text = "| connections come | shares | pool-days | false alarms (allowed) | in the first hour | time in them | with a promise of a day: pool-days | \
                    false alarms (allowed) | in the first hour | time in them |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n"
        .to_owned();
    for (kind, (arrivals, shares)) in KINDS.iter().enumerate() {
        let of = |runs: &[(Job, Run)], promise| {
            let runs = runs.iter().filter(|(job, _)| job.kind == kind);
            Tally::of(runs.map(|(_, run)| *run), promise)
        };
        let cells = [
            arrivals.name(),
            shares.name().to_owned(),
            of(many, PROMISE).cells(),
            of(few, DAY).cells(),
        ];
        // A `String` takes whatever is written to it.
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

fn by_size(many: &[(Job, Run)]) -> String {
    let mut text =
        "All but clients that stay 60 s, by size:\n\n| backends | pool-days | false alarms (allowed) | in the first hour | time in them |\n|--:|--:|--:|--:|--:|\n".to_owned();
    let mut sizes: Vec<usize> = many.iter().map(|(job, _)| job.backends).collect();
    sizes.sort_unstable();
    sizes.dedup();
    for size in sizes {
        let of = |job: &Job| job.backends == size && KINDS[job.kind].0 != LONGEST_CLUMPS;
        let runs = many.iter().filter(|(job, _)| of(job));
        let tally = Tally::of(runs.map(|(_, run)| *run), PROMISE);
        let _ = writeln!(text, "| {size} | {} |", tally.cells());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_full_bench_has_ten_thousand_days_over_all_sizes_and_rates() {
        let jobs = jobs(&DAYS, PROMISE, 1);
        let days: f64 = jobs.iter().map(|job| job.days).sum();
        assert!(days >= 10_000.0, "{days}");
        let covers = |backends, rate: f64| {
            jobs.iter()
                .any(|job| job.backends == backends && job.rate.to_bits() == rate.to_bits())
        };
        assert!(covers(2, 0.1) && covers(200, 10_000.0));
        assert!(jobs.iter().all(|job| job.days > 0.0 && job.days <= LONGEST));
    }
}
