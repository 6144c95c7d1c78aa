//! The engine decides: verdicts, incidents and their causes, on traffic that is made up second by second.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

#[path = "verdicts/causes.rs"]
mod causes;
#[path = "verdicts/early.rs"]
mod early;
#[path = "verdicts/world.rs"]
mod world;

use std::time::{Duration, SystemTime};

use evenkeel::engine::TransitionKind;
use evenkeel::model::{
    Algorithm, CauseId, Detection, Ending, Expectation, Incident, Signal, Verdict, explanation,
};
use world::{Part, WINDOW, World, address, backend, names, spec};

const EVEN: [u32; 4] = [1, 1, 1, 1];
/// The second backend gets twice its share.
const DOUBLED: [u32; 4] = [2, 4, 1, 1];
const RATE: u64 = 200;

/// A world whose pool was found to be even.
fn settled() -> World {
    let mut world = World::new(&EVEN);
    settle(&mut world);
    world
}

fn settle(world: &mut World) {
    world.random_until(600, RATE, &EVEN, |world| world.verdict() == Verdict::Even);
}

/// The same, and then skewed until there is an incident.
fn skewed() -> World {
    let mut world = settled();
    world.random_until(120, RATE, &[1, 3, 1, 1], |world| {
        world.open(Signal::Opened).is_some()
    });
    world
}

#[test]
fn even_traffic_is_unknown_at_first_then_even_and_never_an_incident() {
    let mut world = World::new(&EVEN);
    world.random(1, RATE, &EVEN);
    assert_eq!(world.verdict(), Verdict::Unknown);
    settle(&mut world);
    world.random(2 * 3600, RATE, &EVEN);
    assert_eq!(world.verdict(), Verdict::Even);
    assert!(world.incidents().is_empty(), "{:?}", world.incidents());
    assert!(world.transitions.is_empty());
}

#[test]
fn a_skew_is_seen_named_dated_and_ends() {
    let mut world = settled();
    let onset = world.clock;
    let took = world.random_until(120, RATE, &[1, 3, 1, 1], |world| {
        world.open(Signal::Opened).is_some()
    });
    assert!(took <= 30, "{took} s");
    assert_eq!(world.verdict(), Verdict::Skewed);
    let incident = Incident::clone(world.open(Signal::Opened).unwrap());
    assert_eq!(names(&incident.hot), [address(2).to_string()]);
    assert!(incident.hot[0].observed_share > 0.4, "{incident:?}");
    assert!((incident.hot[0].expected_share - 0.25).abs() < 1e-9);
    assert!(incident.evidence >= incident.threshold);
    let error = incident
        .started
        .duration_since(onset)
        .unwrap_or_else(|early| early.duration());
    assert!(error <= Duration::from_secs(8), "onset is off by {error:?}");
    assert_eq!(incident.detected, world.clock);

    world.random(60, RATE, &[1, 3, 1, 1]);
    let later = world.open(Signal::Opened).unwrap();
    assert_eq!(
        (&later.id, later.started, later.detected),
        (&incident.id, incident.started, incident.detected)
    );
    assert_eq!(later.cause.id, CauseId::WeightsDiffer, "{:?}", later.cause);
    assert!(later.cause.text.contains("1, 3, 1, 1"), "{:?}", later.cause);

    world.random_until(600, RATE, &EVEN, |world| {
        world.open(Signal::Opened).is_none()
    });
    let ended = &world.incidents()[0];
    assert_eq!(ended.id, incident.id);
    assert_eq!(ended.ended.unwrap().why, Ending::Recovered);
    let kinds: Vec<_> = world.transitions.iter().map(|it| it.kind).collect();
    assert_eq!(kinds.first(), Some(&TransitionKind::Began));
    assert_eq!(kinds.last(), Some(&TransitionKind::Ended));
    assert_eq!(world.state.as_ref().unwrap().incidents_started.opened, 1);
}

#[test]
fn a_skew_that_does_not_last_as_long_as_wanted_is_no_incident() {
    let detection = Detection {
        hold: Duration::from_secs(20),
        ..Detection::default()
    };
    let mut world = World::with(spec(&EVEN), detection, Vec::new());
    settle(&mut world);
    let took = world.random_until(120, RATE, &DOUBLED, |world| {
        world.open(Signal::Opened).is_some()
    });
    assert!(took >= 20, "{took} s");
    assert!(world.transitions[0].kind == TransitionKind::Began);
}

