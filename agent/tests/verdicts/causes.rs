//! The decision table of causes, row by row.

use std::collections::BTreeMap;

use evenkeel::model::{Algorithm, CauseId, Clients, Detection, Incident, PoolSpec, Signal};

use super::world::{Part, WINDOW, World, address, backend, names, spec};

const RATE: u64 = 200;

fn world(spec: PoolSpec) -> World {
    let detection = Detection {
        signals: vec![Signal::Opened, Signal::Active, Signal::Bytes],
        ..Detection::default()
    };
    World::with(spec, detection, Vec::new())
}

/// Lets seconds pass until there is an incident of the signal, and its figures have settled.
fn incident(
    world: &mut World,
    signal: Signal,
    second: impl Fn(&mut World) -> Vec<Part>,
) -> Incident {
    let mut settling = 2 * WINDOW;
    for _ in 0..1200 {
        let parts = second(world);
        world.tick(&parts);
        if world.open(signal).is_some() {
            settling -= 1;
        }
        if settling == 0 {
            return Incident::clone(world.open(signal).unwrap());
        }
    }
    panic!("no incident of {}: {:?}", signal.as_str(), world.pool());
}

fn even(world: &mut World, seconds: u64, active: u64) {
    let weights: Vec<u32> = vec![1; world.spec.backends.len()];
    for _ in 0..seconds {
        let mut parts = world.draw(RATE, &weights);
        for part in &mut parts {
            part.active = active;
        }
        world.tick(&parts);
    }
    assert!(world.incidents().is_empty(), "{:?}", world.incidents());
}

#[test]
fn refusing() {
    let mut world = world(spec(&[1; 4]));
    even(&mut world, 120, 20);
    let second = |world: &mut World| {
        let mut parts = world.draw(RATE, &[1, 0, 1, 1]);
        parts[1].failed = 20;
        parts
    };
    let skewed = incident(&mut world, Signal::Opened, second);
    assert_eq!(skewed.cause.id, CauseId::Refusing, "{:?}", skewed.cause);
    assert_eq!(names(&skewed.cold), [address(2).to_string()]);
    let failing = incident(&mut world, Signal::Failed, second);
    assert_eq!(failing.cause.id, CauseId::Refusing);
    assert_eq!(names(&failing.hot), [address(2).to_string()]);
    assert!(failing.hot[0].observed_share > 0.99, "{failing:?}");
}

#[test]
fn not_in_rotation() {
    let mut world = world(spec(&[1; 4]));
    even(&mut world, 120, 0);
    let found = incident(&mut world, Signal::Opened, |world| {
        world.draw(RATE, &[1, 1, 1, 0])
    });
    assert_eq!(found.cause.id, CauseId::NotInRotation, "{:?}", found.cause);
    assert_eq!(names(&found.cold), [address(4).to_string()]);
    assert!(found.cause.text.contains("192.0.2.4:80"));
}

#[test]
fn not_rebalanced() {
    let mut world = world(spec(&[1; 3]));
    let held = |active: &[u64]| -> Vec<Part> {
        let part = |active: &u64| Part {
            active: *active,
            bytes: 1000,
            ..Part::default()
        };
        active.iter().map(part).collect()
    };
    for _ in 0..120 {
        world.tick(&held(&[100, 100, 100]));
    }
    world.spec.backends.push(backend(4, 1));
    world.reload();
    let found = incident(&mut world, Signal::Active, |_| held(&[100, 100, 100, 2]));
    assert_eq!(found.cause.id, CauseId::NotRebalanced, "{:?}", found.cause);
    assert_eq!(names(&found.cold), [address(4).to_string()]);
}

/// Connections that stay, and short ones beside them of which the new backend gets its part.
#[test]
fn not_rebalanced_among_short_ones() {
    let told = |newcomer: u64| {
        let mut world = world(spec(&[1; 3]));
        let second = |world: &mut World, active: &[u64]| {
            let mut parts = world.draw(RATE, &vec![1; active.len()]);
            for (part, active) in parts.iter_mut().zip(active) {
                part.active = *active;
            }
            parts
        };
        for _ in 0..120 {
            let parts = second(&mut world, &[1000, 1000, 1000]);
            world.tick(&parts);
        }
        world.spec.backends.push(backend(4, 1));
        world.reload();
        incident(&mut world, Signal::Active, |world| {
            second(world, &[1000, 1000, 1000, newcomer])
        })
    };
    let found = told(10);
    assert_eq!(found.cause.id, CauseId::NotRebalanced, "{:?}", found.cause);
    assert_eq!(names(&found.cold), [address(4).to_string()]);
    // A machine that is merely faster.
    let found = told(400);
    assert_ne!(found.cause.id, CauseId::NotRebalanced, "{:?}", found.cause);
}

