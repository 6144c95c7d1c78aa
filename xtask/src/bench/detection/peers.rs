//! The detector beside the rules that users have today, on the same traffic.

use anyhow::{Context, Result};
use evenkeel_skew::{Finding, ShareDetector};

use super::changes::Change;
use super::parallel::in_parallel;
use super::peers_report;
use super::pools::{self, DAY, PROMISE, Shares};
use super::random::{Random, whole};
use super::rules::{Evaluation, Rule, SCRAPE};
use super::traffic::{Arrivals, Traffic};
use crate::bench::report::Scale;
use crate::bench::stats::Sample;

/// Of the days on which false alarms are counted, of those that tune the rules, and of the changes.
pub(super) const SEEDS: [u64; 3] = [5, 6, 7];

/// Seconds before a change, so that the hour of the z-score is full; and after it, until a rule is given up.
const BEFORE: usize = 7_200;
pub(super) const GIVE_UP: usize = 10_800;

pub(super) const CHANGES: [Change; 3] = [Change::Doubled, Change::HalfMore, Change::Dead];

/// A pool.
#[derive(Clone, Copy)]
pub(super) struct Scenario {
    pub(super) arrivals: Arrivals,
    pub(super) shares: Shares,
    pub(super) backends: usize,
    pub(super) rate: f64,
}

const fn scenario(arrivals: Arrivals, shares: Shares, backends: usize, rate: f64) -> Scenario {
    Scenario {
        arrivals,
        shares,
        backends,
        rate,
    }
}

const SCENARIOS: [Scenario; 8] = [
    scenario(Arrivals::Independent, Shares::Fair, 50, 50.0),
    scenario(Arrivals::Independent, Shares::Fair, 50, 5.0),
    scenario(Arrivals::Independent, Shares::Fair, 10, 500.0),
    scenario(Arrivals::Independent, Shares::Fair, 10, 50.0),
    scenario(Arrivals::Independent, Shares::Fair, 10, 5.0),
    scenario(Arrivals::Independent, Shares::Fair, 10, 0.5),
    scenario(Arrivals::Independent, Shares::Anywhere, 10, 50.0),
    scenario(Arrivals::Clumps, Shares::Fair, 10, 50.0),
];

impl Scenario {
    /// Its loads, and its traffic with so many seconds in a step.
    fn traffic(&self, seed: u64, stream: u64, seconds: usize) -> (Vec<f64>, Traffic) {
        let mut random = Random::new(seed, stream);
        let loads = self.shares.loads(self.backends, &mut random);
        let traffic = Traffic::new(random, self.arrivals, self.rate * seconds as f64, &loads);
        (loads, traffic)
    }

    fn detector(&self) -> Result<ShareDetector> {
        let expected = pools::expected(&self.shares.weights(self.backends))?;
        Ok(ShareDetector::new(&expected, pools::terms(PROMISE)))
    }

    fn rules(&self) -> [Evaluation; Rule::ALL.len()] {
        Rule::ALL.map(|rule| Evaluation::new(rule, self.backends))
    }

    /// False alarms of the detector and of each rule as it is configured, over the same seconds.
    fn false_alarms(&self, stream: u64, days: f64) -> Result<[u64; 1 + Rule::ALL.len()]> {
        let (_, mut traffic) = self.traffic(SEEDS[0], stream, 1);
        let (mut detector, mut rules) = (self.detector()?, self.rules());
        let mut counters = vec![0; self.backends];
        let mut alarms = [0; 1 + Rule::ALL.len()];
        let mut firing = [false; 1 + Rule::ALL.len()];
        let mut note = |index: usize, fires: bool| {
            alarms[index] += u64::from(fires && !firing[index]);
            firing[index] = fires;
        };
        for second in 0..whole(days * DAY) {
            let counts = traffic.tick();
            detector.observe(counts);
            add(&mut counters, counts);
            note(0, detector.finding() == Finding::Skewed);
            if second % SCRAPE != 0 {
                continue;
            }
            for (index, rule) in rules.iter_mut().enumerate() {
                note(
                    1 + index,
                    rule.scraped(&counters) > Rule::ALL[index].threshold(),
                );
            }
        }
        Ok(alarms)
    }

