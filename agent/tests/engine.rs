//! The engine on made-up snapshots: windows, shares, membership, and memory that is given once.

#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    reason = "a test ends at the first surprise, and shares are exact"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use evenkeel::engine::{Engine, Moment, Plan, Tick};
use evenkeel::kernel::Observed;
use evenkeel::model::{
    Algorithm, BackendSpec, Counters, Detection, Endpoint, KernelState, NetnsCookie, PoolSpec,
    PoolState, Role, Source, Standby, StandbySpec, State, Weight,
};

/// Counts what the test's thread allocates.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is handed on to the system's allocator as it came; counting touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const OWN: NetnsCookie = NetnsCookie(1);

fn address(n: u32) -> SocketAddr {
    SocketAddr::new(std::net::Ipv4Addr::from(0xc000_0200 + n).into(), 80)
}

fn backend(n: u32, weight: f64) -> BackendSpec {
    BackendSpec {
        identity: None,
        address: address(n),
        netns: None,
        weight: Weight::new(weight).unwrap(),
        share: None,
        labels: BTreeMap::new(),
    }
}

fn pool(name: &str, backends: Vec<BackendSpec>) -> PoolSpec {
    PoolSpec {
        name: name.to_owned(),
        role: Role::Upstream,
        source: Source::Config,
        tolerance: None,
        algorithm: Algorithm::default(),
        expected: None,
        standby: Vec::new(),
        findings: Vec::new(),
        backends,
    }
}

fn plan(pools: Option<Vec<PoolSpec>>) -> Plan {
    Plan {
        interval: Duration::from_secs(1),
        window: Duration::from_secs(10),
        detection: Detection::default(),
        found: Vec::new(),
        pools,
    }
}

fn observed(n: u32, opened: u64, active: u64) -> Observed {
    Observed {
        endpoint: Endpoint::new(Role::Upstream, address(n), OWN),
        counters: Counters {
            opened,
            received: opened * 100,
            ..Counters::default()
        },
        active,
    }
}

fn tick(engine: &mut Engine, snapshot: &[Observed]) -> Tick {
    let moment = Moment {
        taken: SystemTime::UNIX_EPOCH,
        last_tick: Duration::ZERO,
    };
    engine.tick(snapshot, &KernelState::unseen(), moment)
}

fn find<'a>(state: &'a State, name: &str) -> &'a PoolState {
    state
        .pools
        .iter()
        .find(|pool| pool.pool.spec.name == name)
        .unwrap()
}

fn shares(pool: &PoolState) -> Vec<Option<f64>> {
    pool.backends
        .iter()
        .map(|backend| backend.shares.opened)
        .collect()
}

#[test]
fn shares_and_measures_are_those_of_the_window() {
    let pools = vec![pool("a", vec![backend(1, 3.0), backend(2, 1.0)])];
    let mut engine = Engine::new(plan(Some(pools)), OWN, Vec::new()).unwrap();
    let none = tick(&mut engine, &[]);
    let first = find(&none.state, "a");
    assert_eq!(
        (shares(first), first.signals.opened.measures),
        (vec![None, None], None),
        "no traffic, no measures"
    );
    assert_eq!(first.pool.expected.shares(), [0.75, 0.25]);

    let even = tick(&mut engine, &[observed(1, 75, 6), observed(2, 25, 2)]);
    let even = find(&even.state, "a");
    assert_eq!(shares(even), [Some(0.75), Some(0.25)]);
    let measures = even.signals.opened.measures.unwrap();
    assert_eq!(
        (measures.gini, measures.max_to_mean),
        (0.0, 1.0),
        "as the weights say"
    );
    assert_eq!(even.signals.active.total, 4.0, "the mean of the two ticks");
    assert_eq!(even.signals.bytes.total, 10_000.0);
    assert!(even.signals.failed.measures.is_none());

    // Only the second gets connections from now on; after ten ticks the window knows nothing else.
    let mut last = None;
    for n in 1..=10 {
        last = Some(tick(
            &mut engine,
            &[observed(1, 75, 6), observed(2, 25 + n, 2)],
        ));
    }
    let skewed = last.unwrap();
    let skewed = find(&skewed.state, "a");
    assert_eq!(shares(skewed), [Some(0.0), Some(1.0)]);
    assert_eq!(skewed.signals.opened.measures.unwrap().max_to_mean, 4.0);
    assert_eq!(
        skewed.backends[0].counters.opened, 75,
        "counters are cumulative"
    );
}