#[test]
fn slow_backend() {
    let mut world = world(spec(&[1; 4]));
    even(&mut world, 120, 20);
    let found = incident(&mut world, Signal::Active, |world| {
        let mut parts = world.draw(RATE, &[1; 4]);
        for part in &mut parts {
            part.active = 20;
        }
        parts[2].active = 400;
        parts
    });
    assert_eq!(found.cause.id, CauseId::SlowBackend, "{:?}", found.cause);
    assert_eq!(names(&found.hot), [address(3).to_string()]);
}

#[test]
fn pinned_connections() {
    let mut world = world(spec(&[1; 4]));
    even(&mut world, 120, 100);
    let found = incident(&mut world, Signal::Active, |_| {
        [100, 100, 400, 100]
            .map(|active| Part {
                active,
                ..Part::default()
            })
            .to_vec()
    });
    assert_eq!(
        found.cause.id,
        CauseId::PinnedConnections,
        "{:?}",
        found.cause
    );
}

#[test]
fn heavy_connections() {
    let mut world = world(spec(&[1; 4]));
    even(&mut world, 120, 50);
    let found = incident(&mut world, Signal::Bytes, |world| {
        let mut parts = world.draw(RATE, &[1; 4]);
        for part in &mut parts {
            part.active = 50;
        }
        parts[0].bytes *= 8;
        parts
    });
    assert_eq!(
        found.cause.id,
        CauseId::HeavyConnections,
        "{:?}",
        found.cause
    );
    assert_eq!(names(&found.hot), [address(1).to_string()]);
}

#[test]
fn affinity() {
    let mut pool = spec(&[1; 4]);
    pool.algorithm = Algorithm::KeyDependent;
    pool.expected = Some(evenkeel::model::Expectation::Weights);
    let mut world = world(pool);
    let found = incident(&mut world, Signal::Opened, |world| {
        world.draw(RATE, &[60, 25, 10, 5])
    });
    assert_eq!(found.cause.id, CauseId::Affinity, "{:?}", found.cause);
    assert_eq!(names(&found.hot), [address(1).to_string()]);
}

/// Nobody said how the balancer chooses, but four clients over four backends are seen.
#[test]
fn affinity_of_few_clients() {
    let sticky = |world: &mut World| world.draw(RATE, &[2, 1, 1, 0]);
    let few = |effective| {
        Some(Clients {
            effective,
            connections: 10_000,
        })
    };
    let mut world = world(spec(&[1; 4]));
    world.clients = few(4.0);
    let found = incident(&mut world, Signal::Opened, sticky);
    assert_eq!(found.cause.id, CauseId::Affinity, "{:?}", found.cause);
    assert!(
        found.cause.text.contains("about 4 clients"),
        "{:?}",
        found.cause
    );

    // One proxy in front cannot be bound to three backends at once.
    let mut world = self::world(spec(&[1; 4]));
    world.clients = few(1.0);
    let found = incident(&mut world, Signal::Opened, |world| {
        world.draw(RATE, &[1, 1, 4, 1])
    });
    assert_eq!(found.cause.id, CauseId::WeightsDiffer, "{:?}", found.cause);
}

/// Eight clients bound to backends would make eighths.
#[test]
fn weights_that_differ_before_few_clients() {
    let told = |weights: [u32; 4]| {
        let mut world = world(spec(&[1; 4]));
        world.clients = Some(Clients {
            effective: 8.0,
            connections: 10_000,
        });
        let found = incident(&mut world, Signal::Opened, |world| {
            world.draw(RATE, &weights)
        });
        found.cause.id
    };
    assert_eq!(told([1, 2, 1, 1]), CauseId::WeightsDiffer);
    assert_eq!(told([4, 2, 1, 1]), CauseId::Affinity);
}

