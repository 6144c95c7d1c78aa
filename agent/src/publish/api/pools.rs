//! `/api/v1/pools` and `/api/v1/pools/{name}`.

use std::collections::BTreeMap;

use evenkeel_skew::Measures;
use serde::{Serialize, Serializer};

use super::Moment;
use crate::model::{
    Algorithm, BackendState, Change, Counters, Expectation, Finding, Judgement, PerSignal,
    PoolState, Role, Side, Signal, SignalState, Source, Standby, State, Verdict, Weight,
    explanation,
};

/// The answer of `/api/v1/pools`.
#[derive(Debug, Serialize)]
pub struct PoolsAnswer<'a> {
    #[serde(flatten)]
    frame: Frame,
    #[serde(serialize_with = "pool_views")]
    pools: &'a [PoolState],
}

impl<'a> PoolsAnswer<'a> {
    /// All pools of `state`.
    pub fn new(state: &'a State) -> Self {
        Self {
            frame: Frame::of(state),
            pools: &state.pools,
        }
    }
}

/// The answer of `/api/v1/pools/{name}`.
#[derive(Debug, Serialize)]
pub struct PoolAnswer<'a> {
    #[serde(flatten)]
    frame: Frame,
    pool: PoolView<'a>,
}

impl<'a> PoolAnswer<'a> {
    /// The pool called `name`, if there is one.
    pub fn find(state: &'a State, name: &str) -> Option<Self> {
        let pool = state
            .pools
            .iter()
            .find(|pool| pool.pool.spec.name == name)?;
        Some(Self {
            frame: Frame::of(state),
            pool: PoolView::of(pool),
        })
    }
}

/// When the figures were taken, and over what.
#[derive(Clone, Copy, Debug, Serialize)]
pub(in crate::publish) struct Frame {
    taken: Moment,
    interval_seconds: f64,
    window_seconds: f64,
}

impl Frame {
    pub(in crate::publish) fn of(state: &State) -> Self {
        Self {
            taken: Moment(state.taken),
            interval_seconds: state.interval.as_secs_f64(),
            window_seconds: state.window.as_secs_f64(),
        }
    }
}

#[derive(Debug, Serialize)]
struct PoolView<'a> {
    name: &'a str,
    role: Role,
    source: Source,
    verdict: Verdict,
    explanation: String,
    tolerance: f64,
    algorithm: Algorithm,
    expected: Expectation,
    detection_seconds: Option<f64>,
    dispersion: f64,
    judgements: PerSignal<Option<JudgementView>>,
    backends: BackendsView<'a>,
    standby: Vec<StandbyView<'a>>,
    changes: &'a [Change],
    findings: &'a [Finding],
    measures: PerSignal<Option<MeasuresView>>,
}

impl<'a> PoolView<'a> {
    fn of(state: &'a PoolState) -> Self {
        let spec = &state.pool.spec;
        let signals = &state.signals;
        Self {
            name: &spec.name,
            role: spec.role,
            source: spec.source,
            verdict: state.verdict,
            explanation: explanation(state),
            tolerance: state.tolerance,
            algorithm: spec.algorithm,
            expected: spec.expectation(),
            detection_seconds: state.detection_time.map(|time| time.as_secs_f64()),
            dispersion: state.dispersion,
            judgements: PerSignal {
                opened: JudgementView::of(&signals.opened),
                active: JudgementView::of(&signals.active),
                bytes: JudgementView::of(&signals.bytes),
                failed: JudgementView::of(&signals.failed),
            },
            backends: BackendsView(state),
            standby: standby(state),
            changes: &state.changes,
            findings: &spec.findings,
            measures: PerSignal {
                opened: MeasuresView::of(&signals.opened),
                active: MeasuresView::of(&signals.active),
                bytes: MeasuresView::of(&signals.bytes),
                failed: MeasuresView::of(&signals.failed),
            },
        }
    }
}

fn pool_views<S: Serializer>(pools: &&[PoolState], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(pools.iter().map(PoolView::of))
}

#[derive(Debug, Serialize)]
struct JudgementView {
    verdict: Verdict,
    evidence: f64,
    threshold: f64,
}

