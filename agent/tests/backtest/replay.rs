//! A replay gives what the agent had.

use evenkeel::backtest::Setting;
use evenkeel::model::{Algorithm, CauseId, Clients, Ending, Incident};
use tempfile::tempdir;

use crate::traffic::{EVEN, Live, SKEWED, STARVED, incidents, plan, pool, replay};

const RATE: u64 = 200;

#[test]
fn a_replay_has_exactly_the_incidents_of_the_agent() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("recording");
    let pools = vec![pool("pay", 5..=8), pool("shop", 1..=4)];
    let mut live = Live::begin(&file, plan(Some(pools)), Vec::new());
    live.run(600, RATE, 1, &EVEN);
    // By few clients an incident may be explained.
    live.clients = Some(Clients {
        effective: 9.0,
        connections: 1000,
    });
    live.run(120, RATE, 1, &[2, 4, 2, 1]);
    live.run(600, RATE, 1, &EVEN);
    live.clients = None;
    live.run(300, RATE, 5, &STARVED);
    live.flush();
    let had = live.incidents();
    let ended = had.iter().filter(|incident| !incident.is_open()).count();
    assert!(ended > 0 && ended < had.len(), "{had:#?}");
    let explained = had
        .iter()
        .any(|incident| incident.cause.id == CauseId::Affinity);
    assert!(explained, "{had:#?}");
    let report = replay(&file, Vec::new());
    assert_eq!(incidents(&report, 0), had);
    assert_eq!((report.span.ticks, report.span.missed), (1620, 0));
}

#[test]
fn a_replay_follows_reloads() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("recording");
    let mut live = Live::begin(&file, plan(Some(vec![pool("shop", 1..=4)])), Vec::new());
    live.run(300, RATE, 1, &EVEN);
    let mut lenient = plan(Some(vec![pool("shop", 1..=4)]));
    lenient.detection.tolerance = 3.0;
    live.plan(lenient);
    live.run(120, RATE, 1, &SKEWED);
    assert!(live.incidents().is_empty());
    live.plan(plan(Some(vec![pool("pay", 5..=6), pool("shop", 1..=4)])));
    live.run(120, RATE, 1, &SKEWED);
    let mut learned = pool("pay", 5..=6);
    learned.algorithm = Algorithm::KeyDependent;
    live.plan(plan(Some(vec![learned])));
    live.run(60, RATE, 1, &SKEWED);
    live.flush();
    let had = live.incidents();
    assert!(
        had.iter().any(|incident| incident
            .ended
            .is_some_and(|end| end.why == Ending::NotWatched)),
        "{had:#?}"
    );
    assert_eq!(incidents(&replay(&file, Vec::new()), 0), had);
}

#[test]
fn a_replay_finds_the_pools_that_the_agent_found() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("recording");
    let mut live = Live::begin(&file, plan(None), Vec::new());
    live.run(300, RATE, 1, &EVEN);
    live.run(700, RATE, 3, &SKEWED);
    live.flush();
    let had = live.incidents();
    assert!(!had.is_empty());
    let backends = live.state.as_ref().unwrap().pools[0].backends.len();
    assert_eq!(backends, 4, "the first two are forgotten");
    let report = replay(&file, Vec::new());
    assert_eq!(incidents(&report, 0), had);
    let [found] = report.outcomes[0].pools.as_slice() else {
        panic!("{report:#?}");
    };
    assert_eq!((found.pool.as_str(), found.backends), ("auto:80", 4));
}

/// A restart with `incidents.directory`: the incident goes on, with its dates.
#[test]
fn a_replay_goes_on_over_a_restart() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("recording");
    let pools = || plan(Some(vec![pool("shop", 1..=4)]));
    let mut before = Live::begin(&file, pools(), Vec::new());
    before.run(300, RATE, 1, &EVEN);
    before.run(120, RATE, 1, &SKEWED);
    before.flush();
    // What `incidents.directory` keeps of them: milliseconds.
    let kept = serde_json::to_string(&before.incidents()).unwrap();
    let past: Vec<Incident> = serde_json::from_str(&kept).unwrap();
    assert!(past.iter().any(Incident::is_open));
    let clock = before.clock;
    drop(before);
    let mut after = Live::begin(&file, pools(), past.clone());
    after.clock = clock + std::time::Duration::from_secs(5);
    after.run(60, RATE, 1, &SKEWED);
    after.run(600, RATE, 1, &EVEN);
    after.flush();
    let had = after.incidents();
    assert_eq!(had.len(), past.len());
    assert!(had.iter().all(|incident| !incident.is_open()));
    assert_eq!(incidents(&replay(&file, Vec::new()), 0), had);
}

#[test]
fn settings_are_replayed_side_by_side() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("recording");
    let mut strict = pool("shop", 1..=4);
    strict.tolerance = Some(0.1);
    let mut live = Live::begin(&file, plan(Some(vec![strict])), Vec::new());
    live.run(600, RATE, 1, &EVEN);
    // A fifth more than its share.
    live.run(1200, RATE, 1, &[10, 12, 10, 10]);
    live.run(120, RATE, 1, &SKEWED);
    live.flush();
    let tolerances = [0.1, 0.25, 3.0].map(|tolerance| Setting {
        tolerance: Some(tolerance),
        ..Setting::default()
    });
    let report = replay(&file, tolerances.to_vec());
    let first = |setting: usize| incidents(&report, setting).into_iter().next();
    assert!(first(0).unwrap().detected < first(1).unwrap().detected);
    assert_eq!(first(2), None);
    for (setting, tolerance) in tolerances.iter().enumerate() {
        let pools = &report.outcomes[setting].pools;
        assert_eq!(Some(pools[0].tolerance), tolerance.tolerance);
    }
    // Side by side is what it is alone.
    let alone = replay(&file, vec![tolerances[1].clone()]);
    assert_eq!(alone.outcomes[0], report.outcomes[1]);
}
