//! Which pools the command line names.

use std::io::Write;

use evenkeel_balancers::source::HostFiles;
use evenkeel_balancers::{Options, read};

use super::UsageError;
use super::args::GateArgs;
use crate::config::Config;
use crate::discovery::auto;
use crate::gate::Plan;
use crate::gate::live::Live;
use crate::model::Role;

/// The pools of configurations; none if they are to be learned.
pub(super) fn named(args: &GateArgs, err: &mut dyn Write) -> Result<Option<Vec<Plan>>, UsageError> {
    let mut plans = Vec::new();
    let mut skipped = Vec::new();
    let mut any = false;
    if let Some(file) = &args.config {
        let config = Config::load(file)?;
        // A configuration without pools lets them be learned, as in `run`.
        any = !config.pools.is_empty();
        let specs = config.pools.iter();
        plans.extend(specs.filter_map(|spec| Plan::of_spec(spec, args.expect())));
    }
    for (product, path) in args.balancers() {
        any = true;
        let configuration = read(product, &HostFiles, path, &Options::default())?;
        for pool in &configuration.pools {
            match Plan::of_balancer(pool, args.expect()) {
                Ok(plan) => plans.push(plan),
                Err(Some(reason)) if args.wants(&pool.name) => {
                    skipped.push(format!("{}: {reason}", pool.name));
                }
                Err(_) => {}
            }
        }
    }
    plans.retain(|plan| args.wants(&plan.name));
    for reason in &skipped {
        // The report is what counts.
        drop(writeln!(err, "evenkeel: not judged: {reason}"));
    }
    if any && plans.is_empty() {
        return Err(UsageError::NoPool);
    }
    missing(args, any.then_some(&plans))?;
    Ok(any.then_some(plans))
}

/// A pool that is asked for and is not there.
fn missing(args: &GateArgs, plans: Option<&Vec<Plan>>) -> Result<(), UsageError> {
    let Some(plans) = plans else { return Ok(()) };
    let is_there = |name: &String| plans.iter().any(|plan| plan.name == *name);
    match args.pools.iter().find(|name| !is_there(name)) {
        Some(name) => Err(UsageError::Unknown(name.clone())),
        None => Ok(()),
    }
}

/// The pools that were seen: endpoints of one port, to which connections were opened, or tried.
pub(super) fn learned(args: &GateArgs, live: &Live) -> Vec<Plan> {
    let series = live.series();
    let tried = series.endpoints().filter(|endpoint| {
        let counters = series.total(endpoint).counters;
        endpoint.role() == Role::Upstream && counters.opened + counters.failed > 0
    });
    auto::group(tried, live.netns())
        .iter()
        .filter(|spec| args.wants(&spec.name))
        .filter_map(|spec| Plan::of_spec(spec, args.expect()))
        .collect()
}
