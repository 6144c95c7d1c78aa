//! The report for programs. Fields are added, not changed; `version` says when that rule is broken.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::sentences::{capacity, check};
use super::{Counted, End, PoolReport, Report, Row, Traffic};
use crate::gate::judge::{Check, Side};
use crate::gate::noise::Basis;
use crate::model::rfc3339;

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let value = json!({
        "version": 1,
        "outcome": report.outcome().as_str(),
        "started": rfc3339(report.started).to_string(),
        "seconds": report.took.as_secs_f64(),
        "confidence": report.limits.confidence,
        "command": command(&report.traffic),
        "configuration": match &report.traffic {
            Traffic::Hermetic { configuration } => Some(configuration),
            Traffic::Command { .. } => None,
        },
        "pools": report.pools.iter().map(pool).collect::<Vec<_>>(),
        "notes": report.notes,
    });
    serde_json::to_writer_pretty(&mut *out, &value)?;
    writeln!(out)
}

fn command(traffic: &Traffic) -> Option<Value> {
    let Traffic::Command { line, end } = traffic else {
        return None;
    };
    let (code, signal) = match end {
        End::Code(code) => (Some(code), None),
        End::Signal(signal) => (None, Some(signal)),
    };
    Some(json!({"line": line, "exit_code": code, "signal": signal}))
}

fn pool(pool: &PoolReport) -> Value {
    let judgement = &pool.judgement;
    let measures = judgement.measures.as_ref();
    json!({
        "name": pool.name,
        "outcome": pool.outcome().as_str(),
        "algorithm": pool.algorithm,
        "signal": pool.signal.as_str(),
        "total": pool.total(),
        "needed": judgement.needed(),
        "measures": measures.map(|all| json!({
            "max_to_mean": all.max_to_mean,
            "min_to_mean": all.min_to_mean,
            "gini": all.gini,
            "gini_by_chance": all.gini_by_chance,
            "cv": all.cv,
            "hoover": all.hoover,
        })),
        "dispersion": {
            "basis": match judgement.noise.basis {
                Basis::Measured => "measured",
                Basis::Assumed => "assumed",
                Basis::Unknown => "unknown",
            },
            "estimate": judgement.noise.estimate,
            "used": judgement.noise.phi,
        },
        "capacity": judgement.wasted.map(|wasted| json!({
            "factor": wasted.factor,
            "at_least": wasted.at_least,
            "text": capacity(pool),
        })),
        "limits": judgement.checks.iter().map(|one| limit(one, pool)).collect::<Vec<_>>(),
        "backends": pool.rows.iter().enumerate().map(|(index, row)| backend(pool, index, row)).collect::<Vec<_>>(),
        "notes": pool.notes,
    })
}

fn limit(one: &Check, pool: &PoolReport) -> Value {
    json!({
        "name": one.limit.name(),
        "value": one.limit.value(),
        "observed": one.observed,
        "outcome": one.outcome.as_str(),
        "needed": one.needed,
        "text": check(one, pool),
    })
}

fn backend(pool: &PoolReport, index: usize, row: &Row) -> Value {
    json!({
        "name": row.name,
        "expected_share": row.expected,
        "share": pool.share(row),
        "between": row.bounds.map(|(low, high)| [low, high]),
        "load": row.load,
        "skewed": pool.side(index).map_or(0, |side| match side {
            Side::Hot => 1,
            Side::Cold => -1,
        }),
        "counted": row.counted.map(counted),
    })
}

fn counted(counted: Counted) -> Value {
    let counters = counted.counters;
    json!({
        "connections": {
            "opened": counters.opened,
            "failed": counters.failed,
            "closed": counters.closed,
            "open": counted.open,
        },
        "bytes": {"received": counters.received, "sent": counters.sent},
        "retransmits": counters.retransmits,
        "handshake_seconds": counted.handshake().map(|time| time.as_secs_f64()),
    })
}
