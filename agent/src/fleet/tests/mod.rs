//! Fleets that are simulated, read over HTTP from a store that answers as Prometheus does.

mod store;
mod world;

use std::sync::atomic::Ordering::Relaxed;

use self::world::{Agent, BEGINNING, Exported, World, backend};
use crate::model::{Cause, CauseId, Role, Side, Verdict};

/// Balancers that all know the same backends.
fn balancers(count: usize, rates: &[f64]) -> Vec<Agent> {
    let backends = |_| {
        rates
            .iter()
            .enumerate()
            .map(|(n, rate)| backend(n + 1, *rate))
    };
    (0..count)
        .map(|n| Agent::new(&format!("lb-{n}"), Role::Upstream, backends(n).collect()))
        .collect()
}

/// Nodes with pods of their own in three zones; `rate` by node.
fn nodes(count: usize, pods: usize, rate: impl Fn(usize) -> f64) -> Vec<Agent> {
    let zones = ["a", "b", "c"];
    let node = |node: usize| {
        let pod = |pod: usize| Exported {
            address: format!("10.0.{node}.{pod}:80"),
            ..backend(1, rate(node))
        };
        let mut agent = Agent::new(
            &format!("node-{node}"),
            Role::Local,
            (0..pods).map(pod).collect(),
        );
        agent.zone = Some(zones[node % 3]);
        agent
    };
    (0..count).map(node).collect()
}

#[tokio::test]
async fn an_even_fleet_is_found_even_and_every_connection_is_counted_once() {
    let mut world = World::new(balancers(3, &[20.0; 4])).await;
    world.pass(60).await;
    assert_eq!(world.pool().verdict, Verdict::Even);
    assert!(world.incident().is_none());
    // Agents stop counting: what comes late arrives.
    for agent in &mut world.agents {
        agent.backends.iter_mut().for_each(|one| one.rate = 0.0);
    }
    world.pass(4).await;
    // The first scrape of each agent is what others are compared with.
    let first = {
        let mut again = World::new(balancers(3, &[20.0; 4])).await;
        again.pass(1).await;
        again.opened
    };
    assert!((world.counted() as f64 - (world.opened - first)).abs() < 0.5);
    let asked = world.memory.asked.lock().unwrap();
    let all = asked.iter().all(|(query, tenant)| {
        query.contains("{cluster=\"a\"}") && tenant.as_deref() == Some("shop")
    });
    assert!(all, "{:?}", asked.first());
}

/// That the cause is groups of backends, of which the text names one.
fn assert_names(cause: &Cause, group: &str) {
    assert_eq!(cause.id, CauseId::BetweenGroups, "{cause:?}");
    assert!(cause.text.contains(group), "{cause:?}");
}

#[tokio::test]
async fn a_starved_zone_is_named() {
    let rate = |node| if node % 3 == 2 { 0.5 } else { 10.0 };
    let mut world = World::new(nodes(9, 3, rate)).await;
    world.pass(40).await;
    let incident = world.incident().unwrap();
    assert_names(&incident.cause, "zone=c gets 0.0");
    assert_eq!(incident.role, Role::Local);
    assert_eq!(incident.cold.len(), 9, "{incident:?}");
}

/// Zone, node and agent say the same then.
#[tokio::test]
async fn with_one_node_in_each_zone_it_is_the_zone_that_is_named() {
    let rate = |node| if node == 2 { 0.5 } else { 10.0 };
    let mut world = World::new(nodes(3, 4, rate)).await;
    world.pass(40).await;
    assert_names(&world.incident().unwrap().cause, "zone=c gets 0.0");
}

#[tokio::test]
async fn a_zone_that_gets_nothing_is_named() {
    let rate = |node| if node % 3 == 2 { 0.0 } else { 10.0 };
    let mut world = World::new(nodes(9, 3, rate)).await;
    world.pass(40).await;
    let incident = world.incident().unwrap();
    assert_names(&incident.cause, "zone=c");
}

