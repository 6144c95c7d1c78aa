//! Made-up findings: judgements, incidents, and what became of alerts about them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use evenkeel::model::{
    AlertName, Cause, CauseId, Change, Deviation, Ended, Ending, Incident, Judgement, PerSignal,
    PoolState, Role, Severity, Side, Signal, Source, Standby, StandbySpec, StandbyState, State,
    Verdict,
};
use evenkeel::publish::alerts::{ReceiverKind, ReceiverStatistics};

use crate::fixtures::{finding, small};

/// What evidence has to reach: 90 days of ticks of one second.
const THRESHOLD: f64 = 6.89;

/// So many seconds before the state of the fixtures was taken.
pub(crate) fn before(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 - seconds)
}

/// Judges a signal of a pool.
pub(crate) fn judge(pool: &mut PoolState, signal: Signal, verdict: Verdict) {
    let evidence = match verdict {
        Verdict::Skewed => 9.75,
        Verdict::Suspect => 4.25,
        Verdict::Even | Verdict::Unknown => 0.0,
    };
    pool.signals.get_mut(signal).judgement = Some(Judgement {
        verdict,
        evidence,
        threshold: THRESHOLD,
    });
}

/// An incident of the pool `checkout` that is on.
pub(crate) fn incident(id: &str, signal: Signal, hot: &[(&str, f64, f64)]) -> Incident {
    let hot: Vec<Deviation> = hot.iter().map(deviation).collect();
    Incident {
        id: id.to_owned(),
        alert: AlertName::at_detection(signal, &hot),
        pool: "checkout".to_owned(),
        role: Role::Upstream,
        signal,
        started: before(330),
        detected: before(318),
        ended: None,
        hot,
        cold: Vec::new(),
        cause: Cause {
            id: CauseId::Unexplained,
            text: "No known pattern fits.".to_owned(),
            findings: Vec::new(),
        },
        other_causes: Vec::new(),
        change: None,
        evidence: 9.75,
        threshold: THRESHOLD,
        peak_max_to_mean: if signal == Signal::Failed { 0.0 } else { 1.5 },
        tolerance: 0.25,
        false_alarm_every: Duration::from_secs(90 * 24 * 60 * 60),
    }
}

fn deviation((backend, observed_share, expected_share): &(&str, f64, f64)) -> Deviation {
    Deviation {
        backend: (*backend).to_owned(),
        observed_share: *observed_share,
        expected_share: *expected_share,
    }
}

/// Two that are on, of different signals, and one that has ended.
fn incidents() -> [Incident; 3] {
    let mut opened = incident(
        "20231114220801-0000a001",
        Signal::Opened,
        &[("192.0.2.1:8080", 0.75, 0.5)],
    );
    opened.cold = vec![deviation(&("192.0.2.3:8080", 0.0, 0.25))];
    opened.cause = Cause {
        id: CauseId::NotInRotation,
        text: "The balancer does not try 192.0.2.3:8080 at all.".to_owned(),
        findings: vec![finding(Severity::Warning)],
    };
    opened.other_causes = vec![Cause {
        id: CauseId::WeightsDiffer,
        text: "The shares fit the weights 3, 1, 0.".to_owned(),
        findings: Vec::new(),
    }];
    let mut failed = incident(
        "20231114220755-0000a002",
        Signal::Failed,
        &[("192.0.2.2:8080", 0.034, 0.01)],
    );
    failed.started = before(400);
    failed.change = Some(Change {
        at: before(404),
        source: Source::Haproxy,
        text: "weight of <192.0.2.2:8080> changed from 1 to 5".to_owned(),
    });
    failed.cause = Cause {
        id: CauseId::Refusing,
        text: "192.0.2.2:8080 refuses connections or does not answer.".to_owned(),
        findings: Vec::new(),
    };
    let mut active = incident(
        "20231114210000-0000a003",
        Signal::Active,
        &[("192.0.2.2:8080", 0.6, 0.25)],
    );
    (active.started, active.detected) = (before(7300), before(7200));
    active.cause.id = CauseId::SlowBackend;
    active.ended = Some(Ended {
        at: before(6400),
        why: Ending::Recovered,
    });
    [opened, failed, active]
}

/// Gives a pool a drained member, and a past.
fn described(pool: &mut PoolState) {
    let address = "192.0.2.4:8080";
    let tracked = Arc::make_mut(&mut pool.pool);
    tracked.standby_names.push(address.to_owned());
    tracked.spec.standby.push(StandbySpec {
        identity: None,
        address: address.parse().unwrap(),
        netns: None,
        why: Standby::Drained,
        labels: BTreeMap::from([("zone".to_owned(), "b".to_owned())]),
    });
    let mut idle = StandbyState::default();
    (idle.counters.opened, idle.counters.closed, idle.active) = (12, 9, 3);
    pool.standby.push(idle);
    pool.changes = [Change {
        at: before(404),
        source: Source::Haproxy,
        text: "192.0.2.4:8080 left the rotation (drained)".to_owned(),
    }]
    .into();
}

/// The small state, judged: one pool with incidents, the other without enough traffic.
pub(crate) fn judged() -> State {
    let mut state = small();
    let [checkout, search] = state.pools.as_mut_slice() else {
        panic!("two pools");
    };
    described(checkout);
    judge(checkout, Signal::Opened, Verdict::Skewed);
    judge(checkout, Signal::Active, Verdict::Suspect);
    judge(checkout, Signal::Failed, Verdict::Skewed);
    checkout.verdict = Verdict::Skewed;
    checkout.detection_time = Some(Duration::from_millis(12_500));
    checkout.dispersion = 1.25;
    let signs = [
        (0, Signal::Opened, Side::Hot),
        (1, Signal::Failed, Side::Hot),
        (2, Signal::Opened, Side::Cold),
    ];
    for (backend, signal, side) in signs {
        *checkout.backends[backend].skewed.get_mut(signal) = Some(side);
    }
    for signal in [Signal::Opened, Signal::Active, Signal::Failed] {
        judge(search, signal, Verdict::Unknown);
    }
    state.incidents = incidents().map(Arc::new).into();
    state.incidents_started = PerSignal {
        opened: 1,
        active: 2,
        bytes: 0,
        failed: 1,
    };
    state
}

/// One receiver of each kind.
pub(crate) fn receivers() -> Vec<ReceiverStatistics> {
    let alertmanager = ReceiverStatistics {
        receiver: "http://192.0.2.80:9093".to_owned(),
        kind: ReceiverKind::Alertmanager,
        sent: 12,
        dropped: 1,
        errors: 3,
        queue_length: 2,
        queue_capacity: 10_000,
        latency_sum: Duration::from_millis(125),
        latency_count: 15,
    };
    let webhook = ReceiverStatistics {
        receiver: "https://192.0.2.81".to_owned(),
        kind: ReceiverKind::Webhook,
        ..alertmanager.clone()
    };
    vec![alertmanager, webhook]
}
