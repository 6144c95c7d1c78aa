//! The families about what was decided: verdicts, evidence, incidents.

use std::fmt;
use std::time::SystemTime;

use super::family::{Exposition, Family};
use super::identity::{Identities, Rendered};
use crate::model::{Judgement, PoolState, Side, Signal, State, Verdict};

const EVIDENCE: Family = Family::gauge(
    "evenkeel_pool_evidence",
    "Evidence that the signal's shares are outside of their tolerance, as a decimal logarithm; an incident begins at the \
     threshold.",
);
const THRESHOLD: Family = Family::gauge(
    "evenkeel_pool_evidence_threshold",
    "What the evidence has to reach for an incident to begin, as a decimal logarithm.",
);
const VERDICT: Family = Family::gauge(
    "evenkeel_pool_verdict",
    "1 for what the pool is found to be in the signal, 0 for all else it could be.",
);
const DETECTION: Family = Family::gauge(
    "evenkeel_pool_detection",
    "How long it would take to see that a backend gets twice its share, at the present rate of new connections.",
)
.in_seconds();
const DISPERSION: Family = Family::gauge(
    "evenkeel_pool_dispersion",
    "How much more than independent arrivals the backends' new connections vary, at least 1.",
)
.as_ratio();
const STARTED: Family = Family::gauge(
    "evenkeel_pool_skew_started_timestamp",
    "When the incident that is on began, by the evidence, since the Unix epoch; absent while there is none.",
)
.in_seconds();
const SKEWED: Family = Family::gauge(
    "evenkeel_backend_skewed",
    "While there is an incident in the signal: 1 for backends above their tolerance (of the signal failed: that fail), -1 \
     below, else 0.",
);
const INCIDENTS: Family = Family::counter(
    "evenkeel_incidents_started",
    "Incidents that began since the agent started, by signal.",
);
const OPEN: Family = Family::gauge("evenkeel_incidents_open", "Incidents that are on.");

/// Writes all families about decisions.
pub(super) fn write(
    out: &mut Exposition<'_>,
    state: &State,
    identities: &Identities,
) -> fmt::Result {
    write_judgements(out, &state.pools)?;
    write_pools(out, &state.pools)?;
    write_backends(out, &state.pools, identities)?;
    write_incidents(out, state)
}

/// Calls `visit` for each signal that each pool is judged by.
fn judged(
    pools: &[PoolState],
    mut visit: impl FnMut(&str, Signal, &Judgement) -> fmt::Result,
) -> fmt::Result {
    for state in pools {
        for signal in Signal::ALL {
            if let Some(judgement) = &state.signals.get(signal).judgement {
                visit(&state.pool.spec.name, signal, judgement)?;
            }
        }
    }
    Ok(())
}

fn write_judgements(out: &mut Exposition<'_>, pools: &[PoolState]) -> fmt::Result {
    let mut samples = out.family(&EVIDENCE)?;
    judged(pools, |pool, signal, judgement| {
        samples.gauge(
            &[("pool", pool), ("signal", signal.as_str())],
            judgement.evidence,
        )
    })?;
    let mut samples = out.family(&THRESHOLD)?;
    judged(pools, |pool, signal, judgement| {
        samples.gauge(
            &[("pool", pool), ("signal", signal.as_str())],
            judgement.threshold,
        )
    })?;
    let mut samples = out.family(&VERDICT)?;
    judged(pools, |pool, signal, judgement| {
        for verdict in Verdict::ALL {
            let labels = [
                ("pool", pool),
                ("signal", signal.as_str()),
                ("verdict", verdict.as_str()),
            ];
            samples.gauge(&labels, u32::from(judgement.verdict == verdict))?;
        }
        Ok(())
    })
}

fn write_pools(out: &mut Exposition<'_>, pools: &[PoolState]) -> fmt::Result {
    let mut samples = out.family(&DETECTION)?;
    for state in pools {
        if let Some(time) = state.detection_time {
            samples.gauge(
                &[("pool", state.pool.spec.name.as_str())],
                time.as_secs_f64(),
            )?;
        }
    }
    let mut samples = out.family(&DISPERSION)?;
    for state in pools {
        samples.gauge(&[("pool", state.pool.spec.name.as_str())], state.dispersion)?;
    }
    Ok(())
}

fn write_backends(
    out: &mut Exposition<'_>,
    pools: &[PoolState],
    identities: &Identities,
) -> fmt::Result {
    let signals = Signal::ALL.map(|signal| (signal, format!("signal=\"{}\"", signal.as_str())));
    let mut samples = out.family(&SKEWED)?;
    let backends = pools
        .iter()
        .flat_map(|state| state.backends.iter().map(move |backend| (state, backend)));
    for (identity, (state, backend)) in identities.iter().zip(backends) {
        for (signal, label) in &signals {
            if state.signals.get(*signal).judgement.is_some() {
                let sign = backend.skewed.get(*signal).map_or(0, Side::sign);
                samples.gauge(&[identity, Rendered(label)], i64::from(sign))?;
            }
        }
    }
    Ok(())
}

fn write_incidents(out: &mut Exposition<'_>, state: &State) -> fmt::Result {
    let open = || state.incidents.iter().filter(|incident| incident.is_open());
    let mut samples = out.family(&STARTED)?;
    for incident in open() {
        let since = incident.started.duration_since(SystemTime::UNIX_EPOCH);
        let labels = [
            ("pool", incident.pool.as_str()),
            ("signal", incident.signal.as_str()),
        ];
        samples.gauge(&labels, since.map_or(0.0, |since| since.as_secs_f64()))?;
    }
    let mut samples = out.family(&INCIDENTS)?;
    for signal in Signal::ALL {
        let started = *state.incidents_started.get(signal);
        samples.counter(&[("signal", signal.as_str())], started)?;
    }
    out.gauge(&OPEN, open().count())
}