#[test]
fn weights_lost() {
    let mut world = world(spec(&[5, 1, 1, 1]));
    let found = incident(&mut world, Signal::Opened, |world| {
        world.draw(RATE, &[1; 4])
    });
    assert_eq!(found.cause.id, CauseId::WeightsLost, "{:?}", found.cause);
}

#[test]
fn weights_differ() {
    let mut world = world(spec(&[1; 4]));
    let found = incident(&mut world, Signal::Opened, |world| {
        world.draw(RATE, &[1, 1, 4, 1])
    });
    assert_eq!(found.cause.id, CauseId::WeightsDiffer, "{:?}", found.cause);
    assert!(found.cause.text.contains("1, 1, 4, 1"), "{:?}", found.cause);
}

#[test]
fn first_in_list() {
    let mut world = world(spec(&[1; 4]));
    // 137 : 100, which no small weights make.
    let found = incident(&mut world, Signal::Opened, |world| {
        world.draw(2000, &[157, 100, 100, 100])
    });
    let causes: Vec<_> = std::iter::once(&found.cause)
        .chain(&found.other_causes)
        .map(|it| it.id)
        .collect();
    assert!(causes.contains(&CauseId::FirstInList), "{causes:?}");
}

/// Workers that begin at the head of the list and do not get far.
#[test]
fn shares_that_fall_along_the_list() {
    let told = |shares: [u32; 5]| {
        let mut world = world(spec(&[1; 5]));
        let found = incident(&mut world, Signal::Opened, |world| world.draw(500, &shares));
        (found.cause.id, found.cause.text)
    };
    let (cause, text) = told([571, 284, 105, 31, 9]);
    assert_eq!(cause, CauseId::FirstInList, "{text}");
    assert!(text.starts_with("The earlier"), "{text}");
    let (cause, text) = told([406, 404, 97, 103, 101]);
    assert_ne!(cause, CauseId::FirstInList, "{text}");
    let (cause, text) = told([284, 571, 31, 105, 9]);
    assert_eq!(cause, CauseId::Unexplained, "{text}");
}

/// Overwhelmed by a weight, and therefore slow: not a slow backend.
#[test]
fn open_connections_that_mirror_new_ones() {
    let told = |shares: [u32; 4], active: [u64; 4]| {
        let mut world = world(spec(&[1; 4]));
        even(&mut world, 120, 20);
        let found = incident(&mut world, Signal::Active, |world| {
            let mut parts = world.draw(RATE, &shares);
            for (part, active) in parts.iter_mut().zip(active) {
                part.active = active;
            }
            parts
        });
        found.cause
    };
    let cause = told([3, 1, 1, 1], [400, 20, 20, 20]);
    assert_eq!(cause.id, CauseId::WeightsDiffer, "{cause:?}");
    assert!(cause.text.contains("3, 1, 1, 1"), "{cause:?}");
    // It gets less than the others and is full all the same.
    let cause = told([1, 3, 3, 3], [400, 20, 20, 20]);
    assert_eq!(cause.id, CauseId::SlowBackend, "{cause:?}");
}

#[test]
fn between_groups() {
    let mut pool = spec(&[1; 10]);
    for (n, backend) in pool.backends.iter_mut().enumerate() {
        let zone = if n < 5 { "a" } else { "b" };
        backend.labels = BTreeMap::from([
            ("zone".to_owned(), zone.to_owned()),
            ("name".to_owned(), format!("web-{n}")),
        ]);
    }
    let mut world = world(pool);
    let found = incident(&mut world, Signal::Opened, |world| {
        world.draw(RATE, &[17, 18, 17, 18, 17, 9, 8, 9, 8, 9])
    });
    assert_eq!(found.cause.id, CauseId::BetweenGroups, "{:?}", found.cause);
    assert!(found.cause.text.contains("zone=a"), "{:?}", found.cause);
}

#[test]
fn unexplained() {
    let mut world = world(spec(&[1; 4]));
    let found = incident(&mut world, Signal::Opened, |world| {
        world.draw(2000, &[1000, 1618, 1123, 377])
    });
    assert_eq!(found.cause.id, CauseId::Unexplained, "{:?}", found.cause);
}