#[test]
fn pools_that_stay_keep_what_they_know_and_the_rest_need_not_be_watched() {
    let both = vec![
        pool("a", vec![backend(1, 1.0), backend(2, 1.0)]),
        pool("b", vec![backend(3, 1.0)]),
    ];
    let mut engine = Engine::new(plan(Some(both)), OWN, Vec::new()).unwrap();
    tick(
        &mut engine,
        &[observed(1, 40, 0), observed(2, 60, 0), observed(3, 5, 0)],
    );
    let changed = vec![pool("a", vec![backend(2, 1.0), backend(4, 1.0)])];
    let mut unwanted = engine.set_plan(plan(Some(changed))).unwrap();
    unwanted.sort_unstable();
    assert_eq!(
        unwanted,
        [1, 3].map(|n| Endpoint::new(Role::Upstream, address(n), OWN))
    );
    let state = tick(&mut engine, &[observed(2, 60, 0), observed(4, 20, 0)]).state;
    assert_eq!(state.pools.len(), 1);
    assert_eq!(
        shares(find(&state, "a")),
        [Some(0.75), Some(0.25)],
        "60 from before the change, 20 after"
    );
}

#[test]
fn a_counter_that_goes_backwards_is_a_reset_and_no_traffic() {
    let mut engine = Engine::new(
        plan(Some(vec![pool("a", vec![backend(1, 1.0)])])),
        OWN,
        Vec::new(),
    )
    .unwrap();
    tick(&mut engine, &[observed(1, 1_000, 0)]);
    let reset = tick(&mut engine, &[observed(1, 10, 0)]);
    assert_eq!((reset.resets, reset.state.kernel.counter_resets), (1, 1));
    assert_eq!(find(&reset.state, "a").signals.opened.total, 1_000.0);
    let after = tick(&mut engine, &[observed(1, 15, 0)]);
    assert_eq!(find(&after.state, "a").signals.opened.total, 1_005.0);
}

#[test]
fn auto_mode_makes_pools_of_what_it_sees_and_forgets_what_is_idle() {
    let mut engine = Engine::new(plan(None), OWN, Vec::new()).unwrap();
    let seen = tick(&mut engine, &[observed(1, 3, 0), observed(2, 1, 1)]);
    assert_eq!(
        shares(find(&seen.state, "auto:80")),
        [Some(0.75), Some(0.25)],
        "from the first connection on"
    );
    // The first is idle, the second holds a connection open.
    let mut forgotten = Vec::new();
    let mut state = seen.state;
    for _ in 0..700 {
        let snapshot = if forgotten.is_empty() {
            vec![observed(1, 3, 0), observed(2, 1, 1)]
        } else {
            vec![observed(2, 1, 1)]
        };
        let tick = tick(&mut engine, &snapshot);
        forgotten.extend(tick.forgotten);
        state = tick.state;
    }
    assert_eq!(forgotten, [Endpoint::new(Role::Upstream, address(1), OWN)]);
    assert_eq!(find(&state, "auto:80").backends.len(), 1);
}