    /// For each day and rule, the threshold below which it would have fired on that day.
    fn highest(&self, stream: u64, days: u64) -> Vec<[f64; Rule::ALL.len()]> {
        let (_, mut traffic) = self.traffic(SEEDS[1], stream, SCRAPE);
        let (mut rules, mut counters) = (self.rules(), vec![0; self.backends]);
        let mut all = Vec::new();
        for _ in 0..days {
            let mut highest = [f64::NEG_INFINITY; Rule::ALL.len()];
            for _ in 0..whole(DAY) / SCRAPE {
                add(&mut counters, traffic.tick());
                for (highest, rule) in highest.iter_mut().zip(&mut rules) {
                    *highest = highest.max(rule.scraped(&counters));
                }
            }
            all.push(highest);
        }
        all
    }

    /// Seconds until the detector, the rules as configured, and the rules as tuned see each change; infinite if they do not.
    fn delays(&self, stream: u64, tuned: [f64; Rule::ALL.len()]) -> Result<Vec<Delays>> {
        let (loads, mut traffic) = self.traffic(SEEDS[2], stream, 1);
        let (mut detector, mut rules) = (self.detector()?, self.rules());
        let mut counters = vec![0; self.backends];
        // Changes do not wait for a scrape.
        let before = BEFORE + Random::new(SEEDS[2], !stream).below(SCRAPE).0;
        for second in 0..before {
            let counts = traffic.tick();
            detector.observe(counts);
            add(&mut counters, counts);
            if second % SCRAPE == 0 {
                for rule in &mut rules {
                    rule.scraped(&counters);
                }
            }
        }
        let watched = Watched {
            detector,
            rules,
            counters,
            second: before,
            tuned,
        };
        Ok(CHANGES
            .iter()
            .map(|change| {
                let factors = change.loads(self.backends);
                let changed: Vec<f64> = loads
                    .iter()
                    .zip(factors)
                    .map(|(load, factor)| load * factor)
                    .collect();
                let mut traffic = traffic.clone();
                traffic.set_loads(&changed);
                watched.clone().until_seen(&mut traffic)
            })
            .collect())
    }
}

fn add(counters: &mut [u64], counts: &[u64]) {
    for (counter, count) in counters.iter_mut().zip(counts) {
        *counter += count;
    }
}

/// Seconds until a change was seen: by the detector, by the rules as configured, by the rules as tuned.
#[derive(Clone, Copy)]
pub(super) struct Delays {
    pub(super) detector: f64,
    pub(super) configured: [f64; Rule::ALL.len()],
    pub(super) tuned: [f64; Rule::ALL.len()],
}

#[derive(Clone)]
struct Watched {
    detector: ShareDetector,
    rules: [Evaluation; Rule::ALL.len()],
    counters: Vec<u64>,
    second: usize,
    tuned: [f64; Rule::ALL.len()],
}

impl Watched {
    fn until_seen(mut self, traffic: &mut Traffic) -> Delays {
        const NEVER: [f64; Rule::ALL.len()] = [f64::INFINITY; Rule::ALL.len()];
        let mut delays = Delays {
            detector: f64::INFINITY,
            configured: NEVER,
            tuned: NEVER,
        };
        for second in 0..GIVE_UP {
            let now = (second + 1) as f64;
            let counts = traffic.tick();
            add(&mut self.counters, counts);
            self.detector.observe(counts);
            if self.detector.finding() == Finding::Skewed {
                delays.detector = delays.detector.min(now);
            }
            if (self.second + second).is_multiple_of(SCRAPE) {
                self.evaluate(now, &mut delays);
            }
            let seen = delays.configured.iter().chain(&delays.tuned);
            if delays.detector.is_finite() && seen.copied().all(f64::is_finite) {
                break;
            }
        }
        delays
    }

    fn evaluate(&mut self, now: f64, delays: &mut Delays) {
        for (index, rule) in self.rules.iter_mut().enumerate() {
            let up_to = rule.scraped(&self.counters);
            let see = |delay: &mut f64, threshold: f64| {
                if up_to > threshold {
                    *delay = delay.min(now);
                }
            };
            see(&mut delays.configured[index], Rule::ALL[index].threshold());
            see(&mut delays.tuned[index], self.tuned[index]);
        }
    }
}

