//! From what was counted to a pool's part of the report.

use super::judge::{Observation, judge};
use super::limits::Limits;
use super::plan::Plan;
use super::report::{PoolReport, Row, Signal};
use super::series::{Load, Series, Total};
use crate::model::{Algorithm, NetnsCookie};

/// The signal that a pool is judged by unless something else is asked for.
pub const fn usual_signal(algorithm: Algorithm) -> Signal {
    // Least-connections sends new connections where old ones end; what it aims at is the open ones.
    match algorithm {
        Algorithm::LoadDependent => Signal::Active,
        _ => Signal::Opened,
    }
}

/// Judges a pool by what was counted in the kernel.
pub fn judged(
    plan: &Plan,
    series: &Series,
    own: NetnsCookie,
    signal: Option<Signal>,
    limits: &Limits,
) -> PoolReport {
    let signal = signal.unwrap_or_else(|| usual_signal(plan.algorithm));
    let part: fn(&Load) -> u64 = match signal {
        Signal::Active => |load| load.open,
        Signal::Bytes => |load| load.bytes,
        Signal::Opened | Signal::Requests => |load| load.opened,
    };
    let endpoints = plan.endpoints(own);
    let totals: Vec<Total> = endpoints
        .iter()
        .map(|endpoint| series.total(endpoint))
        .collect();
    let ticks = series.ticks(&endpoints, part);
    let loads: Vec<f64> = totals
        .iter()
        .map(|total| part(&total.load) as f64)
        .collect();
    let judgement = judge(
        &Observation {
            expected: &plan.expected,
            algorithm: plan.algorithm,
            schedulers: plan.schedulers,
            countable: signal == Signal::Opened,
            loads: &loads,
            ticks: &ticks,
            failed: totals.iter().map(|total| total.counters.failed).sum(),
        },
        limits,
    );
    let mut notes = plan.notes.clone();
    notes.extend(about_open(&totals, signal));
    let rows = totals.iter().enumerate().map(|(index, total)| Row {
        name: plan.members[index].title.clone(),
        expected: plan.expected.shares()[index],
        load: loads[index],
        bounds: judgement.bounds[index],
        counted: Some((*total).into()),
    });
    PoolReport {
        name: plan.name.clone(),
        algorithm: plan.algorithm_name.clone(),
        signal,
        rows: rows.collect(),
        judgement,
        notes,
    }
}

/// What connections that stay open hide, if there are some.
fn about_open(totals: &[Total], signal: Signal) -> Option<String> {
    let sum = |of: fn(&Total) -> u64| totals.iter().map(of).sum::<u64>();
    let opened = sum(|total| total.counters.opened);
    let all = opened + sum(|total| total.open_at_start);
    let kept = sum(|total| total.open_at_end);
    if signal == Signal::Active {
        return (sum(|total| total.load.open) == 0 && opened > 0).then(|| {
            "no connection was open at the moments at which they were looked at: judge by --signal opened".to_owned()
        });
    }
    (kept > 0 && 2 * kept >= all && signal == Signal::Opened).then(|| {
        format!(
            "{kept} of {all} connections stayed open to the end: how requests were spread over them cannot be seen from their \
             number. Compare the bytes (--signal bytes), or let the load use a connection per request"
        )
    })
}