#[tokio::test]
async fn nodes_with_equal_traffic_and_unequal_numbers_of_pods_are_told_as_that() {
    let mut agents = nodes(6, 4, |_| 10.0);
    for agent in agents.iter_mut().take(3) {
        agent.backends.truncate(1);
        agent.backends[0].rate = 40.0;
        agent.zone = None;
    }
    for agent in &mut agents {
        agent.zone = None;
    }
    let mut world = World::new(agents).await;
    world.pass(40).await;
    let incident = world.incident().unwrap();
    let text = &incident.cause.text;
    assert_eq!(incident.cause.id, CauseId::BetweenGroups, "{text}");
    assert!(text.contains("however many backends it has"), "{text}");
}

#[tokio::test]
async fn a_balancer_that_differs_is_named() {
    let mut world = World::new(balancers(4, &[20.0; 4])).await;
    world.pass(10).await;
    assert!(world.incident().is_none());
    for (backend, rate) in world.agents[2]
        .backends
        .iter_mut()
        .zip([74.0, 2.0, 2.0, 2.0])
    {
        backend.rate = rate;
    }
    world.pass(40).await;
    let incident = world.incident().unwrap();
    let text = &incident.cause.text;
    assert_eq!(incident.cause.id, CauseId::OneBalancerDiffers, "{text}");
    assert!(text.starts_with("lb-2 of 4 spreads differently"), "{text}");
    assert!(text.contains("look at its state"), "{text}");
    assert_eq!(incident.hot[0].backend, "198.51.100.1:80");
}

#[tokio::test]
async fn a_balancer_with_other_weights_is_named_by_them() {
    let mut agents = balancers(3, &[20.0; 4]);
    for (backend, weight) in agents[1].backends.iter_mut().zip([9.0, 1.0, 1.0, 1.0]) {
        (backend.weight, backend.rate) = (weight, 80.0 * weight / 12.0);
    }
    let mut world = World::new(agents).await;
    world.pass(40).await;
    let incident = world.incident().unwrap();
    let text = &incident.cause.text;
    assert_eq!(incident.cause.id, CauseId::OneBalancerDiffers, "{text}");
    assert!(
        text.contains("Its configuration gives 198.51.100.1:80 75.0 %"),
        "{text}"
    );
}

#[tokio::test]
async fn balancers_that_are_even_by_themselves_and_skewed_in_sum_are_told_as_that() {
    let mut agents = balancers(4, &[20.0; 4]);
    for agent in agents.iter_mut().take(3) {
        agent.backends.truncate(2);
    }
    let mut world = World::new(agents).await;
    world.pass(40).await;
    let incident = world.incident().unwrap();
    let text = &incident.cause.text;
    assert_eq!(incident.cause.id, CauseId::SumSkewed, "{text}");
    assert!(text.contains("is in the pool of 1 of them"), "{text}");
}

#[tokio::test]
async fn restarted_agents_and_missed_scrapes_lose_nothing_and_alarm_nobody() {
    let mut world = World::new(nodes(6, 2, |_| 20.0)).await;
    world.pass(10).await;
    let now = world.now;
    world.agents[1].restart(now - 1000);
    world.pass(3).await;
    world.agents[3].up = false;
    world.pass(2).await;
    world.agents[3].up = true;
    world.pass(10).await;
    for agent in &mut world.agents {
        agent.backends.iter_mut().for_each(|one| one.rate = 0.0);
    }
    world.pass(4).await;
    assert!(world.incident().is_none(), "{:?}", world.incident());
    let first = {
        let mut again = World::new(nodes(6, 2, |_| 20.0)).await;
        again.pass(1).await;
        again.opened
    };
    assert!((world.counted() as f64 - (world.opened - first)).abs() < 0.5);
    assert_eq!(world.state().kernel.fleet.as_ref().unwrap().resets, 2);
}

