//! What was found, in sentences that are the same in all formats.

use super::numbers::{grouped, percent, ratio, small};
use super::{End, PoolReport, Report, Traffic};
use crate::gate::judge::{Check, Outcome, Side};
use crate::gate::limits::Limit;
use crate::gate::noise::Basis;

/// A pool in a line.
pub(super) fn pool(pool: &PoolReport, report: &Report) -> String {
    let seconds = report.took.as_secs_f64();
    let amount = match pool.signal {
        super::Signal::Active => "open connections, sampled,".to_owned(),
        signal => format!("{} {}", grouped(pool.total()), signal.noun()),
    };
    format!(
        "{amount} over {} backends in {seconds:.1} s ({})",
        pool.rows.len(),
        pool.algorithm
    )
}

/// A limit, and what came of it.
pub(super) fn check(check: &Check, pool: &PoolReport) -> String {
    let limit = limit(check.limit);
    if pool.total() <= 0.0 && check.limit != Limit::NoFailed {
        return format!("{limit}: cannot be told; {}", nothing(pool));
    }
    let observed = observed(check);
    match check.outcome {
        Outcome::Pass => format!("{limit}: kept; {observed}"),
        Outcome::Skewed => match beyond(check, pool) {
            names if names.is_empty() => format!("{limit}: broken; {observed}"),
            names => format!("{limit}: broken by {names}"),
        },
        Outcome::Inconclusive => format!(
            "{limit}: cannot be told; {observed}. {}",
            missing(check, pool)
        ),
    }
}

/// Why there is nothing to judge.
fn nothing(pool: &PoolReport) -> String {
    let counted = pool.rows.iter().filter_map(|row| row.counted);
    match counted.map(|counted| counted.counters.failed).sum::<u64>() {
        0 => format!("there were no {}", pool.signal.noun()),
        1 => "the only attempt to connect failed".to_owned(),
        failed => format!("all {} attempts to connect failed", grouped(failed as f64)),
    }
}

fn limit(limit: Limit) -> String {
    match limit {
        Limit::MaxToMean(most) => {
            format!("no backend gets more than {} times its share", ratio(most))
        }
        Limit::Gini(most) => format!("Gini coefficient above chance is at most {}", small(most)),
        Limit::Tolerance(part) => format!("shares differ by at most {}", percent(part)),
        Limit::NoFailed => "no connection attempt fails".to_owned(),
    }
}

fn observed(check: &Check) -> String {
    match check.limit {
        Limit::MaxToMean(_) => {
            format!("the hottest gets {} times its share", ratio(check.observed))
        }
        Limit::Gini(_) => format!("it is {}", small(check.observed)),
        Limit::Tolerance(_) => format!("the farthest differs by {}", percent(check.observed)),
        Limit::NoFailed => format!("{} failed", grouped(check.observed)),
    }
}

/// The backends that are beyond a limit, each with what it gets; the first few of many.
fn beyond(check: &Check, pool: &PoolReport) -> String {
    const MOST: usize = 5;
    let named = |&(index, side): &(usize, Side)| {
        let row = pool.rows.get(index)?;
        let share = pool.share(row)?;
        let side = match side {
            Side::Hot => "hot",
            Side::Cold => "cold",
        };
        Some(format!(
            "{} ({side}: {} instead of {}, {} times its share)",
            row.name,
            percent(share),
            percent(row.expected),
            ratio(share / row.expected)
        ))
    };
    let each: Vec<String> = check.beyond.iter().take(MOST).filter_map(named).collect();
    let more = check.beyond.len().saturating_sub(MOST);
    let rest = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    each.join(", ") + &rest
}

/// What it would take to tell.
fn missing(check: &Check, pool: &PoolReport) -> String {
    match (pool.judgement.noise.basis, check.needed) {
        (Basis::Unknown, _) => {
            "How much it varies is not known from so short a run: let the load last longer"
                .to_owned()
        }
        (_, Some(needed))
            if pool.signal == super::Signal::Opened || pool.signal == super::Signal::Requests =>
        {
            format!(
                "About {} {} would be enough",
                grouped(needed as f64),
                pool.signal.noun()
            )
        }
        (_, Some(needed)) => format!(
            "About {} times the load would be enough",
            ratio(needed as f64 / pool.total())
        ),
        (_, None) => "It is so near to the limit that no number of connections tells".to_owned(),
    }
}

/// What the skew costs, or that it costs nothing.
pub(super) fn capacity(pool: &PoolReport) -> Option<String> {
    let wasted = pool.judgement.wasted?;
    Some(format!(
        "the same backends would carry {} times this load if it were spread as expected (at least {} times)",
        ratio(wasted.factor),
        ratio(wasted.at_least)
    ))
}

/// What made the traffic, and how it ended.
pub(super) fn traffic(report: &Report) -> String {
    match &report.traffic {
        Traffic::Command { line, end } => match end {
            End::Code(0) => format!("`{line}` ended with exit code 0"),
            End::Code(code) => format!("`{line}` failed: it ended with exit code {code}"),
            End::Signal(signal) => format!("`{line}` failed: it was ended by signal {signal}"),
        },
        Traffic::Hermetic { configuration } => format!(
            "a balancer with a copy of {configuration}, backends and traffic of the gate's own"
        ),
    }
}

/// How sure it all is, and by what.
pub(super) fn basis(pool: &PoolReport, report: &Report) -> String {
    let confidence = percent(report.limits.confidence);
    if pool.total() <= 0.0 {
        return format!("confidence {confidence}");
    }
    let noise = &pool.judgement.noise;
    let noise = match (noise.basis, noise.estimate) {
        (Basis::Measured, Some(phi)) => format!(
            "counts vary {} times as much as by lot (variance, measured)",
            match phi {
                tiny if tiny < 0.0005 => "less than 0.001".to_owned(),
                part if part < 0.995 => small(part),
                more => ratio(more),
            }
        ),
        (Basis::Unknown, _) => "how much counts vary could not be measured".to_owned(),
        _ => "counts are taken to vary as by lot; the run was too short to measure it".to_owned(),
    };
    format!("confidence {confidence}; {noise}")
}
