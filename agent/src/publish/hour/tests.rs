//! What is kept, for how long, and what becomes of it when pools change.

use super::*;
use crate::model::{
    Algorithm, BackendSpec, BackendState, KernelState, NetnsCookie, PerSignal, PoolSpec, PoolState,
    Role, Source, Verdict, Weight,
};

/// A pool whose backends listen on `ports`, each with the share that stands beside it.
fn pool(name: &str, shares: &[(u16, f64)]) -> PoolState {
    let backends = shares.iter().map(|(port, _)| BackendSpec {
        identity: None,
        address: ([192, 0, 2, 1], *port).into(),
        netns: None,
        weight: Weight::ONE,
        share: None,
        labels: std::collections::BTreeMap::new(),
    });
    let spec = PoolSpec {
        name: name.to_owned(),
        role: Role::Upstream,
        source: Source::Config,
        tolerance: None,
        algorithm: Algorithm::default(),
        expected: None,
        standby: Vec::new(),
        findings: Vec::new(),
        backends: backends.collect(),
    };
    let states = shares.iter().map(|(_, share)| BackendState {
        shares: PerSignal {
            opened: Some(*share),
            ..PerSignal::default()
        },
        ..BackendState::default()
    });
    PoolState {
        pool: Arc::new(Pool::new(spec, NetnsCookie(1)).unwrap()),
        backends: states.collect(),
        signals: PerSignal::default(),
        verdict: Verdict::Unknown,
        tolerance: 0.25,
        detection_time: None,
        dispersion: 1.0,
        standby: Vec::new(),
        changes: Arc::default(),
    }
}

fn at(seconds: u64, pools: &[PoolState]) -> State {
    State {
        tick: seconds,
        taken: SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds),
        interval: Duration::from_secs(1),
        window: Duration::from_secs(60),
        tick_duration: Duration::ZERO,
        pools: pools.to_vec(),
        incidents: Arc::default(),
        incidents_started: PerSignal::default(),
        kernel: KernelState::unseen(),
    }
}

fn opened(trace: &Trace, backend: usize) -> Vec<Option<f64>> {
    trace.shares(0, backend).collect()
}

#[test]
fn a_point_is_taken_every_ten_seconds_and_an_hour_is_kept() {
    let hour = Hour::new();
    for second in 1..=4000 {
        let share = if second <= 2000 { 0.25 } else { 0.75 };
        let shares = [(1, share), (2, 1.0 - share)];
        // One pool that stays the same, whatever its shares.
        let mut state = at(second, &[pool("a", &shares)]);
        if let Some(known) = hour.of("a", None) {
            state.pools[0].pool = known.pool;
        }
        hour.note(&state);
    }
    let trace = hour.of("a", None).unwrap();
    assert_eq!(trace.times.len(), 360);
    let all = opened(&trace, 0);
    assert_eq!(all.len(), 360);
    assert_eq!((all[0], all[359]), (Some(0.25), Some(0.75)));
    assert_eq!(
        all.iter().filter(|share| **share == Some(0.25)).count(),
        160
    );
    assert_eq!(trace.shares(1, 0).next(), Some(None), "nothing was open");
    let step = Duration::from_secs(10);
    assert!(
        trace
            .times
            .windows(2)
            .all(|two| two[1].duration_since(two[0]).unwrap() == step)
    );

    let recent = hour.of("a", Some(trace.times[356])).unwrap();
    assert_eq!(recent.times, trace.times[357..]);
    assert_eq!(opened(&recent, 1), [Some(0.25); 3]);
    assert!(hour.of("b", None).is_none());
}

#[test]
fn backends_that_stay_keep_their_shares_when_a_pool_changes() {
    let hour = Hour::new();
    hour.note(&at(1, &[pool("a", &[(1, 0.25), (2, 0.75)])]));
    hour.note(&at(
        11,
        &[pool("a", &[(2, 0.5), (3, 0.5)]), pool("b", &[(9, 1.0)])],
    ));
    let trace = hour.of("a", None).unwrap();
    assert_eq!(opened(&trace, 0), [Some(0.75), Some(0.5)]);
    assert_eq!(opened(&trace, 1), [None, Some(0.5)]);
    assert_eq!(opened(&hour.of("b", None).unwrap(), 0), [None, Some(1.0)]);
    hour.note(&at(21, &[pool("b", &[(9, 1.0)])]));
    assert!(hour.of("a", None).is_none(), "a pool that is gone");
}

#[test]
fn memory_is_bounded_by_a_coarser_step() {
    let hour = Hour::new();
    for second in [1, 11, 21, 31] {
        hour.note(&at(second, &[pool("a", &[(1, 1.0)])]));
    }
    let many: Vec<(u16, f64)> = (1..=10_000).map(|port| (port, 1e-4)).collect();
    hour.note(&at(41, &[pool("a", &[(1, 1.0)]), pool("many", &many)]));
    let trace = hour.of("a", None).unwrap();
    assert_eq!(trace.step, Duration::from_secs(80));
    // Of 1, 11, 21 and 31, every eighth from the last; and the new one.
    let kept = |second: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + second);
    assert_eq!(trace.times, [kept(31), kept(41)]);
    assert!(bytes(10_001, trace.step) <= BUDGET);
    hour.note(&at(100, &[pool("a", &[(1, 1.0)])]));
    assert_eq!(hour.last(), Some(kept(41)));
}

#[test]
fn a_clock_that_is_set_back_begins_a_new_hour() {
    let hour = Hour::new();
    hour.note(&at(1000, &[pool("a", &[(1, 1.0)])]));
    hour.note(&at(500, &[pool("a", &[(1, 1.0)])]));
    assert_eq!(hour.of("a", None).unwrap().times.len(), 1);
}

proptest::proptest! {
    #[test]
    fn a_share_comes_back_to_four_decimals(share in 0.0..=1.0_f64) {
        let back = decode(encode(Some(share))).unwrap();
        proptest::prop_assert!((back - share).abs() <= 1e-4);
    }
}