#[tokio::test]
async fn an_agent_that_is_gone_starves_nobody() {
    let mut world = World::new(nodes(6, 2, |_| 20.0)).await;
    world.pass(10).await;
    assert_eq!(world.pool().backends.len(), 12);
    world.agents[3].up = false;
    world.pass(4).await;
    let fleet = world.state().kernel.fleet.clone().unwrap();
    assert_eq!((fleet.agents, fleet.silent, fleet.waiting), (5, 1, 1));
    world.pass(40).await;
    assert!(world.incident().is_none(), "{:?}", world.incident());
    assert_eq!(world.pool().backends.len(), 10);
    // What it counted while it was not seen is not compared with what others got since.
    world.agents[3].up = true;
    world.pass(40).await;
    assert_eq!(world.pool().backends.len(), 12);
    assert!(world.incident().is_none(), "{:?}", world.incident());
}

#[tokio::test]
async fn a_store_that_is_down_invents_nothing_and_what_was_missed_is_made_up_for() {
    let mut world = World::new(balancers(3, &[20.0, 20.0, 60.0])).await;
    world.pass(40).await;
    let before = world.incident().unwrap();
    let (tick, counted) = (world.state().tick, world.counted());
    world.memory.down.store(true, Relaxed);
    world.pass(10).await;
    let state = world.state();
    let fleet = state.kernel.fleet.as_ref().unwrap();
    assert_eq!((state.tick, world.counted()), (tick, counted));
    assert!(fleet.error.as_ref().unwrap().contains("502"), "{fleet:?}");
    assert_eq!(fleet.failures, 10);
    world.memory.down.store(false, Relaxed);
    world.pass(1).await;
    assert_eq!(world.state().tick, tick + 11);
    assert_eq!(world.state().kernel.fleet.as_ref().unwrap().error, None);
    assert_eq!(world.incident().unwrap().id, before.id);
}

#[tokio::test]
async fn after_a_restart_there_is_a_verdict_at_once_and_the_incident_is_the_same() {
    let mut world = World::new(balancers(3, &[20.0, 20.0, 60.0])).await;
    world.pass(40).await;
    let before = world.incident().unwrap();
    assert_eq!(before.hot[0].backend, "198.51.100.3:80");
    world.rewatch(vec![(*before).clone()]);
    world.pass(1).await;
    let after = world.incident().unwrap();
    assert_eq!((&after.id, after.started), (&before.id, before.started));
    assert_eq!(world.pool().verdict, Verdict::Skewed);
    // Without what was kept it is found again from what the store knows.
    world.rewatch(Vec::new());
    world.pass(1).await;
    assert!(world.state().tick > 30, "{}", world.state().tick);
    assert_eq!(world.pool().verdict, Verdict::Skewed);
    assert_eq!(world.pool().backends[2].skewed.opened, Some(Side::Hot));
    assert!(world.incident().is_some());
}

#[tokio::test]
async fn an_agent_that_begins_while_it_is_watched_counts_from_its_first_sample() {
    let mut world = World::new(balancers(2, &[20.0; 4])).await;
    world.pass(10).await;
    let mut late = balancers(3, &[0.0; 4]).remove(2);
    (late.started, late.backends[0].count) = (world.now - 1000, 500.0);
    let counted = world.counted();
    world.agents.iter_mut().for_each(|agent| {
        agent.backends.iter_mut().for_each(|one| one.rate = 0.0);
    });
    world.pass(4).await;
    let settled = world.counted();
    assert!(settled >= counted);
    world.agents.push(late);
    world.pass(5).await;
    assert_eq!(world.counted(), settled + 500);
}

#[tokio::test]
async fn loopback_addresses_are_one_backend_on_each_host() {
    let agent = |n: usize| {
        let mut own = backend(1, 10.0);
        own.address = "127.0.0.1:80".to_owned();
        Agent::new(&format!("node-{n}"), Role::Local, vec![own])
    };
    let mut world = World::new((0..3).map(agent).collect()).await;
    world.pass(5).await;
    let names = &world.pool().pool.names;
    let expected = [
        "127.0.0.1:80@node-0",
        "127.0.0.1:80@node-1",
        "127.0.0.1:80@node-2",
    ];
    assert_eq!(names, &expected);
    assert!(world.now > BEGINNING);
}
