//! The report for programs; docs/backtest.md has its keys.

use std::io::{self, Write};

use serde::Serialize;

use crate::backtest::{Outcome, PoolOutcome, Report};
use crate::model::{PerVerdict, Role, Signal, Verdict, rfc3339};
use crate::publish::api::IncidentView;

/// Stretches of time in a time line.
const STRETCHES: usize = 120;

#[derive(Serialize)]
struct Answer<'a> {
    from: Option<String>,
    to: Option<String>,
    covered_seconds: f64,
    interval_seconds: f64,
    ticks: u64,
    missed_ticks: u64,
    agents: &'a [String],
    timeline_step_seconds: f64,
    settings: Vec<SettingView<'a>>,
}

#[derive(Serialize)]
struct SettingView<'a> {
    tolerance: f64,
    false_alarm_every_seconds: f64,
    for_seconds: f64,
    signals: &'a [Signal],
    incidents: usize,
    pools: Vec<PoolView<'a>>,
}

#[derive(Serialize)]
struct PoolView<'a> {
    agent: &'a str,
    pool: &'a str,
    role: Role,
    backends: usize,
    tolerance: f64,
    seconds: PerVerdict<f64>,
    timeline: Vec<Stretch>,
    incidents: Vec<IncidentView<'a>>,
}

#[derive(Serialize)]
struct Stretch {
    verdict: Option<Verdict>,
    max_to_mean: Option<f64>,
}

/// Writes a report.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let span = &report.span;
    let length = span.bounds.map_or(0.0, |(from, to)| {
        (to + span.interval)
            .duration_since(from)
            .unwrap_or_default()
            .as_secs_f64()
    });
    let answer = Answer {
        from: span.bounds.map(|(from, _)| rfc3339(from).to_string()),
        to: span.bounds.map(|(_, to)| rfc3339(to).to_string()),
        covered_seconds: span.covered.as_secs_f64(),
        interval_seconds: span.interval.as_secs_f64(),
        ticks: span.ticks,
        missed_ticks: span.missed,
        agents: &span.agents,
        timeline_step_seconds: length / STRETCHES as f64,
        settings: report
            .outcomes
            .iter()
            .map(|outcome| setting(outcome, report))
            .collect(),
    };
    serde_json::to_writer(&mut *out, &answer)?;
    writeln!(out)
}

fn setting<'a>(outcome: &'a Outcome, report: &Report) -> SettingView<'a> {
    let detection = &outcome.detection;
    SettingView {
        tolerance: detection.tolerance,
        false_alarm_every_seconds: detection.false_alarm_every.as_secs_f64(),
        for_seconds: detection.hold.as_secs_f64(),
        signals: &detection.signals,
        incidents: outcome.incidents().count(),
        pools: outcome.pools.iter().map(|one| pool(one, report)).collect(),
    }
}

fn pool<'a>(pool: &'a PoolOutcome, report: &Report) -> PoolView<'a> {
    let verdicts = &pool.verdicts;
    let columns = report.span.bounds.map(|(from, to)| {
        let end = to + report.span.interval;
        pool.timeline.columns(from, end, STRETCHES)
    });
    PoolView {
        agent: &pool.agent,
        pool: &pool.pool,
        role: pool.role,
        backends: pool.backends,
        tolerance: pool.tolerance,
        seconds: PerVerdict {
            even: verdicts.even.as_secs_f64(),
            suspect: verdicts.suspect.as_secs_f64(),
            skewed: verdicts.skewed.as_secs_f64(),
            unknown: verdicts.unknown.as_secs_f64(),
        },
        timeline: columns
            .into_iter()
            .flatten()
            .map(|column| Stretch {
                verdict: column.verdict,
                max_to_mean: column.max_to_mean,
            })
            .collect(),
        incidents: pool
            .incidents
            .iter()
            .map(|incident| IncidentView::of(incident))
            .collect(),
    }
}