#[test]
fn a_tick_allocates_nothing_once_it_runs() {
    let pools = (0..100)
        .map(|p| {
            pool(
                &format!("p{p}"),
                (0..20)
                    .map(|b| backend(p * 20 + b, f64::from(b % 3 + 1)))
                    .collect(),
            )
        })
        .collect();
    let mut engine = Engine::new(plan(Some(pools)), OWN, Vec::new()).unwrap();
    // As the weights want it: incidents are what memory is for.
    let weight = |n: u32| u64::from(n % 20 % 3 + 1);
    let mut snapshot: Vec<Observed> = (0..2_000).map(|n| observed(n, 0, weight(n))).collect();
    let mut published: Option<Arc<State>> = None;
    let mut after = |engine: &mut Engine, ticks: u32| {
        let before = ALLOCATIONS.get();
        for round in 0..ticks {
            for (n, observed) in (0..).zip(&mut snapshot) {
                observed.counters.opened += u64::from(round) * weight(n);
            }
            // As the publisher does: the last state is held until the next one is there.
            published = Some(tick(engine, &snapshot).state);
        }
        ALLOCATIONS.get() - before
    };
    // Until all pools are found to be even.
    after(&mut engine, 300);
    assert_eq!(after(&mut engine, 100), 0);
    assert!(published.is_some());
}

#[test]
fn changes_of_a_pool_are_told_once_and_standby_members_are_counted() {
    let both = vec![
        pool("p", vec![backend(1, 1.0), backend(2, 1.0)]),
        pool("q", vec![backend(3, 1.0), backend(4, 1.0)]),
    ];
    let mut engine = Engine::new(plan(Some(both)), OWN, Vec::new()).unwrap();
    let seen = [observed(1, 40, 0), observed(2, 60, 3), observed(3, 5, 0)];
    assert!(tick(&mut engine, &seen).changes.is_empty());

    let mut changed = pool("p", vec![backend(1, 5.0)]);
    changed.standby.push(StandbySpec {
        identity: None,
        address: address(2),
        netns: None,
        why: Standby::Drained,
        labels: BTreeMap::new(),
    });
    let same = pool("q", vec![backend(3, 1.0), backend(4, 1.0)]);
    let unwanted = engine.set_plan(plan(Some(vec![changed, same]))).unwrap();
    assert!(unwanted.is_empty(), "a standby member is still watched");

    let Tick { changes, state, .. } = tick(&mut engine, &seen);
    let told: Vec<&str> = changes.iter().map(|it| it.change.text.as_str()).collect();
    let expected = [
        "weight of 192.0.2.1:80 changed from 1 to 5",
        "192.0.2.2:80 left the rotation (drained)",
    ];
    assert_eq!(told, expected);
    let p = find(&state, "p");
    let shown: Vec<&str> = p.changes.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(shown, expected);
    assert_eq!(p.changes[0].at, state.taken);
    assert_eq!((p.standby[0].counters.opened, p.standby[0].active), (60, 3));
    assert!(find(&state, "q").changes.is_empty());
    assert!(tick(&mut engine, &seen).changes.is_empty());
}

#[test]
fn what_is_in_no_pool_that_was_found_is_grouped_by_port() {
    let found = |weight| Plan {
        found: vec![pool("p", vec![backend(1, weight), backend(2, 1.0)])],
        ..plan(None)
    };
    let mut engine = Engine::new(found(1.0), OWN, Vec::new()).unwrap();
    let busy = |n: u64| [observed(1, 1, 0), observed(3, n, 0), observed(4, n, 0)];
    let Tick { state, .. } = tick(&mut engine, &busy(1));
    let shown = |state: &State| -> Vec<(String, usize)> {
        let pools = state.pools.iter();
        pools
            .map(|it| (it.pool.spec.name.clone(), it.backends.len()))
            .collect()
    };
    let both = [("auto:80".to_owned(), 2), ("p".to_owned(), 2)];
    assert_eq!(shown(&state), both);

    // A pool that is described differently leaves what was learned alone, and is never forgotten.
    assert!(engine.set_plan(found(5.0)).unwrap().is_empty());
    let mut changes = 0;
    for n in 2..700 {
        let Tick {
            forgotten,
            changes: told,
            ..
        } = tick(&mut engine, &busy(n));
        assert!(forgotten.is_empty(), "{forgotten:?}");
        changes += told.len();
    }
    assert_eq!(changes, 1);
    let last = tick(&mut engine, &busy(700)).state;
    assert_eq!(shown(&last), both);
    assert_eq!(find(&last, "auto:80").backends[0].counters.opened, 700);
}

