//! Connections per second with and without the agent, in pairs of runs.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::agents;
use super::report::{self, Aim, Scale};
use super::site::Site;
use super::stats::Sample;
use super::tools::{Watched, config};

const ENDPOINTS: usize = 100;

/// Measures both in turn; gives a sentence and the aim.
pub(super) fn measure(binary: &Path, scale: Scale) -> Result<String> {
    let (pairs, time) = match scale {
        Scale::Full => (30, Duration::from_secs(1)),
        Scale::Quick => (2, Duration::from_millis(300)),
    };
    let site = Site::create(ENDPOINTS)?;
    let mut without = Vec::new();
    let mut ratios = Vec::new();
    for number in 1..=pairs {
        // Each comes first in half of the pairs, so that a drift of the machine favours neither.
        let (with_agent, bare) = if number % 2 == 0 {
            let bare = site.pairs_a_second(ENDPOINTS, time)?;
            (with_agent(binary, &site, time)?, bare)
        } else {
            let with_agent = with_agent(binary, &site, time)?;
            (with_agent, site.pairs_a_second(ENDPOINTS, time)?)
        };
        println!("  {number}/{pairs}: {bare:.0} connections/s without, {with_agent:.0} with");
        without.push(bare);
        ratios.push(with_agent / bare);
    }
    let without = Sample::new(without).context("nothing was measured")?;
    let ratio = Sample::new(ratios).context("nothing was measured")?;
    let (low, high) = ratio.median_interval();
    let aim = Aim {
        what: "connections per second with the agent, of those without: at least 0.98".to_owned(),
        measured: format!(
            "{:.3} (95 % of certainty: {low:.3}–{high:.3})",
            ratio.median()
        ),
        met: ratio.median() >= 0.98,
    };
    Ok(format!(
        "One thread opened and reset {:.0} connections a second without the agent (median of {pairs} runs of {time:?}), over \
         {ENDPOINTS} endpoints that the agent watched in the run beside it.\n{}",
        without.median(),
        report::aims(&[aim])
    ))
}

fn with_agent(binary: &Path, site: &Site, time: Duration) -> Result<f64> {
    let _agent = agents::start(binary, &config(Watched::All(ENDPOINTS), site))?;
    site.pairs_a_second(ENDPOINTS, time)
}
