//! What is said while the command runs: a line now and then, on standard error, among what the command itself says.

use std::io::Write;
use std::time::Duration;

use evenkeel_skew::Meter;

use crate::gate::Plan;
use crate::gate::live::Live;
use crate::model::Endpoint;

/// When lines are written: often at first, then every ten seconds.
const FIRST: [u64; 4] = [1, 2, 5, 10];

/// Pools that are told of; of many, those that come first.
const MOST_POOLS: usize = 5;

/// Writes the lines.
pub(super) struct Progress<'a> {
    /// Each with its endpoints; none while pools are learned.
    pools: Vec<(&'a Plan, Vec<Endpoint>)>,
    quiet: bool,
    /// Lines so far.
    told: usize,
}

impl<'a> Progress<'a> {
    pub(super) fn new(plans: &'a [Plan], live: &Live, quiet: bool) -> Self {
        let own = live.netns();
        Self {
            pools: plans
                .iter()
                .map(|plan| (plan, plan.endpoints(own)))
                .collect(),
            quiet,
            told: 0,
        }
    }

    /// Tells how far it is, if it is time.
    pub(super) fn tick(&mut self, elapsed: Duration, live: &Live, err: &mut dyn Write) {
        let next = FIRST.get(self.told).copied().unwrap_or_else(|| {
            let further = self.told + 1 - FIRST.len();
            10 * (further as u64 + 1)
        });
        if self.quiet || elapsed.as_secs() < next {
            return;
        }
        self.told += 1;
        // Nobody reads it, then.
        drop(self.write(elapsed, live, err));
    }

    fn write(&self, elapsed: Duration, live: &Live, err: &mut dyn Write) -> std::io::Result<()> {
        let seconds = elapsed.as_secs();
        if self.pools.is_empty() {
            let series = live.series();
            let opened: u64 = series
                .endpoints()
                .map(|endpoint| series.total(&endpoint).counters.opened)
                .sum();
            return writeln!(
                err,
                "evenkeel: {seconds} s: {opened} connections from this host"
            );
        }
        for (plan, endpoints) in self.pools.iter().take(MOST_POOLS) {
            let counts: Vec<u64> = endpoints
                .iter()
                .map(|endpoint| live.series().total(endpoint).counters.opened)
                .collect();
            let opened: u64 = counts.iter().sum();
            let measures = Meter::new().measure(&plan.expected, &counts).ok().flatten();
            let hottest = measures.map_or(String::new(), |all| {
                format!(", the hottest gets {:.2} times its share", all.max_to_mean)
            });
            writeln!(
                err,
                "evenkeel: {seconds} s: {}: {opened} connections{hottest}",
                plan.name
            )?;
        }
        Ok(())
    }
}