impl JudgementView {
    fn of(signal: &SignalState) -> Option<Self> {
        let Judgement {
            verdict,
            evidence,
            threshold,
        } = signal.judgement?;
        Some(Self {
            verdict,
            evidence,
            threshold,
        })
    }
}

#[derive(Debug, Serialize)]
struct MeasuresView {
    total: f64,
    gini: f64,
    gini_by_chance: f64,
    max_to_mean: f64,
    min_to_mean: f64,
    cv: f64,
    jain: f64,
    theil: f64,
    hoover: f64,
    wasted_capacity: f64,
}

impl MeasuresView {
    fn of(signal: &SignalState) -> Option<Self> {
        let Measures {
            gini,
            gini_by_chance,
            max_to_mean,
            min_to_mean,
            cv,
            jain,
            theil,
            hoover,
            wasted_capacity,
        } = signal.measures?;
        Some(Self {
            total: signal.total,
            gini,
            gini_by_chance,
            max_to_mean,
            min_to_mean,
            cv,
            jain,
            theil,
            hoover,
            wasted_capacity,
        })
    }
}

/// The backends of a pool as a list.
#[derive(Debug)]
struct BackendsView<'a>(&'a PoolState);

impl Serialize for BackendsView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pool = &self.0.pool;
        let specs = pool.names.iter().zip(&pool.spec.backends);
        let views = specs
            .zip(&self.0.backends)
            .map(|((name, spec), backend)| BackendView {
                address: name,
                weight: spec.weight,
                labels: &spec.labels,
                expected_share: backend.expected_share,
                connections: connections(&backend.counters, backend.active),
                bytes: BytesView {
                    received: backend.counters.received,
                    sent: backend.counters.sent,
                },
                retransmits: backend.counters.retransmits,
                handshake: handshake(backend),
                share: backend.shares,
                skewed: worst(backend.skewed),
                skewed_in: backend.skewed,
            });
        serializer.collect_seq(views)
    }
}

#[derive(Debug, Serialize)]
struct BackendView<'a> {
    address: &'a str,
    weight: Weight,
    labels: &'a BTreeMap<String, String>,
    expected_share: f64,
    connections: ConnectionsView,
    bytes: BytesView,
    retransmits: u64,
    handshake: HandshakeView,
    share: PerSignal<Option<f64>>,
    skewed: i8,
    skewed_in: PerSignal<Option<Side>>,
}

/// A member that should get no traffic.
#[derive(Debug, Serialize)]
struct StandbyView<'a> {
    address: &'a str,
    why: Standby,
    labels: &'a BTreeMap<String, String>,
    connections: ConnectionsView,
}

fn standby(state: &PoolState) -> Vec<StandbyView<'_>> {
    let pool = &state.pool;
    let specs = pool.standby_names.iter().zip(&pool.spec.standby);
    specs
        .zip(&state.standby)
        .map(|((address, spec), now)| StandbyView {
            address,
            why: spec.why,
            labels: &spec.labels,
            connections: connections(&now.counters, now.active),
        })
        .collect()
}

#[derive(Debug, Serialize)]
struct ConnectionsView {
    opened: u64,
    failed: u64,
    closed: u64,
    active: u64,
}

#[derive(Debug, Serialize)]
struct BytesView {
    received: u64,
    sent: u64,
}

#[derive(Debug, Serialize)]
struct HandshakeView {
    count: u64,
    mean_seconds: Option<f64>,
}

/// 1 if a signal finds the backend hot, else -1 if one finds it cold, else 0.
fn worst(skewed: PerSignal<Option<Side>>) -> i8 {
    let signs = Signal::ALL.map(|signal| skewed.get(signal).map_or(0, Side::sign));
    if signs.contains(&1) {
        1
    } else {
        signs.into_iter().min().unwrap_or(0)
    }
}

fn connections(counters: &Counters, active: u64) -> ConnectionsView {
    ConnectionsView {
        opened: counters.opened,
        failed: counters.failed,
        closed: counters.closed,
        active,
    }
}

fn handshake(backend: &BackendState) -> HandshakeView {
    let count = backend.counters.handshakes;
    let seconds = backend.counters.handshake_micros as f64 / 1e6;
    HandshakeView {
        count,
        mean_seconds: (count > 0).then(|| seconds / count as f64),
    }
}
