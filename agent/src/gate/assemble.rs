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
    notes.extend(about_open(&totals, series.length(), signal));
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

/// A connection that lasts for so much of the run is taken for one that carries several requests.
const LONG: f64 = 0.1;

/// What connections that stay open hide, if there are some.
fn about_open(totals: &[Total], ticks: usize, signal: Signal) -> Option<String> {
    let sum = |of: fn(&Total) -> u64| totals.iter().map(of).sum::<u64>();
    let opened = sum(|total| total.counters.opened);
    let all = opened + sum(|total| total.open_at_start);
    let kept = sum(|total| total.open_at_end);
    let open = sum(|total| total.load.open);
    match signal {
        Signal::Active => (open == 0 && opened > 0).then(|| {
            "no connection was open at the moments at which they were looked at: judge by --signal opened".to_owned()
        }),
        Signal::Opened => {
            // Little's law: open connections are arrivals times how long each lasts.
            let lasts = open as f64 / all.max(1) as f64 / ticks.max(1) as f64;
            (kept > 0 && (2 * kept >= all || lasts >= LONG)).then(|| {
                format!(
                    "connections are kept: each lasted for {:.0} % of the run on average, and {kept} of {all} stayed open to the \
                     end. How requests are spread over them cannot be seen from their number: compare the bytes (--signal bytes), \
                     or let the load use a connection per request",
                    lasts * 100.0
                )
            })
        }
        Signal::Bytes | Signal::Requests => None,
    }
}