#[test]
fn steps_of_the_clock_neither_begin_nor_end_anything() {
    let hour = Duration::from_secs(3600);
    let mut world = settled();
    world.clock += hour;
    world.random(60, RATE, &EVEN);
    world.clock -= 2 * hour;
    world.random(60, RATE, &EVEN);
    assert_eq!(world.verdict(), Verdict::Even);
    assert!(world.incidents().is_empty());

    let mut world = skewed();
    let incident = Incident::clone(world.open(Signal::Opened).unwrap());
    for step in [1, -1] {
        world.clock = if step > 0 {
            world.clock + hour
        } else {
            world.clock - 2 * hour
        };
        world.random(60, RATE, &[1, 3, 1, 1]);
        let open = world.open(Signal::Opened).unwrap();
        assert_eq!((&open.id, open.started), (&incident.id, incident.started));
    }
    assert_eq!(world.incidents().len(), 1);
}

#[test]
fn a_restarted_engine_goes_on_with_the_incident() {
    let before = skewed();
    let past: Vec<Incident> = before
        .incidents()
        .iter()
        .map(|it| Incident::clone(it))
        .collect();
    let id = past[0].id.clone();
    let text = serde_json::to_string(&past).unwrap();
    let past: Vec<Incident> = serde_json::from_str(&text).unwrap();

    let mut world = World::with(spec(&EVEN), Detection::default(), past);
    world.random(1, RATE, &[1, 3, 1, 1]);
    assert_eq!(world.verdict(), Verdict::Skewed);
    world.random(120, RATE, &[1, 3, 1, 1]);
    assert_eq!(world.open(Signal::Opened).unwrap().id, id);
    world.random_until(900, RATE, &EVEN, |world| {
        world.open(Signal::Opened).is_none()
    });
    assert_eq!(world.incidents().len(), 1);
    assert!(
        world
            .transitions
            .iter()
            .all(|it| it.kind != TransitionKind::Began)
    );
}

#[test]
fn a_reload_that_leaves_the_pool_alone_leaves_the_incident_alone() {
    let mut world = skewed();
    let id = world.open(Signal::Opened).unwrap().id.clone();
    world.reload();
    world.random(5, RATE, &[1, 3, 1, 1]);
    world.detection.tolerance = 0.3;
    world.reload();
    world.random(60, RATE, &[1, 3, 1, 1]);
    assert_eq!(world.open(Signal::Opened).unwrap().id, id);
}

#[test]
fn an_incident_of_a_pool_that_is_not_watched_any_longer_ends() {
    let mut world = skewed();
    world.remove_pool();
    world.random(1, 0, &EVEN);
    assert_eq!(world.incidents()[0].ended.unwrap().why, Ending::NotWatched);
}

#[test]
fn silence_is_neither_a_skew_nor_its_end_until_nothing_can_be_known() {
    let mut world = settled();
    world.random(3600, 0, &EVEN);
    assert_eq!(world.verdict(), Verdict::Unknown);
    assert!(world.incidents().is_empty());

    let mut world = skewed();
    world.random(600, 0, &EVEN);
    assert!(world.open(Signal::Opened).is_some());
    world.random(600, 0, &EVEN);
    assert_eq!(world.incidents()[0].ended.unwrap().why, Ending::NoTraffic);
}

#[test]
fn a_failing_backend_that_is_not_tried_any_longer_is_let_go() {
    let mut world = settled();
    for _ in 0..60 {
        let mut parts = world.draw(RATE, &[1, 0, 1, 1]);
        parts[1].failed = 10;
        world.tick(&parts);
    }
    assert!(world.open(Signal::Failed).is_some());
    world.random(600, RATE, &[1, 0, 1, 1]);
    assert!(world.open(Signal::Failed).is_some());
    world.random(600, RATE, &[1, 0, 1, 1]);
    let failing = world
        .incidents()
        .iter()
        .find(|it| it.signal == Signal::Failed)
        .unwrap();
    assert_eq!(failing.ended.unwrap().why, Ending::NoTraffic);
    assert!(world.open(Signal::Opened).is_some(), "it is still cold");
}

