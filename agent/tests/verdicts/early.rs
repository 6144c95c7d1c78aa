//! What an incident says in its first seconds, from then on, and when it is repaired: the window also holds what was before it,
//! and what comes after.

use evenkeel::model::{CauseId, Incident, Signal};

use super::world::{Part, WINDOW, World};

const RATE: u64 = 200;

/// A pool of four that was even for two minutes; then the seconds of a fault, until its incident is this many seconds old. What
/// the incident said in each of them.
fn told(seconds: u64, mut fault: impl FnMut(&mut World, u64) -> Vec<Part>) -> Vec<Incident> {
    let mut world = World::new(&[1; 4]);
    world.random(120, RATE, &[1; 4]);
    let mut told = Vec::new();
    for second in 0..120 {
        let parts = fault(&mut world, second);
        world.tick(&parts);
        told.extend(world.open(Signal::Opened).map(|it| Incident::clone(it)));
        if told.len() as u64 == seconds {
            return told;
        }
    }
    panic!("no incident: {:?}", world.pool());
}

fn causes(told: &[Incident]) -> Vec<CauseId> {
    let mut causes: Vec<CauseId> = told.iter().map(|it| it.cause.id).collect();
    causes.dedup();
    causes
}

#[test]
fn a_drained_backend_is_not_in_rotation_all_the_time() {
    let told = told(2 * WINDOW, |world, _| world.draw(RATE, &[1, 0, 1, 1]));
    assert_eq!(causes(&told), [CauseId::NotInRotation]);
    assert!(told.iter().all(|it| it.cold[0].observed_share < 0.05));
}

#[test]
fn a_failure_long_before_does_not_make_a_drained_backend_a_refusing_one() {
    let told = told(2 * WINDOW, |world, second| match second {
        0..20 => {
            let mut parts = world.draw(RATE, &[1; 4]);
            parts[1].failed = u64::from(second == 10);
            parts
        }
        _ => world.draw(RATE, &[1, 0, 1, 1]),
    });
    assert_eq!(causes(&told), [CauseId::NotInRotation]);
}

/// nginx leaves a backend alone for ten seconds after one failure.
#[test]
fn a_backend_that_is_given_up_after_a_failure_refuses_all_the_time() {
    let told = told(2 * WINDOW, |world, second| {
        let mut parts = world.draw(RATE, &[1, 0, 1, 1]);
        parts[1].failed = u64::from(second % 10 == 0);
        parts
    });
    assert_eq!(causes(&told), [CauseId::Refusing]);
    assert!(
        told[0].cause.text.contains("1 of 1 attempts failed"),
        "{:?}",
        told[0].cause
    );
}

#[test]
fn weights_are_told_as_soon_as_there_are_enough_connections() {
    let told = told(2 * WINDOW, |world, _| world.draw(RATE, &[3, 1, 1, 1]));
    let first = told
        .iter()
        .position(|it| it.cause.id == CauseId::WeightsDiffer);
    assert!(first.unwrap() <= 8, "{first:?}: {:?}", causes(&told));
    assert_eq!(causes(&told[first.unwrap()..]), [CauseId::WeightsDiffer]);
}

#[test]
fn shares_are_those_since_the_onset() {
    let told = told(2 * WINDOW, |world, _| world.draw(RATE, &[1, 3, 1, 1]));
    for (second, incident) in told.iter().enumerate() {
        let share = incident.hot[0].observed_share;
        // At first by the connections of a second or two alone.
        let error = if second < 4 { 0.12 } else { 0.06 };
        assert!((share - 0.5).abs() < error, "{share} at {second} s");
    }
}

#[test]
fn what_is_repaired_is_not_explained_anew() {
    let faults = [
        ([1, 3, 1, 1], CauseId::WeightsDiffer),
        ([1, 0, 1, 1], CauseId::NotInRotation),
    ];
    for (weights, cause) in faults {
        for seconds in [0, 3, 8, 15, 100] {
            let mut world = World::new(&[1; 4]);
            world.random(120, RATE, &[1; 4]);
            world.random_until(120, RATE, &weights, |world| {
                world
                    .open(Signal::Opened)
                    .is_some_and(|it| it.cause.id == cause)
            });
            world.random(seconds, RATE, &weights);
            world.random_until(600, RATE, &[1; 4], |world| {
                world.open(Signal::Opened).is_none()
            });
            let ended = &world.incidents()[0];
            assert_eq!(ended.cause.id, cause, "after {seconds} s: {ended:?}");
        }
    }
}