/// A pod and what it truly did.
#[derive(Clone)]
struct Pod {
    uid: u64,
    opened: u64,
}

/// The counters of an address go on over all pods that have it, one after the other; each pod has its own alone.
#[test]
fn ten_thousand_pods_at_addresses_of_others_have_nothing_of_theirs() {
    const ADDRESSES: u32 = 50;
    let spec = |pods: &[Pod]| {
        let backend = |(n, pod): (u32, &Pod)| BackendSpec {
            identity: Some(format!("uid-{}", pod.uid)),
            ..backend(n, 1.0)
        };
        plan(Some(vec![pool(
            "p",
            (0..).zip(pods).map(backend).collect(),
        )]))
    };
    let mut pods: Vec<Pod> = (0..u64::from(ADDRESSES))
        .map(|uid| Pod { uid, opened: 0 })
        .collect();
    let mut kernel: Vec<Observed> = (0..ADDRESSES).map(|n| observed(n, 0, 0)).collect();
    let mut engine = Engine::new(spec(&pods), OWN, Vec::new()).unwrap();
    let mut reused = 0;
    for round in 0..500_u64 {
        for (n, pod) in (0_u64..).zip(&mut pods) {
            let more = (round * 7 + n * 3) % 5;
            pod.opened += more;
            kernel[usize::try_from(n).unwrap()].counters.opened += more;
        }
        let state = tick(&mut engine, &kernel).state;
        let shown = find(&state, "p").backends.iter();
        for (pod, shown) in pods.iter().zip(shown) {
            assert_eq!(
                shown.counters.opened, pod.opened,
                "pod {} in round {round}",
                pod.uid
            );
        }
        // Others get 20 of the addresses, and the plan is also put in force once for nothing.
        for n in 0..20 {
            let n = (round * 13 + n) % u64::from(ADDRESSES);
            pods[usize::try_from(n).unwrap()] = Pod {
                uid: 1000 + reused,
                opened: 0,
            };
            reused += 1;
        }
        for _ in 0..2 {
            assert_eq!(engine.set_plan(spec(&pods)).unwrap(), []);
        }
    }
    assert_eq!(reused, 10_000);
}

#[test]
fn a_pod_at_the_address_of_another_has_neither_its_window_nor_its_open_connections() {
    let named = |identity: &str| BackendSpec {
        identity: Some(identity.to_owned()),
        ..backend(1, 1.0)
    };
    let spec = |identity| {
        plan(Some(vec![pool(
            "p",
            vec![named(identity), backend(2, 1.0)],
        )]))
    };
    let mut engine = Engine::new(spec("old"), OWN, Vec::new()).unwrap();
    tick(&mut engine, &[observed(1, 0, 0), observed(2, 0, 0)]);
    let mut early = [observed(1, 90, 5), observed(2, 10, 0)];
    early[0].counters.closed = 85;
    let before = tick(&mut engine, &early).state;
    assert_eq!(shares(find(&before, "p")), [Some(0.9), Some(0.1)]);

    engine.set_plan(spec("new")).unwrap();
    let mut late = [observed(1, 95, 0), observed(2, 15, 0)];
    late[0].counters.closed = 92;
    let Tick { state, changes, .. } = tick(&mut engine, &late);
    let told: Vec<&str> = changes.iter().map(|it| it.change.text.as_str()).collect();
    assert_eq!(told, ["another backend took over the address 192.0.2.1:80"]);
    let p = find(&state, "p");
    // The window of the one that stays holds its 15, that of the new one 5.
    assert_eq!(shares(p), [Some(0.25), Some(0.75)]);
    let counters = &p.backends[0].counters;
    // Of 92 that closed, 90 were the old one's, of which 5 were open then.
    assert_eq!((counters.opened, counters.closed), (5, 2));
}