#[test]
fn a_backend_that_joins_is_not_cold_before_it_had_time() {
    let mut world = settled();
    world.spec.backends.push(backend(5, 1));
    world.reload();
    // The balancer learns of it a little later than the agent.
    world.random(10, RATE, &[1, 1, 1, 1, 0]);
    world.random(WINDOW * 4, RATE, &[1, 1, 1, 1, 1]);
    assert!(world.incidents().is_empty(), "{:?}", world.incidents());
    world.random_until(120, RATE, &[1, 1, 1, 1, 0], |world| {
        world.open(Signal::Opened).is_some()
    });
    assert_eq!(
        names(&world.open(Signal::Opened).unwrap().cold),
        [address(5).to_string()]
    );
}

#[test]
fn least_connections_is_judged_by_open_connections_not_by_new_ones() {
    let mut pool = spec(&EVEN);
    pool.algorithm = Algorithm::LoadDependent;
    let mut world = World::with(pool, Detection::default(), Vec::new());
    let even = |mut parts: Vec<Part>| {
        for part in &mut parts {
            part.active = 500;
        }
        parts
    };
    for _ in 0..600 {
        let parts = world.draw(RATE, &[4, 1, 4, 4]);
        world.tick(&even(parts));
    }
    assert!(world.incidents().is_empty(), "{:?}", world.incidents());
    assert_eq!(world.verdict(), Verdict::Even);
    let said = explanation(world.pool());
    assert!(said.contains("192.0.2.2:80 0.3"), "{said}");
    for _ in 0..5 * WINDOW {
        let mut parts = even(world.draw(RATE, &EVEN));
        parts[1].active = 2000;
        world.tick(&parts);
    }
    let incident = world.open(Signal::Active).unwrap();
    assert_eq!(names(&incident.hot), [address(2).to_string()]);
}

#[test]
fn learned_shares_are_no_skew_and_a_change_of_them_is() {
    let mut pool = spec(&EVEN);
    pool.expected = Some(Expectation::Learned);
    let mut world = World::with(pool, Detection::default(), Vec::new());
    let usual = [5, 1, 2, 2];
    world.random(1800, RATE, &usual);
    assert!(world.incidents().is_empty(), "{:?}", world.incidents());
    assert_eq!(world.verdict(), Verdict::Even);
    let learned = world.pool().backends[0].expected_share;
    assert!((learned - 0.5).abs() < 0.02, "{learned}");
    world.random_until(300, RATE, &[2, 5, 2, 1], |world| {
        world.open(Signal::Opened).is_some()
    });
    let incident = world.open(Signal::Opened).unwrap();
    assert_eq!(incident.hot[0].backend, address(2).to_string());
    let frozen = world.pool().backends[0].expected_share;
    world.random(3600, RATE, &[2, 5, 2, 1]);
    assert!((world.pool().backends[0].expected_share - frozen).abs() < 1e-12);
    assert!(world.open(Signal::Opened).is_some());
}

#[test]
fn detection_time_is_a_number_that_falls_with_the_rate() {
    let mut world = settled();
    let fast = world.pool().detection_time.unwrap();
    world.random(2 * WINDOW, RATE / 10, &EVEN);
    let slow = world.pool().detection_time.unwrap();
    let ratio = slow.as_secs_f64() / fast.as_secs_f64();
    assert!((5.0..20.0).contains(&ratio), "{fast:?} and {slow:?}");
    world.random(2 * WINDOW, 0, &EVEN);
    assert_eq!(world.pool().detection_time, None);
}

#[test]
fn the_book_keeps_the_last_thousand_ended_incidents() {
    let template = Incident::clone(skewed().open(Signal::Opened).unwrap());
    let past: Vec<Incident> = (0..1500_u64)
        .map(|n| Incident {
            id: n.to_string(),
            started: SystemTime::UNIX_EPOCH + Duration::from_secs(n),
            ended: Some(evenkeel::model::Ended {
                at: SystemTime::UNIX_EPOCH + Duration::from_secs(n + 1),
                why: Ending::Recovered,
            }),
            ..template.clone()
        })
        .collect();
    let mut world = World::with(spec(&EVEN), Detection::default(), past);
    world.random(1, RATE, &EVEN);
    let ids: Vec<&str> = world.incidents().iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids.len(), 1000);
    assert_eq!((ids[0], ids[999]), ("1499", "500"));
}