/// How long everything is simulated.
pub(super) struct Plan {
    pub(super) scenarios: &'static [Scenario],
    /// Days on which false alarms are counted, in as many runs.
    pub(super) days: u64,
    pub(super) days_of_a_run: f64,
    /// Runs that tune the rules, and days of each.
    pub(super) tuning: (u64, u64),
    /// Runs with changes.
    pub(super) runs: u64,
}

/// What came of a scenario.
pub(super) struct Measured {
    pub(super) scenario: Scenario,
    /// Of the detector, then of the rules as configured.
    pub(super) false_alarms: [u64; 1 + Rule::ALL.len()],
    /// Infinite if no threshold keeps the rule quiet.
    pub(super) tuned: [f64; Rule::ALL.len()],
    /// Of each change, of all runs.
    pub(super) delays: Vec<Vec<Delays>>,
}

/// Lets the detector and the rules watch the same traffic; gives the table.
pub(super) fn measure(scale: Scale) -> Result<String> {
    let plan = match scale {
        Scale::Full => Plan {
            scenarios: &SCENARIOS,
            days: 30,
            days_of_a_run: 1.0,
            tuning: (30, 30),
            runs: 100,
        },
        Scale::Quick => Plan {
            scenarios: &SCENARIOS[3..4],
            days: 2,
            days_of_a_run: 0.05,
            tuning: (2, 1),
            runs: 2,
        },
    };
    let measured: Result<Vec<Measured>> =
        plan.scenarios.iter().map(|one| run(one, &plan)).collect();
    peers_report::text(&plan, &measured?)
}

fn run(scenario: &Scenario, plan: &Plan) -> Result<Measured> {
    let streams = |number: u64| (0..number).collect::<Vec<u64>>();
    let days = in_parallel(&streams(plan.days), |stream| {
        scenario.false_alarms(*stream, plan.days_of_a_run)
    })?;
    let mut false_alarms = [0; 1 + Rule::ALL.len()];
    for day in days {
        for (sum, alarms) in false_alarms.iter_mut().zip(day?) {
            *sum += alarms;
        }
    }
    let (runs, days) = plan.tuning;
    let highest = in_parallel(&streams(runs), |stream| scenario.highest(*stream, days))?;
    let highest: Vec<_> = highest.into_iter().flatten().collect();
    let tuned = std::array::from_fn(|rule| threshold(highest.iter().map(|day| day[rule])));
    let delays = in_parallel(&streams(plan.runs), |stream| {
        scenario.delays(*stream, tuned)
    })?;
    let delays: Vec<Vec<Delays>> = delays.into_iter().collect::<Result<_>>()?;
    let measured = Measured {
        scenario: *scenario,
        false_alarms,
        tuned,
        delays: (0..CHANGES.len())
            .map(|change| delays.iter().map(|run| run[change]).collect())
            .collect(),
    };
    println!("  {}", peers_report::line(&measured)?);
    Ok(measured)
}

/// The threshold that is passed on one day in as many as the detector promises.
fn threshold(days: impl Iterator<Item = f64>) -> f64 {
    let mut days: Vec<f64> = days.collect();
    days.sort_unstable_by(|a, b| b.total_cmp(a));
    let passed = whole(days.len() as f64 * DAY / PROMISE);
    days.get(passed).copied().unwrap_or(f64::INFINITY)
}

/// The median; infinite if it was not seen in half of the runs.
pub(super) fn median(delays: impl Iterator<Item = f64>) -> Result<f64> {
    // Between two infinite ones is no number.
    let finite = delays.map(|delay| delay.min(1e9));
    let median = Sample::new(finite).context("no runs")?.median();
    Ok(if median > GIVE_UP as f64 {
        f64::INFINITY
    } else {
        median
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_passed_as_often_as_promised() {
        let days = (1..=900).map(f64::from);
        assert!((threshold(days) - 890.0).abs() < 1e-9);
        assert!(threshold([f64::INFINITY; 90].into_iter()).is_infinite());
    }

    #[test]
    fn what_half_of_the_runs_do_not_see_is_not_seen() {
        let never = f64::INFINITY;
        assert!((median([10.0, 20.0, never].into_iter()).unwrap() - 20.0).abs() < 1e-9);
        assert!(median([10.0, never].into_iter()).unwrap().is_infinite());
    }
}
